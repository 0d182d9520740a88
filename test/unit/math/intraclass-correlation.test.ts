import { describe, expect, it } from 'vitest'
import { averageOfRaters, intraclassCorrelations } from '../../../src/math/intraclass-correlation.ts'

/** Shrout and Fleiss (1979), table 2: six targets, four judges. */
const published = [
  [9, 2, 5, 8],
  [6, 1, 3, 2],
  [8, 4, 6, 8],
  [7, 1, 2, 6],
  [10, 5, 6, 9],
  [6, 2, 4, 7],
]
// Correlations are those of table 4 (two digits), intervals those that the R package psych prints for the same data.
const expected = {
  oneWay: { single: [0.17, -0.13, 0.72], average: [0.44, -0.88, 0.91] },
  twoWayRandom: { single: [0.29, 0.02, 0.76], average: [0.62, 0.07, 0.93] },
  twoWayMixed: { single: [0.71, 0.34, 0.95], average: [0.91, 0.68, 0.99] },
} as const

const designs = ['oneWay', 'twoWayRandom', 'twoWayMixed'] as const
const forms = ['single', 'average'] as const

describe('intraclass correlation', () => {
  it.each(designs.flatMap((design) => forms.map((form) => [design, form] as const)))(
    '%s, %s, gives the published example',
    (design, form) => {
      const { correlation, interval } = intraclassCorrelations(published)[design][form]
      for (const [i, value] of [correlation, ...interval].entries()) {
        expect(Math.abs(value - expected[design][form][i]!)).toBeLessThan(0.0051)
      }
    },
  )

  it('of the mean is that of one rater, stepped up', () => {
    const all = intraclassCorrelations(published)
    for (const design of designs) {
      expect(averageOfRaters(all[design].single.correlation, 4)).toBeCloseTo(all[design].average.correlation, 12)
    }
  })

  it('steps .4 up to .80 with six raters, as the protocol says', () => {
    expect(averageOfRaters(0.4, 6)).toBeCloseTo(0.8, 14)
  })

  it('does not mind a rater who is always two higher where only consistency counts', () => {
    const shifted = published.map((row) => row.map((rating, j) => rating + (j === 1 ? 2 : 0)))
    const [before, after] = [intraclassCorrelations(published), intraclassCorrelations(shifted)]
    expect(after.twoWayMixed.single.correlation).toBeCloseTo(before.twoWayMixed.single.correlation, 12)
    // The second judge was the lowest: two higher brings agreement.
    expect(after.twoWayRandom.single.correlation).toBeGreaterThan(before.twoWayRandom.single.correlation + 0.05)
  })

  it('is 1, without an interval, where raters agree', () => {
    const { single, average } = intraclassCorrelations([
      [1, 1],
      [2, 2],
      [4, 4],
    ]).twoWayRandom
    expect([single.correlation, average.correlation]).toEqual([1, 1])
    expect([...single.interval, ...average.interval]).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN])
    expect(
      intraclassCorrelations([
        [1, 1],
        [2, 2],
      ]).oneWay.single.correlation,
    ).toBe(1)
  })

  it('has no value where nothing varies, although means round', () => {
    const all = intraclassCorrelations([
      [0.1, 0.1, 0.1],
      [0.1, 0.1, 0.1],
      [0.1, 0.1, 0.1],
    ])
    for (const design of designs) for (const form of forms) expect(all[design][form].correlation).toBeNaN()
  })

  it('is not infinite where raters only contradict each other', () => {
    const all = intraclassCorrelations([
      [1, 2],
      [2, 1],
    ])
    for (const design of designs) {
      for (const form of forms) expect(Math.abs(all[design][form].correlation)).not.toBe(Number.POSITIVE_INFINITY)
    }
    expect(all.twoWayMixed.single.correlation).toBeCloseTo(-1, 12)
  })

  it('refuses one target, one rater, a gap and NaN', () => {
    expect(() => intraclassCorrelations([[1, 2]])).toThrow('1 targets by 2 raters')
    expect(() => intraclassCorrelations([[1], [2]])).toThrow('2 targets by 1 raters')
    expect(() => intraclassCorrelations([[1, 2], [1]])).toThrow('target 1 has 1 ratings')
    expect(() =>
      intraclassCorrelations([
        [1, 2],
        [1, Number.NaN],
      ]),
    ).toThrow('NaN at 1')
  })
})
