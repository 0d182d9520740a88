import { describe, expect, it } from 'vitest'
import { johnsonCompatibleCubic, johnsonCompatiblePercentile } from '../../../src/items/johnson-compatible.ts'
import { normalCdf } from '../../../src/math/normal.ts'

describe('Johnson-compatible percentile', () => {
  it.each([
    [32, 1.72],
    [40, 17.12],
    [50, 50],
    [60, 82.88],
    [70, 99.53],
    [73, 98.93],
  ])('the cubic at T %d is %d', (t, expected) => {
    expect(johnsonCompatibleCubic(t)).toBeCloseTo(expected, 2)
  })

  it('never falls, although the cubic does', () => {
    const percentiles = Array.from({ length: 1200 }, (_, index) => johnsonCompatiblePercentile(20 + index / 20))
    expect(percentiles.every((percentile, index) => index === 0 || percentile >= percentiles[index - 1]!)).toBe(true)
    expect([percentiles[0], percentiles.at(-1)]).toEqual([1, 99])
  })

  it('the cubic stays within 1.93 points of the normal distribution, worst at T 68.8', () => {
    const gaps = Array.from({ length: 411 }, (_, index) => {
      const t = 32 + index / 10
      return { t, gap: Math.abs(johnsonCompatibleCubic(t) - 100 * normalCdf((t - 50) / 10)) }
    })
    const worst = gaps.reduce((a, b) => (a.gap > b.gap ? a : b))
    expect(worst.gap).toBeCloseTo(1.93, 2)
    expect(worst.t).toBeCloseTo(68.8, 1)
  })
})
