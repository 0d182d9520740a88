/** @file How much the answers are worth: the error of every arm that learns from them, given the first few known items only. */
import { PalignError } from '../errors.ts'
import type { KnownItems } from '../items/item-split.ts'
import { bootstrapInterval, type Interval } from '../math/bootstrap.ts'
import { mean } from '../math/statistics.ts'
import { correctedErrors, sumsOfDomains } from './alignment-error.ts'
import type { AnswerTable } from './answer-table.ts'
import { isControl, type MethodContext, type MethodName } from './methods.ts'
import type { ArmPredictions } from './table.ts'

export interface DataEfficiency {
  readonly arm: string
  readonly points: readonly EfficiencyPoint[]
}

export interface EfficiencyPoint {
  readonly items: number
  /** Corrected error, sum of five domains, with its interval over respondents (null for one respondent). */
  readonly sum: number
  readonly interval: Interval | null
  /** Respondents with too few answers for the method: they are answered for by the unsteered model. */
  readonly tooFew?: number | undefined
}

/** Methods that train an adapter take too long to be run again and again; controls learn nothing, and a description that is given tells everything at once. */
export function learnsFromAnswers(name: MethodName, { descriptions }: Pick<MethodContext, 'descriptions'>): boolean {
  if (name.startsWith('personality-prompt') && descriptions !== undefined) return false
  return !isControl(name) && !['unchanged', 'dpo', 'ppo', 'pas:as-published'].includes(name)
}

export interface EfficiencyOptions {
  readonly seed: number
  /** What all arms predict with these known items alone. */
  ask(count: number, items: KnownItems): Promise<readonly (ArmPredictions & { readonly tooFew?: number | undefined })[]>
}

/** @throws PalignError `invalid-input` for a count that is none of 1 to the number of known items */
export function checkItemCounts(counts: readonly number[], { items }: KnownItems): void {
  const wrong = counts.find((count) => !Number.isInteger(count) || count < 1 || count > items.length)
  if (wrong === undefined) return
  throw new PalignError('invalid-input', `number of known items is ${wrong}, expected a whole number from 1 to ${items.length}`)
}

/**
 * Known items are taken from the beginning of the short form, whose order goes round the thirty facets: five items are of five domains, thirty of
 * all facets.
 * @param counts as `checkItemCounts` accepts them
 */
export async function efficiencyOf(
  counts: readonly number[],
  known: KnownItems,
  truth: AnswerTable,
  { seed, ask }: EfficiencyOptions,
): Promise<DataEfficiency[]> {
  const ascending = [...new Set(counts)].sort((a, b) => a - b)
  const points = new Map<string, EfficiencyPoint[]>()
  for (const count of ascending) {
    const arms = await ask(count, { kind: 'known', items: known.items.slice(0, count) })
    for (const { arm, answers, tooFew } of arms) {
      const sums = sumsOfDomains(correctedErrors(answers, truth))
      const interval = sums.length < 2 ? null : bootstrapInterval(sums, { seed })
      const point = { items: count, sum: mean(sums), interval, ...(tooFew !== undefined && tooFew > 0 && { tooFew }) }
      points.set(arm, [...(points.get(arm) ?? []), point])
    }
  }
  return Array.from(points, ([arm, of]) => ({ arm, points: of }))
}
