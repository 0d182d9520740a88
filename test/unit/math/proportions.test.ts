import { describe, expect, it } from 'vitest'
import { binomialTest, wilsonInterval } from '../../../src/math/proportions.ts'

describe('Wilson interval', () => {
  it.each([
    [5, 100, 0.02154, 0.11175],
    [0, 313, 0, 0.01212],
    [231, 313, 0.68663, 0.78364],
  ])('of %d of %d gives the fixture', (successes, trials, low, high) => {
    const interval = wilsonInterval(successes, trials)
    expect(interval[0]).toBeCloseTo(low, 5)
    expect(interval[1]).toBeCloseTo(high, 5)
  })

  it('mirrors when failures are counted', () => {
    const [low, high] = wilsonInterval(3, 20)
    expect(wilsonInterval(17, 20)).toEqual([expect.closeTo(1 - high, 14), expect.closeTo(1 - low, 14)])
  })

  it('starts at exactly 0 and ends at exactly 1', () => {
    expect([wilsonInterval(0, 7)[0], wilsonInterval(7, 7)[1]]).toEqual([0, 1])
  })

  it('refuses no trials, parts and more successes than trials', () => {
    expect(() => wilsonInterval(0, 0)).toThrow('trials is 0, expected a whole number of at least 1')
    expect(() => wilsonInterval(0.5, 2)).toThrow('successes is 0.5')
    expect(() => wilsonInterval(3, 2)).toThrow('successes is 3, expected a whole number from 0 to 2')
    expect(() => wilsonInterval(1, 2, 1)).toThrow('level is 1')
  })
})

describe('binomial test', () => {
  it('of 7 of 9 gives the fixture', () => {
    expect(binomialTest(7, 9)).toBeCloseTo(0.179688, 6)
  })

  it.each([
    // scipy 1.17, binomtest.
    [2, 10, 0.3, 0.7331720679999996],
    [700, 1500, 0.45, 0.19457891505892078],
    [0, 313, 0.01, 0.0827063688310958],
  ])('of %d of %d at %d is that of another implementation', (successes, trials, probability, expected) => {
    expect(binomialTest(successes, trials, probability)).toBeCloseTo(expected, 10)
  })

  it('finds nothing in an even split and in no trials', () => {
    expect(binomialTest(5, 10)).toBeCloseTo(1, 12)
    expect(binomialTest(0, 0)).toBe(1)
  })
})
