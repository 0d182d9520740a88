import { describe, expect, it } from 'vitest'
import { tuckerCongruence } from '../../../src/math/tucker-congruence.ts'

describe("Tucker's congruence", () => {
  it('of loadings by hand is sum x y / sqrt(sum x^2 sum y^2)', () => {
    // (.48 + .35 + .02) / sqrt((.64 + .49 + .01) (.36 + .25 + .04)) = .85 / sqrt(.741).
    expect(tuckerCongruence([0.8, 0.7, 0.1], [0.6, 0.5, 0.2])).toBeCloseTo(0.85 / Math.sqrt(0.741), 14)
  })

  it('is 1 for proportional loadings, -1 for reflected ones, 0 for orthogonal ones', () => {
    expect(tuckerCongruence([0.3, 0.4, 0.5], [0.6, 0.8, 1])).toBeCloseTo(1, 14)
    expect(tuckerCongruence([0.3, 0.4], [-0.3, -0.4])).toBeCloseTo(-1, 14)
    expect(tuckerCongruence([1, 0], [0, 1])).toBe(0)
  })

  it('is not a correlation: equal loadings are congruent', () => {
    expect(tuckerCongruence([0.5, 0.5], [0.7, 0.7])).toBeCloseTo(1, 14)
  })

  it('has no value where a factor does not load', () => {
    expect(tuckerCongruence([0, 0], [0.5, 0.6])).toBeNaN()
  })

  it('refuses none, NaN and unequal lengths', () => {
    expect(() => tuckerCongruence([], [])).toThrow('hold 0 numbers')
    expect(() => tuckerCongruence([Number.NaN], [1])).toThrow('NaN at 0')
    expect(() => tuckerCongruence([1], [1, 2])).toThrow('1 and 2 numbers')
  })
})
