/**
 * @file Blocks of ggml <-> numbers, as ggml defines them: every product and sum is rounded to float32, so that results are
 * those of `dequantize_row_*` and `quantize_row_*_ref` bit for bit.
 */
import { PalignError } from '../errors.ts'
import { fromBfloat16, fromFloat16, toFloat16 } from '../math/half-floats.ts'
import { dequantiseK, isKQuant, type KQuant } from './ggml-k-quants.ts'
import { type GgmlType, ggmlBlock } from './ggml-types.ts'
import { type Bits, BLOCK, type QuantisedMatrix } from './quantised-matrix.ts'

/** What `dequantise` reads. */
export const READABLE_TYPES = [
  'F32',
  'F16',
  'BF16',
  'Q8_0',
  'Q4_0',
  'Q4_1',
  'Q5_0',
  'Q5_1',
  'Q2_K',
  'Q3_K',
  'Q4_K',
  'Q5_K',
  'Q6_K',
] as const satisfies readonly GgmlType[]
export type ReadableType = (typeof READABLE_TYPES)[number]

export function isReadable(type: GgmlType): type is ReadableType {
  return (READABLE_TYPES as readonly GgmlType[]).includes(type)
}

const ROUND = Math.fround

/** The numbers of whole blocks, in order. @throws PalignError `invalid-input` for a part of a block */
export function dequantise(type: ReadableType, bytes: Uint8Array): Float32Array {
  const count = blockCount(type, bytes)
  if (isKQuant(type)) return dequantiseK(type, bytes, count)
  switch (type) {
    case 'F32':
      return new Float32Array(new Uint8Array(bytes).buffer)
    case 'F16':
      return fromFloat16(new Uint16Array(new Uint8Array(bytes).buffer))
    case 'BF16':
      return fromBfloat16(new Uint16Array(new Uint8Array(bytes).buffer))
    case 'Q8_0':
      return inBlocks(type, bytes, (block, out) => {
        for (let i = 0; i < BLOCK; i++) out[i] = block.scale * ((bytes[block.at + 2 + i]! << 24) >> 24)
      })
    case 'Q4_0':
      return inBlocks(type, bytes, (block, out) => {
        for (let i = 0; i < BLOCK; i++) out[i] = block.scale * (nibble(bytes, block.at + 2, i) - 8)
      })
    case 'Q4_1':
      return inBlocks(type, bytes, (block, out) => {
        const least = float16(bytes, block.at + 2)
        for (let i = 0; i < BLOCK; i++) out[i] = ROUND(block.scale * nibble(bytes, block.at + 4, i)) + least
      })
    case 'Q5_0':
      return inBlocks(type, bytes, (block, out) => {
        for (let i = 0; i < BLOCK; i++) out[i] = block.scale * (fiveBits(bytes, block.at + 2, i) - 16)
      })
    case 'Q5_1':
      return inBlocks(type, bytes, (block, out) => {
        const least = float16(bytes, block.at + 2)
        for (let i = 0; i < BLOCK; i++) out[i] = ROUND(block.scale * fiveBits(bytes, block.at + 4, i)) + least
      })
    default:
      return type satisfies never
  }
}

/** Blocks of 32 that begin with a float16 scale. */
function inBlocks(
  type: Exclude<ReadableType, KQuant>,
  bytes: Uint8Array,
  read: (block: { readonly at: number; readonly scale: number }, out: Float32Array) => void,
): Float32Array {
  const { bytes: step } = ggmlBlock(type)
  const out = new Float32Array((bytes.length / step) * BLOCK)
  for (let b = 0, at = 0; at < bytes.length; b++, at += step) {
    read({ at, scale: float16(bytes, at) }, out.subarray(b * BLOCK, (b + 1) * BLOCK))
  }
  return out
}

/** Element i of 32: the low halves of 16 bytes, then the high ones. */
function nibble(bytes: Uint8Array, at: number, i: number): number {
  return i < 16 ? bytes[at + i]! & 15 : bytes[at + i - 16]! >> 4
}

/** The fifth bits of all 32 in four bytes, then the lower four. */
function fiveBits(bytes: Uint8Array, at: number, i: number): number {
  return nibble(bytes, at + 4, i) | (((bytes[at + (i >> 3)]! >> (i & 7)) & 1) << 4)
}

/**
 * As ggml's reference: scale = number of largest size / -8, so that it becomes exactly -8.
 * @param values whole blocks of 32. @throws PalignError `invalid-input` for a part of a block or a number that is not finite
 */
export function quantiseQ4_0(values: Float32Array): Uint8Array {
  return quantised('Q4_0', values, (block, out) => {
    const scale = ROUND(ofLargestSize(block) / -8)
    const inverse = scale === 0 ? 0 : ROUND(1 / scale)
    // Halves go up, as adding 8.5 and cutting off does it.
    const number = (i: number) => Math.min(15, Math.trunc(ROUND(ROUND(block[i]! * inverse) + 8.5)))
    for (let i = 0; i < 16; i++) out[i] = number(i) | (number(i + 16) << 4)
    return scale
  })
}

