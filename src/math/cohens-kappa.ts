/**
 * @file Cohen's kappa, 1 - sum w observed / sum w expected, the expected counts from the margins; weighted by disagreement w:
 * Cohen (1960, 1968). Linear and quadratic weights take the categories as equally spaced.
 */
import { PalignError } from '../errors.ts'
import { checkCount } from './checks.ts'

/** How much two categories, given by their places in the table, disagree; 0 for the same. Kappa does not depend on its unit. */
export type Disagreement = (a: number, b: number) => number

export const unweighted: Disagreement = (a, b) => (a === b ? 0 : 1)
export const linearWeights: Disagreement = (a, b) => Math.abs(a - b)
export const quadraticWeights: Disagreement = (a, b) => (a - b) ** 2

/**
 * `table[i][j]` counts the units that the first rater puts into category i and the second into j.
 * NaN where no disagreement is expected: both raters use one and the same category only.
 */
export function cohensKappa(table: readonly (readonly number[])[], disagreement: Disagreement = unweighted): number {
  const units = checkTable(table)
  const rows = table.map((row) => row.reduce((sum, count) => sum + count, 0))
  const columns = table.map((_, j) => table.reduce((sum, row) => sum + row[j]!, 0))
  let observed = 0
  let expected = 0
  for (const [i, row] of table.entries()) {
    for (const [j, count] of row.entries()) {
      observed += disagreement(i, j) * count
      expected += (disagreement(i, j) * rows[i]! * columns[j]!) / units
    }
  }
  return expected === 0 ? Number.NaN : 1 - observed / expected
}

/** Share of the units that both raters put into the same category. */
export function rawAgreement(table: readonly (readonly number[])[]): number {
  const units = checkTable(table)
  return table.reduce((sum, row, i) => sum + row[i]!, 0) / units
}

/** Returns the number of units. */
function checkTable(table: readonly (readonly number[])[]): number {
  let units = 0
  for (const [i, row] of table.entries()) {
    if (row.length !== table.length) {
      throw new PalignError(
        'invalid-input',
        `table has ${table.length} rows and ${row.length} columns in row ${i}, expected a square`,
      )
    }
    for (const [j, count] of row.entries()) {
      checkCount(`count in row ${i}, column ${j}`, count)
      units += count
    }
  }
  if (units === 0) throw new PalignError('invalid-input', 'table counts no units, expected at least one')
  return units
}
