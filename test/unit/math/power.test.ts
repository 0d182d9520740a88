import { describe, expect, it } from 'vitest'
import { detectableWinRate, pairsForWinRate } from '../../../src/math/power.ts'

describe('power of decisive pairs', () => {
  it.each([
    [0.55, 785],
    [0.6, 197],
    [0.65, 88],
    [0.7, 50],
  ])('a win rate of %f needs the pairs of the protocol', (rate, pairs) => {
    expect(pairsForWinRate(rate)).toBe(pairs)
    expect(pairsForWinRate(1 - rate)).toBe(pairs)
  })

  it('what the needed pairs detect is no larger than the rate they were needed for', () => {
    for (const rate of [0.52, 0.55, 0.6, 0.7, 0.9]) {
      const pairs = pairsForWinRate(rate)
      expect(detectableWinRate(pairs)).toBeLessThanOrEqual(rate)
      expect(detectableWinRate(pairs - 1)).toBeGreaterThan(rate)
    }
  })

  it('so few pairs that not even a sure win shows detect nothing', () => {
    expect(detectableWinRate(0)).toBeNull()
    // (1.960 + .842) / 2 / sqrt(7) is .529, and of 8 it is .495.
    expect(detectableWinRate(7)).toBeNull()
    expect(detectableWinRate(8)).toBeCloseTo(0.995, 3)
  })

  it('refuses one half, which no number of pairs tells from itself', () => {
    expect(() => pairsForWinRate(0.5)).toThrow(/win rate is 0.5/)
  })
})
