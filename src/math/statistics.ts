/** @file Means, deviations, order statistics and correlation of plain numbers. An empty list has no mean: the result is NaN. */

export function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum / values.length
}

/** Standard deviation with n in the denominator. */
export function populationDeviation(values: ArrayLike<number>): number {
  return Math.sqrt(sumOfSquares(values) / values.length)
}

/** Standard deviation with n - 1 in the denominator. */
export function sampleDeviation(values: ArrayLike<number>): number {
  return Math.sqrt(sumOfSquares(values) / (values.length - 1))
}

/** Standard error of a mean: s / sqrt(n), s over n - 1; NaN for a single value. */
export function standardError(values: ArrayLike<number>): number {
  return sampleDeviation(values) / Math.sqrt(values.length)
}

/** Sum of squared deviations from the mean. */
function sumOfSquares(values: ArrayLike<number>): number {
  const centre = mean(values)
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += (values[i]! - centre) ** 2
  return sum
}

/** Pearson correlation of two lists of equal length; undefined where one of them does not vary. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number | undefined {
  if (a.length !== b.length) throw new RangeError(`lists have ${a.length} and ${b.length} numbers, expected equally many`)
  if (isConstant(a) || isConstant(b)) return undefined
  const [meanA, meanB] = [mean(a), mean(b)]
  let product = 0
  for (let i = 0; i < a.length; i++) product += (a[i]! - meanA) * (b[i]! - meanB)
  return product / Math.sqrt(sumOfSquares(a) * sumOfSquares(b))
}

/** Whether no two values differ. Deviations from a rounded mean cannot tell. */
export function isConstant(values: ArrayLike<number>): boolean {
  for (let i = 1; i < values.length; i++) if (values[i] !== values[0]) return false
  return true
}

/** Quantile of values in ascending order, linear between the two nearest (type 7 of Hyndman and Fan, 1996). */
export function quantile(ascending: ArrayLike<number>, probability: number): number {
  const position = probability * (ascending.length - 1)
  const below = Math.floor(position)
  const above = Math.min(below + 1, ascending.length - 1)
  return ascending[below]! + (position - below) * (ascending[above]! - ascending[below]!)
}

export function median(values: ArrayLike<number>): number {
  return quantile(Float64Array.from(values).sort(), 0.5)
}
