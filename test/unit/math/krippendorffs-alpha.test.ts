import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bootstrapIntervalOf } from '../../../src/math/bootstrap.ts'
import {
  intervalMetric,
  krippendorffsAlpha,
  nominalMetric,
  ordinalMetric,
  ratioMetric,
  type UnitRatings,
} from '../../../src/math/krippendorffs-alpha.ts'

/** One string a rater, one digit a unit, a point where missing. */
function unitsOf(raters: readonly string[]): UnitRatings[] {
  return Array.from(raters[0]!, (_, unit) => raters.map((ratings) => (ratings[unit] === '.' ? undefined : Number(ratings[unit]))))
}

/** Units of two raters, from a table of counts. */
function unitsOfTable(table: readonly (readonly number[])[]): UnitRatings[] {
  return table.flatMap((row, i) => row.flatMap((count, j) => Array.from({ length: count }, () => [i, j])))
}

// Fixtures of the evaluation protocol.
const krippendorff = unitsOf(['123321412...', '1233224125.3', '.3332342251.', '12332441251.'])
const humans = unitsOfTable([
  [1062, 23, 11],
  [10, 140, 14],
  [4, 19, 967],
])

describe("Krippendorff's alpha", () => {
  it.each([
    ['nominal', nominalMetric, 0.74342],
    ['ordinal', ordinalMetric, 0.81539],
    ['interval', intervalMetric, 0.84911],
    ['ratio', ratioMetric, 0.7974],
  ])('of the published example, %s, gives the fixture', (_, metric, expected) => {
    expect(krippendorffsAlpha(krippendorff, metric)).toBeCloseTo(expected, 5)
  })

  it('of two raters of many units gives the fixture', () => {
    expect(krippendorffsAlpha(humans, nominalMetric)).toBeCloseTo(0.93654, 5)
    expect(krippendorffsAlpha(humans, ordinalMetric)).toBeCloseTo(0.9696, 5)
  })

  it('with the bootstrap over units gives the interval of the fixture', () => {
    const alpha = (drawn: Int32Array) =>
      krippendorffsAlpha(
        Array.from(drawn, (unit) => humans[unit]!),
        nominalMetric,
      )
    // 300 resamples leave a scatter of about .001 at the ends.
    const [low, high] = bootstrapIntervalOf(humans.length, alpha, { resamples: 300 })
    expect(Math.abs(low - 0.921)).toBeLessThan(0.004)
    expect(Math.abs(high - 0.949)).toBeLessThan(0.004)
  }, 60_000)

  it('ignores units rated once, the order of raters and, nominally, the names of the values', () => {
    const alpha = krippendorffsAlpha(krippendorff, nominalMetric)
    expect(krippendorffsAlpha([...krippendorff, [9, undefined, undefined, undefined]], nominalMetric)).toBe(alpha)
    expect(
      krippendorffsAlpha(
        krippendorff.map((unit) => [...unit].reverse()),
        nominalMetric,
      ),
    ).toBeCloseTo(alpha, 14)
    const renamed = krippendorff.map((unit) => unit.map((rating) => (rating === undefined ? undefined : 10 - 7 * rating)))
    expect(krippendorffsAlpha(renamed, nominalMetric)).toBeCloseTo(alpha, 14)
  })

  it('is the same for ordinal ratings under any rising change of the values, for interval ratings under a straight one', () => {
    const changed = (by: (rating: number) => number) =>
      krippendorff.map((unit) => unit.map((rating) => (rating === undefined ? undefined : by(rating))))
    expect(krippendorffsAlpha(changed(Math.exp), ordinalMetric)).toBeCloseTo(krippendorffsAlpha(krippendorff, ordinalMetric), 13)
    expect(
      krippendorffsAlpha(
        changed((x) => 3 * x - 7),
        intervalMetric,
      ),
    ).toBeCloseTo(krippendorffsAlpha(krippendorff, intervalMetric), 13)
  })

  it('is 1 exactly where all raters agree on values that differ, and never above', () => {
    expect(
      krippendorffsAlpha(
        [
          [1, 1],
          [2, 2],
        ],
        ordinalMetric,
      ),
    ).toBe(1)
    const rating = fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined })
    fc.assert(
      fc.property(fc.array(fc.array(rating, { minLength: 3, maxLength: 3 }), { minLength: 2, maxLength: 10 }), (units) => {
        fc.pre(units.some((unit) => unit.filter((value) => value !== undefined).length > 1))
        const alpha = krippendorffsAlpha(units, ordinalMetric)
        expect(Number.isNaN(alpha) || alpha <= 1).toBe(true)
      }),
    )
  })

  it('has no value where all paired ratings are equal', () => {
    expect(
      krippendorffsAlpha(
        [
          [3, 3],
          [3, 3],
        ],
        nominalMetric,
      ),
    ).toBeNaN()
  })

  it('refuses units that nobody rated twice, NaN, and negative values on a ratio scale', () => {
    expect(() =>
      krippendorffsAlpha(
        [
          [1, undefined],
          [undefined, 2],
        ],
        nominalMetric,
      ),
    ).toThrow('none rated twice')
    expect(() => krippendorffsAlpha([], nominalMetric)).toThrow('units number 0')
    expect(() => krippendorffsAlpha([[1, Number.NaN]], nominalMetric)).toThrow('rating is NaN')
    expect(() => krippendorffsAlpha([[-1, 1]], ratioMetric)).toThrow('rating is -1')
  })
})
