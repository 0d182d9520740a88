import { describe, expect, it } from 'vitest'
import {
  isConstant,
  mean,
  median,
  pearson,
  populationDeviation,
  quantile,
  sampleDeviation,
  standardError,
} from '../../../src/math/statistics.ts'

const x = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3]
const y = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]

describe('statistics', () => {
  it('moves the mean and keeps the deviations when a constant is added', () => {
    const moved = x.map((value) => value + 100)
    expect(mean(moved)).toBeCloseTo(mean(x) + 100, 12)
    expect(populationDeviation(moved)).toBeCloseTo(populationDeviation(x), 12)
    expect(sampleDeviation(moved)).toBeCloseTo(sampleDeviation(x), 12)
  })

  it('divides by n for a population and by n - 1 for a sample', () => {
    expect(populationDeviation([2, 4, 4, 4, 5, 5, 7, 9])).toBe(2)
    expect(sampleDeviation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(Math.sqrt(32 / 7), 14)
  })

  it('has the standard error of a mean with n - 1', () => {
    // Three right of four: s^2 = 4 (3/4)(1/4) / 3 = 1/4, divided by 4.
    expect(standardError([1, 1, 1, 0])).toBeCloseTo(0.25, 12)
  })

  it('has no mean of nothing', () => {
    expect(mean([])).toBeNaN()
  })

  it('tells constant lists exactly, whatever the value', () => {
    expect(isConstant([0.1, 0.1, 0.1])).toBe(true)
    expect(isConstant([0.1, 0.1, 0.1 + 1e-16])).toBe(false)
  })
})

describe('Pearson correlation', () => {
  it('gives the published example', () => {
    expect(pearson(x, y)).toBeCloseTo(0.847877, 6)
  })

  it('is 1 with any rising line and changes sign with either list', () => {
    const line = x.map((value) => 3 * value - 7)
    expect(pearson(x, line)).toBeCloseTo(1, 12)
    const reversed = y.map((value) => -value)
    expect(pearson(x, reversed)).toBeCloseTo(-pearson(x, y)!, 14)
  })

  it('is undefined where a list does not vary, although its mean rounds', () => {
    expect(pearson([0.1, 0.1, 0.1], [1, 2, 3])).toBeUndefined()
    expect(pearson([1, 2, 3], [0.7, 0.7, 0.7])).toBeUndefined()
  })

  it('refuses lists of different length', () => {
    expect(() => pearson([1, 2], [1, 2, 3])).toThrow('2 and 3 numbers')
  })
})

describe('quantile', () => {
  it('is linear between the two nearest values', () => {
    // numpy.quantile, whose default is the same type 7.
    expect([0.1, 0.5, 0.9].map((p) => quantile([1, 2, 4, 8], p))).toEqual([expect.closeTo(1.3, 12), 3, expect.closeTo(6.8, 12)])
  })

  it('reaches from the lowest to the highest value', () => {
    expect([quantile([1, 2, 4, 8], 0), quantile([1, 2, 4, 8], 1)]).toEqual([1, 8])
  })

  it('at one half is the median, of values in any order, which stay as they were', () => {
    const values = [10, 9, 1]
    expect([median(values), median([4, 1, 3, 2])]).toEqual([9, 2.5])
    expect(values).toEqual([10, 9, 1])
  })
})
