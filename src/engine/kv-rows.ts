/**
 * @file Keys and values of many texts, in buffers that hold texts of like length side by side: what a pass over many rows reads without a copy.
 * A text is copied when it joins others, when it outgrows its buffer (which then doubles), and into a gap that another has left; never for a token.
 */
import type { ModelShape } from '../model/shape.ts'

/** Capacities are this times a power of two: texts up to twice as long as others share a pass with them. */
const SMALLEST_CAPACITY = 128
/** Kernels add up in blocks; buffers whose lengths are multiples of this differ by whole blocks of zeros, so that a length changes no number. */
const CAPACITY_STEP = 64

/** The capacity of the buffer that a text of `tokens` lies in. */
export function capacityFor(tokens: number, { contextLength }: ModelShape): number {
  let capacity = SMALLEST_CAPACITY
  while (capacity < tokens) capacity *= 2
  return Math.min(capacity, Math.ceil(contextLength / CAPACITY_STEP) * CAPACITY_STEP)
}

/** Bytes of the keys and values of so many tokens. */
export function kvBytes(tokens: number, { layers, kvHeads, headDim }: ModelShape): number {
  return tokens * layers * 2 * kvHeads * headDim * Float32Array.BYTES_PER_ELEMENT
}

/** One array `[rows, kvHeads, capacity, headDim]` for each layer's keys and values. */
export interface KvBuffer {
  readonly shape: ModelShape
  readonly capacity: number
  readonly rows: number
  readonly arrays: readonly Float32Array[]
}

export function kvBuffer(shape: ModelShape, rows: number, capacity: number): KvBuffer {
  const length = rows * shape.kvHeads * capacity * shape.headDim
  return { shape, capacity, rows, arrays: Array.from({ length: 2 * shape.layers }, () => new Float32Array(length)) }
}

/** A text's place: its row of a buffer. */
export interface KvPlace {
  readonly buffer: KvBuffer
  readonly row: number
}

/** Copies the first `length` tokens of one row to another. */
export function copyRow(from: KvPlace, to: KvPlace, length: number): void {
  writeTokens(to, 0, { arrays: from.buffer.arrays, row: from.row, count: length, stride: from.buffer.capacity })
}

/** Keys and values as a pass gives them: arrays `[rows, kvHeads, stride, headDim]`, of which the first `count` tokens of one row are meant. */
export interface KvTokens {
  readonly arrays: readonly Float32Array[]
  readonly row: number
  readonly count: number
  readonly stride: number
}

/** Writes tokens behind the `length` that a row holds. */
export function writeTokens({ buffer, row }: KvPlace, length: number, { arrays, row: source, count, stride }: KvTokens): void {
  const { kvHeads, headDim } = buffer.shape
  for (let i = 0; i < arrays.length; i++) {
    const [from, to] = [arrays[i]!, buffer.arrays[i]!]
    for (let head = 0; head < kvHeads; head++) {
      const start = (source * kvHeads + head) * stride * headDim
      const target = ((row * kvHeads + head) * buffer.capacity + length) * headDim
      to.set(from.subarray(start, start + count * headDim), target)
    }
  }
}

/** Zeros a row: what is left of broken numbers would turn the next text's into such, for 0 times NaN is NaN. */
export function clearRow({ buffer, row }: KvPlace): void {
  const length = buffer.shape.kvHeads * buffer.capacity * buffer.shape.headDim
  for (const array of buffer.arrays) array.fill(0, row * length, (row + 1) * length)
}

/** The part of an array that holds rows `from` to `to`. */
export function rowsOf({ shape, capacity }: KvBuffer, array: Float32Array, from: number, to: number): Float32Array {
  const length = shape.kvHeads * capacity * shape.headDim
  return array.subarray(from * length, to * length)
}
