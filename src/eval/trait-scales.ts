/**
 * @file Whether personas hang together as people do (evaluation protocol, section 5): reliability of the domains over respondents and the correlations
 * between domains. Personas that show none of the human correlations are not like people; those that show more have a halo.
 */
import { DOMAINS } from '../items/ipip-neo.ts'
import { alphaOf, omegaTotal, splitHalf } from '../math/scale-reliability.ts'
import { mean, pearson } from '../math/statistics.ts'
import { type AnswerTable, keyedRows } from './answer-table.ts'

export interface TraitScales {
  /** Means over the domains; null where a domain's sum does not vary. */
  readonly alpha: number | null
  readonly omega: number | null
  readonly splitHalf: number | null
  /** `[5][5]` of keyed domain means over respondents, in the order A C E N O; null where a domain does not vary. */
  readonly correlations: readonly (readonly (number | null)[])[]
}

/**
 * @param values `[respondents, items]`, answers to the wording, whole or not; NaN where missing
 * @param items the columns
 */
export function traitScales(values: ArrayLike<number>, items: AnswerTable['items']): TraitScales {
  const rows = keyedRows(values, items)
  const domains = DOMAINS.map((domain) => {
    const columns = items.flatMap((item, i) => (item.domain === domain ? [i] : []))
    const answers = rows.map((row) => columns.map((i) => row[i]!))
    const complete = answers.filter((row) => row.every((value) => !Number.isNaN(value)))
    const means = answers.map((row) => mean(row.filter((value) => !Number.isNaN(value))))
    return { complete, means }
  })
  const overDomains = (of: (rows: readonly (readonly number[])[]) => number) => {
    const value = mean(domains.map(({ complete }) => of(complete)))
    return Number.isFinite(value) ? value : null
  }
  return {
    alpha: overDomains(alphaOf),
    omega: overDomains(omegaTotal),
    splitHalf: overDomains(splitHalf),
    correlations: domains.map(({ means: a }, i) => domains.map(({ means: b }, j) => (i === j ? 1 : (pearson(a, b) ?? null)))),
  }
}

/** Root mean square difference of the ten correlations; null where one is missing. */
export function correlationDistance(a: TraitScales['correlations'], b: TraitScales['correlations']): number | null {
  const squares = a.flatMap((row, i) => row.slice(i + 1).map((r, place) => difference(r, b[i]![i + 1 + place]!) ** 2))
  const value = Math.sqrt(mean(squares))
  return Number.isFinite(value) ? value : null
}

const difference = (a: number | null, b: number | null) => (a === null || b === null ? Number.NaN : a - b)
