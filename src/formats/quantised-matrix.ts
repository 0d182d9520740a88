/**
 * @file Matrices in blocks of 32 numbers of 4 or 8 bits with a scale each, as ONNX Runtime's MatMulNBits takes them; the two tensors of a file that hold
 * one (`docs/decisions/0017`). A weight is (number - zero) * scale; zero is 8 or 128.
 */
import { PalignError } from '../errors.ts'

/** Numbers of a row that share a scale. */
export const BLOCK = 32
export type Bits = 4 | 8

export interface QuantisedMatrix {
  readonly bits: Bits
  readonly out: number
  /** A multiple of `BLOCK`. */
  readonly width: number
  /** `[out, width / 32, 16 or 32]`; of 4 bits the even numbers are in the low halves of bytes. */
  readonly numbers: Uint8Array
  /** `[out, width / 32]` */
  readonly scale: Float32Array
}

export const numbersName = (name: string, bits: Bits) => `${name}.q${bits}`
export const scaleName = (name: string) => `${name}.scale`

/** The tensors of a file that hold a matrix in blocks: its numbers, then its scales. */
export function blockEntries(name: string, [out, width]: readonly number[], bits: Bits) {
  const blocks = [out!, width! / BLOCK]
  return [
    { name: numbersName(name, bits), dtype: 'U8', shape: [...blocks, (BLOCK * bits) / 8] },
    { name: scaleName(name), dtype: 'F32', shape: blocks },
  ] as const
}

/** Names of all tensors that a matrix in blocks may be made of. */
export const blockTensors = (name: string) => [numbersName(name, 4), numbersName(name, 8), scaleName(name)]

/**
 * Rounds to nearest, as Q4_0 and Q8_0 of GGUF do. Of 4 bits: scale = m / -8 with m the number of largest magnitude, so that it is met exactly; of
 * 8 bits: scale = largest magnitude / 127.
 * @param values `[out, width]`
 * @throws PalignError `invalid-input` for a width that is no multiple of 32, `non-finite` for NaN and infinity
 */
export function quantiseMatrix(values: Float32Array, width: number, bits: Bits): QuantisedMatrix {
  if (width % BLOCK !== 0 || values.length % width !== 0) {
    throw new PalignError(
      'invalid-input',
      `matrix of ${values.length} numbers has rows of ${width}, expected a multiple of ${BLOCK}`,
    )
  }
  const scale = new Float32Array(values.length / BLOCK)
  const numbers = new Uint8Array((values.length * bits) / 8)
  const zero = 2 ** (bits - 1)
  for (let block = 0; block < scale.length; block++) {
    const first = block * BLOCK
    let most = 0
    for (let i = first; i < first + BLOCK; i++) {
      const value = values[i]!
      if (!Number.isFinite(value)) throw new PalignError('non-finite', 'matrix to be quantised holds NaN or infinity')
      if (Math.abs(value) > Math.abs(most)) most = value
    }
    scale[block] = bits === 4 ? most / -8 : Math.abs(most) / 127
    const inverse = scale[block] === 0 ? 0 : 1 / scale[block]!
    for (let i = first; i < first + BLOCK; i++) {
      const number = Math.min(2 * zero - 1, Math.round(values[i]! * inverse) + zero)
      if (bits === 8) numbers[i] = number
      else numbers[i >> 1]! |= number << ((i & 1) * 4)
    }
  }
  return { bits, out: values.length / width, width, numbers, scale }
}

/** `[out, width]` */
export function dequantiseMatrix({ bits, numbers, scale }: Pick<QuantisedMatrix, 'bits' | 'numbers' | 'scale'>): Float32Array {
  const zero = 2 ** (bits - 1)
  return Float32Array.from({ length: scale.length * BLOCK }, (_, i) => {
    const number = bits === 8 ? numbers[i]! : (numbers[i >> 1]! >> ((i & 1) * 4)) & 15
    return (number - zero) * scale[Math.floor(i / BLOCK)]!
  })
}
