/**
 * @file Heterotrait-monotrait ratio of correlations (HTMT) of two scales: Henseler, Ringle and Sarstedt (2015). The mean correlation of items
 * of different scales over the geometric mean of the mean correlations within each scale: an estimate of the correlation of the traits
 * freed of unreliability.
 */
import { PalignError } from '../errors.ts'
import { checkCount } from './checks.ts'

/**
 * `correlations` is a symmetric `[items, items]` matrix of keyed items, `first` and `second` are the items of the scales, at least two each.
 * Signed: compare its size with a threshold such as .85. NaN where the items of a scale do not correlate positively on average.
 */
export function heterotraitMonotrait(
  correlations: readonly (readonly number[])[],
  first: readonly number[],
  second: readonly number[],
): number {
  checkScales(correlations, first, second)
  const [withinFirst, withinSecond] = [meanWithin(correlations, first), meanWithin(correlations, second)]
  if (withinFirst <= 0 || withinSecond <= 0) return Number.NaN
  return meanOf(first.flatMap((i) => second.map((j) => correlations[i]![j]!))) / Math.sqrt(withinFirst * withinSecond)
}

function meanWithin(correlations: readonly (readonly number[])[], items: readonly number[]): number {
  return meanOf(items.flatMap((i, place) => items.slice(place + 1).map((j) => correlations[i]![j]!)))
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

function checkScales(correlations: readonly (readonly number[])[], first: readonly number[], second: readonly number[]): void {
  const items = [...first, ...second]
  if (first.length < 2 || second.length < 2) {
    throw new PalignError('invalid-input', `scales have ${first.length} and ${second.length} items, expected at least 2 each`)
  }
  if (new Set(items).size < items.length)
    throw new PalignError('invalid-input', 'scales share or repeat an item, expected different ones')
  for (const item of items) checkCount('item', item, 0, correlations.length - 1)
  for (const i of items) {
    for (const j of items) {
      const correlation = correlations[i]![j]
      if (correlation === undefined || !(Math.abs(correlation) <= 1)) {
        throw new PalignError(
          'invalid-input',
          `correlation of items ${i} and ${j} is ${correlation}, expected a number from -1 to 1`,
        )
      }
      if (Math.abs(correlation - correlations[j]![i]!) > 1e-9) {
        throw new PalignError(
          'invalid-input',
          `correlations of items ${i} and ${j} differ across the diagonal, expected a symmetric matrix`,
        )
      }
    }
  }
}