/** As ggml's reference: scale = largest size / 127. @throws as `quantiseQ4_0` */
export function quantiseQ8_0(values: Float32Array): Uint8Array {
  return quantised('Q8_0', values, (block, out) => {
    const scale = ROUND(Math.abs(ofLargestSize(block)) / 127)
    const inverse = scale === 0 ? 0 : ROUND(1 / scale)
    for (let i = 0; i < BLOCK; i++) {
      const value = ROUND(block[i]! * inverse)
      // Halves go away from zero.
      out[i] = Math.sign(value) * Math.floor(Math.abs(value) + 0.5)
    }
    return scale
  })
}

function quantised(
  type: 'Q4_0' | 'Q8_0',
  values: Float32Array,
  fill: (block: Float32Array, out: Uint8Array) => number,
): Uint8Array {
  if (values.length % BLOCK !== 0) {
    throw new PalignError('invalid-input', `row has ${values.length} numbers, expected whole blocks of ${BLOCK}`)
  }
  if (!values.every(Number.isFinite)) throw new PalignError('non-finite', 'row holds a number that is not finite')
  const { bytes: step } = ggmlBlock(type)
  const out = new Uint8Array((values.length / BLOCK) * step)
  for (let b = 0, at = 0; at < out.length; b++, at += step) {
    const scale = fill(values.subarray(b * BLOCK, (b + 1) * BLOCK), out.subarray(at + 2, at + step))
    putFloat16(out, at, toFloat16(Float32Array.of(scale))[0]!)
  }
  return out
}

/** The first of equals, with its sign. */
function ofLargestSize(block: Float32Array): number {
  let largest = 0
  for (const value of block) if (Math.abs(value) > Math.abs(largest)) largest = value
  return largest
}

/** Blocks of 32 with numbers and scales apart, as the weights of a model folder have them. */
export type BlocksOf32 = Pick<QuantisedMatrix, 'bits' | 'numbers' | 'scale'>

const TYPE_OF_BITS = { 4: 'Q4_0', 8: 'Q8_0' } as const satisfies Record<Bits, GgmlType>

/** Exact: scales are widened. @throws PalignError `invalid-input` for a part of a block */
export function blocksOf32(type: 'Q4_0' | 'Q8_0', bytes: Uint8Array): BlocksOf32 {
  const count = blockCount(type, bytes)
  const { bytes: step } = ggmlBlock(type)
  const numbers = new Uint8Array(count * (step - 2))
  const scales = new Uint16Array(count)
  for (let b = 0; b < count; b++) {
    scales[b] = uint16(bytes, b * step)
    const block = bytes.subarray(b * step + 2, (b + 1) * step)
    const out = numbers.subarray(b * block.length, (b + 1) * block.length)
    if (type === 'Q8_0') for (let i = 0; i < 32; i++) out[i] = block[i]! ^ 0x80
    else for (let i = 0; i < 16; i++) out[i] = nibble(block, 0, 2 * i) | (nibble(block, 0, 2 * i + 1) << 4)
  }
  return { bits: type === 'Q4_0' ? 4 : 8, numbers, scale: fromFloat16(scales) }
}

/** The reverse, Q4_0 or Q8_0 by bits. @throws PalignError `invalid-input` where a scale is no float16, or numbers and scales do not fit */
export function ggmlBlocks({ bits, numbers, scale }: BlocksOf32): Uint8Array {
  const type = TYPE_OF_BITS[bits]
  const step = ggmlBlock(type).bytes
  if (numbers.length !== scale.length * (step - 2)) {
    throw new PalignError(
      'invalid-input',
      `blocks have ${numbers.length} bytes of numbers, expected ${scale.length * (step - 2)}`,
    )
  }
  const halves = toFloat16(scale)
  if (!fromFloat16(halves).every((half, i) => Object.is(half, scale[i]))) {
    throw new PalignError('invalid-input', `scale of a block is no float16, which ${type} needs`, {
      hint: 'export the matrix in floats',
    })
  }
  const out = new Uint8Array(scale.length * step)
  for (let b = 0; b < scale.length; b++) {
    putFloat16(out, b * step, halves[b]!)
    const packed = numbers.subarray(b * (step - 2), (b + 1) * (step - 2))
    const block = out.subarray(b * step + 2, (b + 1) * step)
    if (bits === 8) for (let i = 0; i < 32; i++) block[i] = packed[i]! ^ 0x80
    else for (let i = 0; i < 16; i++) block[i] = half(packed, i) | (half(packed, i + 16) << 4)
  }
  return out
}

function half(packed: Uint8Array, i: number): number {
  return (packed[i >> 1]! >> (4 * (i & 1))) & 15
}

function blockCount(type: GgmlType, { length }: Uint8Array): number {
  const { bytes } = ggmlBlock(type)
  if (length % bytes !== 0) {
    throw new PalignError('invalid-input', `${type} data have ${length} bytes, expected whole blocks of ${bytes}`)
  }
  return length / bytes
}

function uint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8)
}

function float16(bytes: Uint8Array, at: number): number {
  return fromFloat16(Uint16Array.of(uint16(bytes, at)))[0]!
}

function putFloat16(bytes: Uint8Array, at: number, bits: number): void {
  bytes[at] = bits & 0xff
  bytes[at + 1] = bits >> 8
}
