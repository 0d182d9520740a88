/**
 * @file Means of values that come in groups (answers of a person, items of a passage), whose members are not independent: clustered standard
 * error, bootstrap over whole groups, and the bootstrap over two crossed groupings at once (person x item, rater x prompt; Owen 2007,
 * "The pigeonhole bootstrap"), where rows and columns are drawn independently and a cell weighs the product of how often both were.
 */
import { PalignError } from '../errors.ts'
import { type BootstrapOptions, bootstrapIntervalOf, checkOptions, type Interval, percentileInterval } from './bootstrap.ts'
import { checkCount, checkFinite } from './checks.ts'
import { seededRandom } from './random.ts'

/** Standard error of the mean of all values: sqrt(sum over clusters of (sum of deviations from the mean)^2) / n. At least two clusters. */
export function clusteredStandardError(clusters: readonly ArrayLike<number>[]): number {
  const { sums, sizes } = clusterSums(clusters)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const centre = sums.reduce((sum, value) => sum + value, 0) / total
  let squares = 0
  for (const [c, sum] of sums.entries()) squares += (sum - sizes[c]! * centre) ** 2
  return Math.sqrt(squares) / total
}

/** BCa interval of the mean of all values, drawing whole clusters; at least two, none empty. */
export function clusterBootstrapInterval(clusters: readonly ArrayLike<number>[], options: BootstrapOptions = {}): Interval {
  const { sums, sizes } = clusterSums(clusters)
  const meanOf = (drawn: Int32Array) => {
    let [sum, size] = [0, 0]
    for (const cluster of drawn) {
      sum += sums[cluster]!
      size += sizes[cluster]!
    }
    return sum / size
  }
  return bootstrapIntervalOf(clusters.length, meanOf, options)
}

/** Cells of a crossed design, in any order; a row and column may meet in several cells or in none. */
export interface CrossedCells {
  /** Row and column of each cell, from 0. */
  readonly rows: ArrayLike<number>
  readonly columns: ArrayLike<number>
}

/**
 * Percentile interval of a statistic of weighted cells, drawing rows and columns; wider than it need be, never narrower. `statistic` gets
 * one weight for each cell, the array is reused; NaN ends as for `bootstrapIntervalOf`.
 */
export function twoWayBootstrapInterval(
  { rows, columns }: CrossedCells,
  statistic: (weights: Float64Array) => number,
  { resamples = 10_000, level = 0.95, seed = 0 }: BootstrapOptions = {},
): Interval {
  checkOptions(resamples, level)
  if (rows.length !== columns.length) {
    throw new PalignError('invalid-input', `cells have ${rows.length} rows and ${columns.length} columns, expected one of each`)
  }
  const [rowCount, columnCount] = [countOf('row', rows), countOf('column', columns)]
  const random = seededRandom(seed)
  const weights = new Float64Array(rows.length)
  const resampled = Float64Array.from({ length: resamples }, () => {
    const rowTimes = timesDrawn(rowCount, random)
    const columnTimes = timesDrawn(columnCount, random)
    for (let cell = 0; cell < weights.length; cell++) weights[cell] = rowTimes[rows[cell]!]! * columnTimes[columns[cell]!]!
    return statistic(weights)
  })
  return percentileInterval(resampled, level)
}

/** For `twoWayBootstrapInterval`: the weighted mean of one value a cell; NaN where all weights are 0. */
export function weightedMean(values: ArrayLike<number>): (weights: Float64Array) => number {
  checkFinite('values', values)
  return (weights) => {
    let [sum, total] = [0, 0]
    for (const [cell, weight] of weights.entries()) {
      sum += weight * values[cell]!
      total += weight
    }
    return sum / total
  }
}

function clusterSums(clusters: readonly ArrayLike<number>[]): { sums: number[]; sizes: number[] } {
  checkCount('clusters', clusters.length, 2)
  for (const [c, cluster] of clusters.entries()) checkFinite(`values of cluster ${c}`, cluster)
  const sums = clusters.map((cluster) => Array.from(cluster).reduce((sum, value) => sum + value, 0))
  return { sums, sizes: clusters.map((cluster) => cluster.length) }
}

/** One more than the largest number. At least two must exist: one alone is drawn again and again. */
function countOf(name: string, numbers: ArrayLike<number>): number {
  let count = 0
  for (let cell = 0; cell < numbers.length; cell++) {
    checkCount(`${name} of cell ${cell}`, numbers[cell]!)
    count = Math.max(count, numbers[cell]! + 1)
  }
  checkCount(`number of ${name}s`, count, 2)
  return count
}

function timesDrawn(count: number, random: () => number): Int32Array {
  const times = new Int32Array(count)
  for (let draw = 0; draw < count; draw++) times[Math.floor(random() * count)]!++
  return times
}
