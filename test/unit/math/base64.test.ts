import { describe, expect, it } from 'vitest'
import { floatsFromBase64, floatsToBase64 } from '../../../src/math/base64.ts'

describe('floats as base64', () => {
  it('come back to the last bit, however many', () => {
    const values = Float32Array.from({ length: 20_001 }, (_, i) => Math.sin(i) * 10 ** ((i % 70) - 35))
    values[7] = Number.NaN
    values[8] = -0
    expect(floatsFromBase64(floatsToBase64(values), values.length)).toEqual(values)
    expect(floatsToBase64(new Float32Array(0))).toBe('')
  })

  it('are little-endian float32', () => {
    // 1 is 00 00 80 3f.
    expect(floatsToBase64(Float32Array.of(1))).toBe(btoa('\x00\x00\x80\x3f'))
  })

  it.each(['AAAA', '%%%%'])('refuses %j in place of one number', (text) => {
    expect(() => floatsFromBase64(text, 1)).toThrow(RangeError)
  })
})
