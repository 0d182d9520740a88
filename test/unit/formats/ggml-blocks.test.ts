import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  blocksOf32,
  dequantise,
  ggmlBlocks,
  quantiseQ4_0,
  quantiseQ8_0,
  type ReadableType,
} from '../../../src/formats/ggml-blocks.ts'
import { dequantiseMatrix } from '../../../src/formats/quantised-matrix.ts'
import { toBfloat16, toFloat16 } from '../../../src/math/half-floats.ts'

/** What ggml makes of the same blocks and numbers; ggml-blocks.py beside it says how. */
const golden: {
  dequantised: Record<string, { blocks: string; values: string }>
  quantised: { values: string; Q4_0: string; Q8_0: string }
} = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../golden/ggml-blocks.json'), 'utf8'))

const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'))
const floatsOf = (base64: string) => new Float32Array(bytesOf(base64).buffer)
const bitsOf = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length)
const raw = (numbers: Float32Array | Uint16Array) => new Uint8Array(numbers.buffer)

const QUANTISERS = { Q4_0: quantiseQ4_0, Q8_0: quantiseQ8_0 }
const row = fc
  .array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -8, max: 8 }), { minLength: 64, maxLength: 64 })
  .map((values) => Float32Array.from(values))

describe('blocks of ggml', () => {
  it.each(Object.entries(golden.dequantised))('of %s become the numbers that ggml makes of them, bit for bit', (type, one) => {
    const values = dequantise(type as ReadableType, bytesOf(one.blocks))
    expect(bitsOf(values)).toEqual(bitsOf(floatsOf(one.values)))
  })

  it.each(['Q4_0', 'Q8_0'] as const)('of %s are made of numbers as ggml makes them', (type) => {
    expect(QUANTISERS[type](floatsOf(golden.quantised.values))).toEqual(bytesOf(golden.quantised[type]))
  })

  it('of one float are floats of their width', () => {
    const values = Float32Array.of(1.5, -0.25, 0)
    expect(dequantise('F32', raw(values))).toEqual(values)
    expect(dequantise('F16', raw(toFloat16(values)))).toEqual(values)
    expect(dequantise('BF16', raw(toBfloat16(values)))).toEqual(values)
  })

  it('keep every number within half a step of Q8_0 and a step of Q4_0', () => {
    fc.assert(
      fc.property(row, (values) => {
        for (const [type, factor] of [
          ['Q8_0', 0.5],
          ['Q4_0', 1],
        ] as const) {
          const blocks = QUANTISERS[type](values)
          const { scale } = blocksOf32(type, blocks)
          const again = dequantise(type, blocks)
          for (const [i, value] of values.entries()) {
            const step = Math.abs(scale[i >> 5]!)
            // A float16 scale is off by 2^-11 of itself, which the largest number has 127 or 8 times; below, by 2^-25.
            const most = step * (factor + 127 * 2 ** -11) + 128 * 2 ** -25
            expect(Math.abs(again[i]! - value)).toBeLessThanOrEqual(most)
          }
        }
      }),
    )
  })

  it.each(['Q4_0', 'Q8_0'] as const)('of %s go to blocks of 32 and back without loss', (type) => {
    const size = type === 'Q4_0' ? 18 : 34
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 3 * size, maxLength: 3 * size }), (blocks) => {
        // A scale that is no number has many bit patterns, of which one is kept.
        for (let at = 1; at < blocks.length; at += size) blocks[at]! &= 0xbf
        expect(ggmlBlocks(blocksOf32(type, blocks))).toEqual(blocks)
      }),
    )
  })

  it.each(['Q4_0', 'Q8_0'] as const)('of %s are the same numbers as blocks of 32', (type) => {
    const blocks = QUANTISERS[type](floatsOf(golden.quantised.values))
    // Both zeros are zero.
    const numbers = (values: Float32Array) => Array.from(values, (value) => value + 0)
    expect(numbers(dequantiseMatrix(blocksOf32(type, blocks)))).toEqual(numbers(dequantise(type, blocks)))
  })

  it('are refused where a scale is no float16', () => {
    const blocks = blocksOf32('Q8_0', quantiseQ8_0(new Float32Array(32).fill(1)))
    expect(() => ggmlBlocks({ ...blocks, scale: Float32Array.of(2 ** -25) })).toThrow(
      expect.objectContaining({ code: 'invalid-input', message: expect.stringContaining('no float16') }),
    )
  })

  it('are refused in parts', () => {
    expect(() => dequantise('Q4_K', new Uint8Array(143))).toThrow('whole blocks of 144')
    expect(() => quantiseQ8_0(new Float32Array(33))).toThrow('whole blocks of 32')
    expect(() => ggmlBlocks({ bits: 4, numbers: new Uint8Array(15), scale: new Float32Array(1) })).toThrow('expected 16')
  })

  it('are not made of what is not finite', () => {
    expect(() => quantiseQ4_0(new Float32Array(32).fill(Number.NaN))).toThrow(expect.objectContaining({ code: 'non-finite' }))
  })
})
