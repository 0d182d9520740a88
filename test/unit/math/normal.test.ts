import { describe, expect, it } from 'vitest'
import { normalCdf } from '../../../src/math/normal.ts'

describe('normal distribution', () => {
  it('is one half at zero and symmetric around it', () => {
    expect(normalCdf(0)).toBe(0.5)
    for (const z of [0.1, 1, 2.5, 5, 7.9]) expect(normalCdf(z) + normalCdf(-z)).toBeCloseTo(1, 14)
  })

  it('gives the tabled shares', () => {
    expect(normalCdf(1)).toBeCloseTo(0.841344746068543, 14)
    expect(normalCdf(1.959963984540054)).toBeCloseTo(0.975, 14)
    expect(normalCdf(-3)).toBeCloseTo(0.00134989803163009, 14)
  })

  it('ends at 0 and 1 far out and passes NaN on', () => {
    expect([normalCdf(Number.NEGATIVE_INFINITY), normalCdf(Number.POSITIVE_INFINITY)]).toEqual([0, 1])
    expect(normalCdf(Number.NaN)).toBeNaN()
  })
})
