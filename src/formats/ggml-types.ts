/** @file The element types of ggml: their numbers in a GGUF file, how many elements a block has and how many bytes it takes. */

/** Name -> [number in a file, elements of a block, bytes of a block]. Types without an entry have gone, or lie in no file. */
const TYPES = {
  F32: [0, 1, 4],
  F16: [1, 1, 2],
  Q4_0: [2, 32, 18],
  Q4_1: [3, 32, 20],
  Q5_0: [6, 32, 22],
  Q5_1: [7, 32, 24],
  Q8_0: [8, 32, 34],
  Q2_K: [10, 256, 84],
  Q3_K: [11, 256, 110],
  Q4_K: [12, 256, 144],
  Q5_K: [13, 256, 176],
  Q6_K: [14, 256, 210],
  IQ2_XXS: [16, 256, 66],
  IQ2_XS: [17, 256, 74],
  IQ3_XXS: [18, 256, 98],
  IQ1_S: [19, 256, 50],
  IQ4_NL: [20, 32, 18],
  IQ3_S: [21, 256, 110],
  IQ2_S: [22, 256, 82],
  IQ4_XS: [23, 256, 136],
  I8: [24, 1, 1],
  I16: [25, 1, 2],
  I32: [26, 1, 4],
  I64: [27, 1, 8],
  F64: [28, 1, 8],
  IQ1_M: [29, 256, 56],
  BF16: [30, 1, 2],
  TQ1_0: [34, 256, 54],
  TQ2_0: [35, 256, 66],
  MXFP4: [39, 32, 17],
} as const satisfies Record<string, readonly [number, number, number]>

export type GgmlType = keyof typeof TYPES

export interface GgmlBlock {
  readonly elements: number
  readonly bytes: number
}

export function ggmlTypeNumber(type: GgmlType): number {
  return TYPES[type][0]
}

/** `undefined` for a number that is no type of ours. */
export function ggmlTypeOf(number: number): GgmlType | undefined {
  return (Object.keys(TYPES) as GgmlType[]).find((type) => TYPES[type][0] === number)
}

export function ggmlBlock(type: GgmlType): GgmlBlock {
  const [, elements, bytes] = TYPES[type]
  return { elements, bytes }
}

/**
 * Bytes of a tensor whose rows are whole blocks; `undefined` where they are not.
 * @param shape outermost first, so that the last size is the length of a row
 */
export function ggmlTensorBytes(type: GgmlType, shape: readonly number[]): bigint | undefined {
  const { elements, bytes } = ggmlBlock(type)
  if ((shape.at(-1) ?? 1) % elements !== 0) return undefined
  // Four sizes may overflow doubles.
  return (shape.reduce((product, size) => product * BigInt(size), 1n) / BigInt(elements)) * BigInt(bytes)
}
