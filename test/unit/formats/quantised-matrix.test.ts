import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BLOCK, dequantiseMatrix, quantiseMatrix } from '../../../src/formats/quantised-matrix.ts'

const rows = fc
  .integer({ min: 1, max: 4 })
  .chain((blocks) =>
    fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: blocks * BLOCK, maxLength: blocks * BLOCK }),
  )
  .map((values) => Float32Array.from(values))

describe('a matrix in blocks', () => {
  it.each([4, 8] as const)('of %i bits is off by half a step at most, and by one step at its end', (bits) => {
    fc.assert(
      fc.property(rows, (values) => {
        const matrix = quantiseMatrix(values, values.length, bits)
        const found = dequantiseMatrix(matrix)
        values.forEach((value, i) => {
          const step = Math.abs(matrix.scale[Math.floor(i / BLOCK)]!)
          // Of 4 bits the numbers go from -8 to 7 steps: what lies opposite of the largest is cut off.
          expect(Math.abs(found[i]! - value)).toBeLessThanOrEqual(step * (bits === 4 ? 1.001 : 0.501) + 1e-30)
        })
      }),
    )
  })

  it.each([4, 8] as const)('of %i bits is met exactly by numbers that fit it, and again the same', (bits) => {
    const zero = 2 ** (bits - 1)
    const values = Float32Array.from({ length: 3 * BLOCK }, (_, i) => (((i * 7) % (zero * 2 - 1)) - zero + 1) * 0.5)
    for (let block = 0; block < 3; block++) values[block * BLOCK] = bits === 4 ? -4 : 63.5
    const matrix = quantiseMatrix(values, BLOCK, bits)
    expect([...dequantiseMatrix(matrix)]).toEqual([...values])
    expect(matrix).toMatchObject({ out: 3, width: BLOCK })
  })

  it('puts even numbers into the low halves of bytes, and zero in the middle', () => {
    const values = new Float32Array(BLOCK)
    values[0] = -8
    values[3] = 5
    const { numbers, scale } = quantiseMatrix(values, BLOCK, 4)
    expect(scale[0]).toBe(1)
    expect([...numbers.subarray(0, 3)]).toEqual([0x80, 0xd8, 0x88])
    expect([...quantiseMatrix(values, BLOCK, 8).numbers.subarray(0, 2)]).toEqual([1, 128])
  })

  it('of zeros is zeros', () => {
    for (const bits of [4, 8] as const)
      expect(dequantiseMatrix(quantiseMatrix(new Float32Array(64), 32, bits)).every((x) => x === 0)).toBe(true)
  })

  it('is refused where rows are no whole blocks or hold no numbers', () => {
    expect(() => quantiseMatrix(new Float32Array(96), 48, 4)).toThrow('multiple of 32')
    expect(() => quantiseMatrix(new Float32Array(33), 32, 4)).toThrow('multiple of 32')
    expect(() => quantiseMatrix(new Float32Array(32).fill(Number.NaN), 32, 8)).toThrow('NaN')
  })
})
