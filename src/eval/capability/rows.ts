/**
 * @file Rows of the result: every measure of every arm, and on the same documents its difference from the unsteered model. No loss is claimed
 * where the lower end of the 90 % interval of the difference lies above minus the margin (one-sided .05).
 */
import { bootstrapInterval, type Interval } from '../../math/bootstrap.ts'
import { mcnemarTest, pairedRateInterval } from '../../math/mcnemar.ts'
import { wilsonInterval } from '../../math/proportions.ts'
import { mean, standardError } from '../../math/statistics.ts'
import { withFamily } from '../claims.ts'
import { FILTERS, INVALID } from './exact-match.ts'
import { chanceLevel, filterOf, isBinary, isHigherBetter, type MetricName, measure, type Response } from './measures.ts'
import type { CapabilityRow } from './result.ts'
import type { Outcome } from './run.ts'
import type { Task } from './tasks.ts'

export interface RowOptions {
  /** Points of a hundred that may be lost; above 0. */
  readonly margin: number
  /** Of the resamples behind intervals of what is not right or wrong. */
  readonly seed: number
}

/**
 * @param outcomes all arms and tasks; the first arm is the one that others are compared with
 * @returns task by task, measure by measure, arm by arm
 */
export function capabilityRows(outcomes: readonly Outcome[], { margin, seed }: RowOptions): CapabilityRow[] {
  const tasks = [...new Set(outcomes.map(({ task }) => task))]
  const rows = tasks.flatMap((task) => {
    const arms = outcomes.filter((outcome) => outcome.task === task)
    return task.metrics.flatMap((metric) => metricRows(task, metric, arms, { margin, seed }))
  })
  // The claims are the first measures of all tasks, of all arms.
  return withFamily(rows, ({ primary }) => primary)
}

function metricRows(task: Task, metric: MetricName, arms: readonly Outcome[], { margin, seed }: RowOptions): CapabilityRow[] {
  const { documents } = task
  const values = arms.map(({ responses }) => documents.map((document, i) => measure(metric, document, responses[i]!)))
  // A measure that needs what was not asked has no rows.
  if (values.some((list) => list.includes(undefined))) return []
  const [base, ...others] = values as [number[], ...number[][]]
  const level = chanceLevel(metric, documents)
  const chance = isGuessing(metric, intervalOf(metric, base, seed), level)
  const facts = { task: task.name, metric, primary: metric === task.metrics[0], n: documents.length, chance, chanceLevel: level }
  const described = (list: readonly number[], i: number) => ({
    arm: arms[i]!.arm,
    ...facts,
    value: mean(list),
    interval: intervalOf(metric, list, seed),
    stderr: standardError(list),
    ...countsOf(metric, arms[i]!.responses),
  })
  return [
    described(base, 0),
    ...others.map((list, i): CapabilityRow => {
      const [worse, better] = [list.filter((v, d) => v < base[d]!).length, list.filter((v, d) => v > base[d]!).length]
      const [oneSidedLow] = differenceInterval(metric, list, base, { level: 0.9, seed })
      return {
        ...described(list, i + 1),
        difference: { value: mean(list) - mean(base), interval: differenceInterval(metric, list, base, { level: 0.95, seed }) },
        ...(isBinary(metric) && { mcnemar: { worse, better, p: mcnemarTest({ onlyFirst: better, onlySecond: worse }) } }),
        ...(isHigherBetter(metric) && { nonInferior: chance ? 'not informative' : oneSidedLow > -margin / 100 }),
      }
    }),
  ]
}

/**
 * Whether the model is not shown to do better than guessing: then there is nothing to lose. The answers of TruthfulQA are made to mislead, a
 * model below chance has learnt something there.
 */
function isGuessing(metric: MetricName, [low, high]: Interval, level: number): boolean {
  if (metric === 'mc1' || metric === 'mc2') return low <= level && level <= high
  return isHigherBetter(metric) ? low <= level : high >= level
}

function intervalOf(metric: MetricName, values: readonly number[], seed: number): Interval {
  if (isBinary(metric)) return wilsonInterval(values.filter((value) => value === 1).length, values.length)
  return values.length < 2 ? [Number.NaN, Number.NaN] : bootstrapInterval(values, { seed })
}

/** Of first - second: Newcombe's method 10 where documents are right or wrong, else the BCa bootstrap over documents. */
function differenceInterval(
  metric: MetricName,
  first: readonly number[],
  second: readonly number[],
  { level, seed }: { readonly level: number; readonly seed: number },
): Interval {
  if (!isBinary(metric)) {
    const differences = first.map((value, i) => value - second[i]!)
    return differences.length < 2 ? [Number.NaN, Number.NaN] : bootstrapInterval(differences, { level, seed })
  }
  const count = (a: number, b: number) => first.filter((value, i) => value === a && second[i] === b).length
  return pairedRateInterval({ both: count(1, 1), onlyFirst: count(1, 0), onlySecond: count(0, 1), neither: count(0, 0) }, level)
}

/** What went wrong beside the answers: cut contexts; of texts the shares that were never finished and in which nothing was found. */
function countsOf(metric: MetricName, responses: readonly Response[]) {
  const filter = filterOf(metric)
  const share = (isSo: (text: string, unfinished: boolean) => boolean) =>
    mean(responses.map((response) => (response.kind === 'text' && isSo(response.text, response.unfinished) ? 1 : 0)))
  return {
    truncated: responses.filter(({ cut }) => cut).length,
    ...(filter && {
      invalid: share((text) => FILTERS[filter](text) === INVALID),
      unfinished: share((_, unfinished) => unfinished),
    }),
  }
}
