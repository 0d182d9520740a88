/**
 * @file How far the items of one scale measure the same: Cronbach's alpha, omega total of a one-factor solution, split halves. Rows are people who
 * answered every item, in the direction of the scale. NaN where fewer than two rows, fewer than two items, or a sum that does not vary.
 */
import { isConstant, mean, pearson } from './statistics.ts'

/** `[rows][items]` */
export type ScaleRows = readonly (readonly number[])[]

/** k / (k - 1) (1 - sum of the item variances / variance of the sum). */
export function alphaOf(rows: ScaleRows): number {
  const items = rows[0]?.length ?? 0
  const itemVariance = Array.from({ length: items }, (_, i) => variance(rows.map((row) => row[i]!))).reduce((a, b) => a + b, 0)
  const sumVariance = variance(rows.map((row) => row.reduce((sum, value) => sum + value, 0)))
  return sumVariance === 0 ? Number.NaN : (items / (items - 1)) * (1 - itemVariance / sumVariance)
}

/** Sample variance (n - 1); of whole numbers exact, because their sums are. */
function variance(numbers: readonly number[]): number {
  // Rounding of the difference below would make a little of nothing.
  if (isConstant(numbers)) return 0
  const sum = numbers.reduce((total, number) => total + number, 0)
  const squares = numbers.reduce((total, number) => total + number * number, 0)
  return (squares - (sum * sum) / numbers.length) / (numbers.length - 1)
}

/** Of the halves of odd and even items, made as long as the scale by Spearman-Brown. */
export function splitHalf(rows: ScaleRows): number {
  const half = (parity: number) => rows.map((row) => mean(row.filter((_, i) => i % 2 === parity)))
  if ((rows[0]?.length ?? 0) < 2 || rows.length < 2) return Number.NaN
  const correlation = pearson(half(0), half(1))
  return correlation === undefined ? Number.NaN : (2 * correlation) / (1 + correlation)
}

/**
 * (sum of loadings)^2 / ((sum of loadings)^2 + sum of uniquenesses), loadings on the one factor of the items' correlations. Items that do not vary
 * are left out.
 */
export function omegaTotal(rows: ScaleRows): number {
  const items = rows[0]?.length ?? 0
  const columns = Array.from({ length: items }, (_, i) => rows.map((row) => row[i]!))
  const varying = columns.filter((column) => column.some((value) => value !== column[0]))
  if (varying.length < 2 || rows.length < 2) return Number.NaN
  const loadings = oneFactorLoadings(varying.map((a) => varying.map((b) => pearson(a, b)!)))
  const sum = loadings.reduce((total, loading) => total + loading, 0)
  const uniqueness = loadings.reduce((total, loading) => total + 1 - loading * loading, 0)
  return (sum * sum) / (sum * sum + uniqueness)
}

const ROUNDS = 500
const SETTLED = 1e-10

/**
 * Loadings on one factor by iterated principal axes (Harman, Modern Factor Analysis, 3rd ed. 1976, chapter 8): the leading eigenvector of the correlations
 * with communalities in the diagonal, which are squared loadings again. A communality is held at 1 at most.
 * @param correlations `[items][items]`, symmetric
 */
export function oneFactorLoadings(correlations: readonly (readonly number[])[]): number[] {
  const items = correlations.length
  // To begin with: the largest correlation of each item with another.
  let communalities = correlations.map((row, i) => Math.max(...row.map((r, j) => (i === j ? 0 : Math.abs(r)))))
  let vector = new Array<number>(items).fill(1 / Math.sqrt(items))
  let loadings: number[] = vector
  for (let round = 0; round < ROUNDS; round++) {
    const reduced = correlations.map((row, i) => row.map((r, j) => (i === j ? communalities[i]! : r)))
    const leading = leadingEigenvector(reduced, vector)
    vector = leading.vector
    const size = Math.sqrt(Math.max(0, leading.value))
    loadings = vector.map((value) => value * size)
    const next = loadings.map((loading) => Math.min(1, loading * loading))
    const moved = Math.max(...next.map((value, i) => Math.abs(value - communalities[i]!)))
    communalities = next
    if (moved < SETTLED) break
  }
  // The sign of a factor means nothing: most of the scale is positive on it.
  return loadings.reduce((sum, loading) => sum + loading, 0) < 0 ? loadings.map((loading) => -loading) : loadings
}

/** Power iteration on the matrix moved up by its largest row sum, so that the largest eigenvalue, not the largest in size, leads. */
function leadingEigenvector(matrix: readonly (readonly number[])[], start: readonly number[]) {
  const shift = Math.max(...matrix.map((row) => row.reduce((sum, value) => sum + Math.abs(value), 0)))
  let vector = [...start]
  let value = 0
  for (let round = 0; round < ROUNDS; round++) {
    const product = matrix.map((row, i) => row.reduce((sum, entry, j) => sum + entry * vector[j]!, 0) + shift * vector[i]!)
    const length = Math.hypot(...product)
    const next = product.map((entry) => entry / length)
    const moved = Math.max(...next.map((entry, i) => Math.abs(entry - vector[i]!)))
    vector = next
    value = length - shift
    if (moved < SETTLED) break
  }
  return { vector, value }
}
