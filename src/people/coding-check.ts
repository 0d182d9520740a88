/**
 * @file Is a file of answers in the coding it claims? Two items of one facet with opposite keying say opposite things, so worded
 * answers to them correlate negatively and keyed values positively. The mean correlation of such pairs tells which coding a file has
 * (PAPI test persons +.42 as stored, hence keyed; 660,125 protocols of the short form +.41).
 */
import { PalignError } from '../errors.ts'
import { respondentCount } from '../items/answer-matrix.ts'
import type { Questionnaire } from '../items/questionnaire.ts'
import { pearson } from '../math/statistics.ts'
import type { Sample } from './sample.ts'

export interface Measured {
  /** Mean correlation of the pairs of opposite keying inside a facet (inside a scale where there are no facets). */
  readonly correlation: number
  /** Share of the pairs with a positive correlation. */
  readonly positiveShare: number
  readonly pairs: number
  /** Respondents looked at. */
  readonly respondents: number
}

export type CodingCheck =
  | (Measured & { readonly kind: 'confirmed' })
  /** The sign says that the values are in the other coding. */
  | (Measured & { readonly kind: 'contradicted' })
  /** Too few respondents, or answers too uniform, to tell. */
  | { readonly kind: 'undecided'; readonly reason: string }

/**
 * With 30 respondents the mean correlation of the SD3, the instrument with the fewest pairs (32), is -.26 with a standard error of .08
 * (measured on its web sample), so a wrong sign beyond .1 is more than four standard errors away. A sign nearer to zero decides nothing.
 */
const FEWEST_RESPONDENTS = 30
const SMALLEST_CORRELATION = 0.1
/** Rows looked at in a large file, evenly spaced: the standard error is below .01 then. */
const MOST_RESPONDENTS = 2000

/** Compares the sign of the mean correlation of opposite-keyed item pairs with the coding that the sample claims. */
export function checkCoding(sample: Sample): CodingCheck {
  const count = respondentCount(sample)
  if (count < FEWEST_RESPONDENTS) {
    return { kind: 'undecided', reason: `${count} respondents, at least ${FEWEST_RESPONDENTS} needed` }
  }
  const respondents = Math.min(count, MOST_RESPONDENTS)
  const rows = Array.from({ length: respondents }, (_, index) => Math.floor((index * count) / respondents))
  const pairs = oppositePairs(sample.questionnaire)
  const correlations = pairs.map(([a, b]) => correlation(sample, rows, a, b)).filter((r) => !Number.isNaN(r))
  if (2 * correlations.length < pairs.length) {
    return { kind: 'undecided', reason: `${correlations.length} of ${pairs.length} item pairs vary, at least half needed` }
  }
  const mean = correlations.reduce((sum, r) => sum + r, 0) / correlations.length
  if (Math.abs(mean) < SMALLEST_CORRELATION) {
    return { kind: 'undecided', reason: `mean correlation ${signed(mean)} is nearer to zero than ${SMALLEST_CORRELATION}` }
  }
  return {
    kind: mean > 0 === (sample.coding === 'keyed') ? 'confirmed' : 'contradicted',
    correlation: mean,
    positiveShare: correlations.filter((r) => r > 0).length / correlations.length,
    pairs: correlations.length,
    respondents,
  }
}

/**
 * One person's answers: over facets, the mean of the plus items against that of the minus items, which say opposite things. Of 5,000 simulated people .06 %
 * (short form) and none (long form) lie beyond .3 on the wrong side, of the 300 PAPI test persons none; 85 %, 99.8 % and 297 lie beyond it on the right
 * one: what is in the other coding is found out that often. Nearer to zero nothing is decided.
 */
const SMALLEST_OF_ONE = 0.3
const FEWEST_FACETS = 10

