import { describe, expect, it } from 'vitest'
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../../../src/math/half-floats.ts'

const allBits = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i)

describe('half floats', () => {
  it.each([
    ['F16', fromFloat16, toFloat16],
    ['BF16', fromBfloat16, toBfloat16],
  ] as const)('round-trip every %s number', (_, decode, encode) => {
    const values = decode(allBits)
    const numbers = allBits.filter((bits) => !Number.isNaN(values[bits]!))
    expect(encode(decode(numbers))).toEqual(numbers)
  })

  it.each([
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x0400, 2 ** -14],
    [0x0001, 2 ** -24],
    [0x7c00, Number.POSITIVE_INFINITY],
  ])('read F16 %i as %d', (bits, value) => {
    expect(fromFloat16(Uint16Array.of(bits))[0]).toBe(value)
  })

  it('read BF16 as the upper half of a float32', () => {
    expect(Array.from(fromBfloat16(Uint16Array.of(0x3f80, 0xc049)))).toEqual([1, -3.140625])
  })

  it.each([
    ['F16', fromFloat16, toFloat16, 2 ** -10],
    ['BF16', fromBfloat16, toBfloat16, 2 ** -7],
  ] as const)('round %s to nearest, ties to even', (_, decode, encode, spacing) => {
    const values = Float32Array.of(1 + spacing / 2, 1 + 1.5 * spacing, 1 + 0.75 * spacing)
    expect(Array.from(decode(encode(values)))).toEqual([1, 1 + 2 * spacing, 1 + spacing])
  })

  it('keep NaN and the sign of zero', () => {
    const values = Float32Array.of(Number.NaN, -0)
    for (const kept of [fromFloat16(toFloat16(values)), fromBfloat16(toBfloat16(values))]) {
      expect(kept[0]).toBeNaN()
      expect(Object.is(kept[1], -0)).toBe(true)
    }
  })
})
