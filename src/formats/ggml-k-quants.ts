/**
 * @file K-quants of ggml: blocks of 256 numbers in groups of 16 or 32, whose scales (and least values) are small integers
 * times one or two float16 of the block. As `dequantize_row_q*_K`, rounded to float32 at every step.
 */
import { fromFloat16 } from '../math/half-floats.ts'
import { type GgmlType, ggmlBlock } from './ggml-types.ts'

export type KQuant = 'Q2_K' | 'Q3_K' | 'Q4_K' | 'Q5_K' | 'Q6_K'

const ROUND = Math.fround
const BLOCK = 256

type Bytes = Uint8Array
/** Reads the block that begins at `at` into 256 numbers. */
type Reader = (bytes: Bytes, at: number, out: Float32Array) => void

const READERS: Readonly<Record<KQuant, Reader>> = { Q2_K: readQ2, Q3_K: readQ3, Q4_K: readQ4, Q5_K: readQ5, Q6_K: readQ6 }

export function isKQuant(type: GgmlType): type is KQuant {
  return Object.hasOwn(READERS, type)
}

export function dequantiseK(type: KQuant, bytes: Bytes, blocks: number): Float32Array {
  const out = new Float32Array(blocks * BLOCK)
  const step = ggmlBlock(type).bytes
  for (let b = 0; b < blocks; b++) READERS[type](bytes, b * step, out.subarray(b * BLOCK, (b + 1) * BLOCK))
  return out
}

/** 16 bytes of scale and least value (four bits each), 64 of numbers (two bits), scale of both. */
function readQ2(bytes: Bytes, at: number, out: Float32Array): void {
  const [scale, leastScale] = [float16(bytes, at + 80), float16(bytes, at + 82)]
  for (let i = 0; i < BLOCK; i++) {
    const both = bytes[at + (i >> 4)]!
    const number = twoBits(bytes, at + 16, i)
    out[i] = ROUND(ROUND(scale * (both & 15)) * number) - ROUND(leastScale * (both >> 4))
  }
}

/** 32 bytes of third bits, 64 of the lower two, 12 of scales (six bits, zero at 32), scale. */
function readQ3(bytes: Bytes, at: number, out: Float32Array): void {
  const scale = float16(bytes, at + 108)
  const small = (group: number) => {
    const low = (bytes[at + 96 + (group & 7)]! >> (4 * (group >> 3))) & 15
    const high = (bytes[at + 104 + (group & 3)]! >> (2 * (group >> 2))) & 3
    return (low | (high << 4)) - 32
  }
  for (let i = 0; i < BLOCK; i++) {
    const third = (bytes[at + (i & 31)]! >> (i >> 5)) & 1
    out[i] = ROUND(scale * small(i >> 4)) * (twoBits(bytes, at + 32, i) - (third === 1 ? 0 : 4))
  }
}

/** Number i of 256 in runs of 128: the lowest bits of 32 bytes, then the next ones. */
function twoBits(bytes: Bytes, at: number, i: number): number {
  return (bytes[at + ((i >> 7) << 5) + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3
}

/** Scale of scales, scale of least values, 12 bytes of both, 128 of numbers (four bits). */
function readQ4(bytes: Bytes, at: number, out: Float32Array): void {
  readGroups(bytes, at, out, (i) => fourBits(bytes, at + 16, i))
}

/** As Q4_K, with 32 bytes of fifth bits before the lower four. */
function readQ5(bytes: Bytes, at: number, out: Float32Array): void {
  readGroups(bytes, at, out, (i) => fourBits(bytes, at + 48, i) | (((bytes[at + 16 + (i & 31)]! >> (i >> 5)) & 1) << 4))
}

function readGroups(bytes: Bytes, at: number, out: Float32Array, number: (i: number) => number): void {
  const [scale, leastScale] = [float16(bytes, at), float16(bytes, at + 2)]
  for (let group = 0; group < 8; group++) {
    const [small, least] = sixBits(bytes, at + 4, group)
    const [groupScale, groupLeast] = [ROUND(scale * small), ROUND(leastScale * least)]
    for (let i = group * 32; i < group * 32 + 32; i++) out[i] = ROUND(groupScale * number(i)) - groupLeast
  }
}

/** Scale and least value of eight groups in 12 bytes: of the last four, the upper two bits lie above those of the first. */
function sixBits(bytes: Bytes, at: number, group: number): [number, number] {
  const [first, second] = [bytes[at + (group & 3)]!, bytes[at + 4 + (group & 3)]!]
  if (group < 4) return [first & 63, second & 63]
  const low = bytes[at + 4 + group]!
  return [(low & 15) | ((first >> 6) << 4), (low >> 4) | ((second >> 6) << 4)]
}

/** Number i of 256 in runs of 64: the low halves of 32 bytes, then the high ones. */
function fourBits(bytes: Bytes, at: number, i: number): number {
  return (bytes[at + ((i >> 6) << 5) + (i & 31)]! >> (4 * ((i >> 5) & 1))) & 15
}

/** 128 bytes of lower four bits, 64 of upper two, 16 scales (signed bytes), scale; zero at 32. */
function readQ6(bytes: Bytes, at: number, out: Float32Array): void {
  const scale = float16(bytes, at + 208)
  for (let i = 0; i < BLOCK; i++) {
    // Runs of 128: the low halves of 64 bytes, then the high ones.
    const low = (bytes[at + ((i >> 7) << 6) + (i & 63)]! >> (4 * ((i >> 6) & 1))) & 15
    const number = (low | (twoBits(bytes, at + 128, i) << 4)) - 32
    const small = (bytes[at + 192 + (i >> 4)]! << 24) >> 24
    out[i] = ROUND(scale * small) * number
  }
}

function float16(bytes: Bytes, at: number): number {
  return fromFloat16(Uint16Array.of(bytes[at]! | (bytes[at + 1]! << 8)))[0]!
}
