/**
 * @file Krippendorff's alpha, 1 - observed / expected disagreement, for any number of raters and with ratings missing:
 * Krippendorff (2011), "Computing Krippendorff's alpha-reliability". Each unit with m >= 2 ratings adds 1 / (m - 1) for each ordered pair of
 * its ratings to the coincidences o(c, k); units with one rating are left out.
 */
import { PalignError } from '../errors.ts'

/** The ratings of one unit, in the order of the raters; missing is undefined. */
export type UnitRatings = readonly (number | undefined)[]

/** Squared difference of two values by their places in `values`, ascending; `counts` holds how often each is paired. */
export type Metric = (values: readonly number[], counts: ArrayLike<number>) => (c: number, k: number) => number

export const nominalMetric: Metric = () => (c, k) => (c === k ? 0 : 1)

/** Ratings between the two, those equal to an end counting half. */
export const ordinalMetric: Metric = (_, counts) => {
  const middles: number[] = []
  let below = 0
  for (let c = 0; c < counts.length; c++) {
    middles.push(below + counts[c]! / 2)
    below += counts[c]!
  }
  return (c, k) => (middles[c]! - middles[k]!) ** 2
}

export const intervalMetric: Metric = (values) => (c, k) => (values[c]! - values[k]!) ** 2

/** Refuses negative values, which no ratio scale has. */
export const ratioMetric: Metric = (values) => {
  if (values[0]! < 0) throw new PalignError('invalid-input', `rating is ${values[0]}, expected no negative one on a ratio scale`)
  return (c, k) => (c === k ? 0 : ((values[c]! - values[k]!) / (values[c]! + values[k]!)) ** 2)
}

/** NaN where all paired ratings are equal: nothing can tell agreement from habit. Refuses data without a unit rated twice. */
export function krippendorffsAlpha(units: readonly UnitRatings[], metric: Metric): number {
  const paired = units.map((unit) => unit.filter((rating) => rating !== undefined)).filter((ratings) => ratings.length > 1)
  if (paired.length === 0) {
    throw new PalignError(
      'invalid-input',
      `units number ${units.length}, none rated twice, expected at least one with two ratings`,
    )
  }
  const values = [...new Set(paired.flat())].sort((a, b) => a - b)
  for (const value of values) {
    if (!Number.isFinite(value))
      throw new PalignError('invalid-input', `rating is ${value}, expected a finite number or undefined`)
  }
  const coincidences = coincidencesOf(paired, values)
  const size = values.length
  const counts = values.map((_, c) => coincidences.subarray(c * size, (c + 1) * size).reduce((sum, count) => sum + count, 0))
  const total = counts.reduce((sum, count) => sum + count, 0)

  const distance = metric(values, counts)
  let observed = 0
  let expected = 0
  for (let c = 0; c < size; c++) {
    for (let k = 0; k < size; k++) {
      observed += coincidences[c * size + k]! * distance(c, k)
      expected += (counts[c]! * counts[k]! * distance(c, k)) / (total - 1)
    }
  }
  return expected === 0 ? Number.NaN : 1 - observed / expected
}

/** `[values, values]`, symmetric. */
function coincidencesOf(paired: readonly (readonly number[])[], values: readonly number[]): Float64Array {
  const place = new Map(values.map((value, index) => [value, index]))
  const coincidences = new Float64Array(values.length ** 2)
  for (const ratings of paired) {
    const places = ratings.map((rating) => place.get(rating)!)
    for (const [i, c] of places.entries()) {
      for (const [j, k] of places.entries()) if (i !== j) coincidences[c * values.length + k]! += 1 / (ratings.length - 1)
    }
  }
  return coincidences
}