/** @throws PalignError `wrong-coding` where the answers of one respondent contradict the coding they are said to have; it quotes none */
export function requireOwnCoding(sample: Sample, row = 0): void {
  const { questionnaire, values, coding } = sample
  const { items, facets } = questionnaire
  const columnOf = new Map(items.map((item, column) => [item.itemNumber, column]))
  const pairs = facets.flatMap((facet): [number, number][] => {
    const columns = facet.items.map((itemNumber) => columnOf.get(itemNumber)!)
    const meanOf = (keying: number) => {
      const said = columns
        .filter((column) => items[column]!.keying === keying)
        .map((column) => values[row * items.length + column]!)
      const answered = said.filter((value) => value !== 0)
      return answered.reduce((sum, value) => sum + value, 0) / answered.length
    }
    const pair: [number, number] = [meanOf(1), meanOf(-1)]
    return pair.some(Number.isNaN) ? [] : [pair]
  })
  if (pairs.length < FEWEST_FACETS) return
  const r = pearson(
    pairs.map(([plus]) => plus),
    pairs.map(([, minus]) => minus),
  )
  if (r === undefined || Math.abs(r) < SMALLEST_OF_ONE || r > 0 === (coding === 'keyed')) return
  throw new PalignError('wrong-coding', `answers are said to be ${coding} and contradict it over ${pairs.length} facets`, {
    hint: `they look ${coding === 'keyed' ? 'worded' : 'keyed'}: say so, or turn the minus items`,
  })
}

/** The check as a gate: a sample in the other coding is a `wrong-coding` error with the measured correlation. */
export function requireCoding(sample: Sample): Exclude<CodingCheck, { kind: 'contradicted' }> {
  const check = checkCoding(sample)
  if (check.kind !== 'contradicted') return check
  const [seen, expected] = sample.coding === 'keyed' ? ['negative', 'positive'] : ['positive', 'negative']
  throw new PalignError(
    'wrong-coding',
    `correlation of opposite-keyed items is ${signed(check.correlation)} (${seen}, ${check.pairs} pairs, ${check.respondents} respondents), ` +
      `expected a ${expected} one for ${sample.coding} answers`,
    {
      hint: `the values look ${sample.coding === 'keyed' ? 'worded: reverse the minus items' : 'keyed: undo the reversal of the minus items'} before reading them as ${sample.coding}`,
    },
  )
}

function signed(r: number): string {
  return `${r < 0 ? '-' : '+'}${Math.abs(r).toFixed(3)}`
}

/** Columns of the item pairs of opposite keying inside a facet, or inside a scale where there are no facets. */
function oppositePairs({ items, domains, facets }: Questionnaire): [number, number][] {
  const columnOf = new Map(items.map((item, column) => [item.itemNumber, column]))
  return (facets.length > 0 ? facets : domains).flatMap((trait) => {
    const columns = trait.items.map((itemNumber) => columnOf.get(itemNumber)!)
    const plus = columns.filter((column) => items[column]!.keying === 1)
    const minus = columns.filter((column) => items[column]!.keying === -1)
    return plus.flatMap((a) => minus.map((b): [number, number] => [a, b]))
  })
}

/** Pearson correlation of two columns over the rows that answered both; NaN where one of them does not vary. */
function correlation({ values, questionnaire }: Sample, rows: readonly number[], a: number, b: number): number {
  const width = questionnaire.items.length
  let n = 0
  let sumA = 0
  let sumB = 0
  let sumAA = 0
  let sumBB = 0
  let sumAB = 0
  for (const row of rows) {
    const x = values[row * width + a]!
    const y = values[row * width + b]!
    if (x === 0 || y === 0) continue
    n++
    sumA += x
    sumB += y
    sumAA += x * x
    sumBB += y * y
    sumAB += x * y
  }
  const varianceA = n * sumAA - sumA * sumA
  const varianceB = n * sumBB - sumB * sumB
  return varianceA > 0 && varianceB > 0 ? (n * sumAB - sumA * sumB) / Math.sqrt(varianceA * varianceB) : Number.NaN
}
