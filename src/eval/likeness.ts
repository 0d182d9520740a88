/**
 * @file How like their answers a person's predictions are, beyond the size of the error (evaluation protocol, section 3): correlations
 * inside a person and across persons, the spread of predictions, and agreement of whole answers. A correlation that is not defined, since one
 * side does not vary, counts as 0.
 */
import { DOMAINS } from '../items/ipip-neo.ts'
import { flipIfMinus } from '../items/questionnaire.ts'
import { cohensKappa, quadraticWeights } from '../math/cohens-kappa.ts'
import { mean, pearson, populationDeviation } from '../math/statistics.ts'
import type { AnswerTable } from './answer-table.ts'

export interface Likeness {
  /** Inside a person, mean over persons. Norms alone reach .54: without `distinctive` it says nothing. */
  readonly profile: number
  /** The same after the mean answer of everybody else to the item is taken from both. */
  readonly distinctive: number
  /** Across persons for each item, mean over items. */
  readonly item: number
  /** Across persons for the keyed mean of each domain, mean over domains. */
  readonly domain: number
  /** Mean over items of the deviation of predictions across persons, over that of answers. */
  readonly spread: number
}

/** @param predictions `[respondents, items]`, answers to the wording, whole or not */
export function likeness(predictions: ArrayLike<number>, answers: AnswerTable): Likeness {
  const { items, respondents } = answers
  const cell = (r: number, i: number) => r * items.length + i
  const others = meansOfOthers(answers)
  const isAnswered = (at: number) => answers.worded[at] !== 0
  const rowsOfPerson = Array.from({ length: respondents }, (_, r) => items.map((_, i) => cell(r, i)).filter(isAnswered))
  const rowsOfItem = items.map((_, i) => Array.from({ length: respondents }, (_, r) => cell(r, i)).filter(isAnswered))
  const predicted = (at: readonly number[]) => at.map((place) => predictions[place]!)
  const answered = (at: readonly number[]) => at.map((place) => answers.worded[place]!)
  return {
    profile: mean(rowsOfPerson.map((at) => pearson(predicted(at), answered(at)) ?? 0)),
    distinctive: mean(
      rowsOfPerson.map(
        (at) =>
          pearson(
            at.map((place) => predictions[place]! - others[place]!),
            at.map((place) => answers.worded[place]! - others[place]!),
          ) ?? 0,
      ),
    ),
    item: mean(rowsOfItem.map((at) => pearson(predicted(at), answered(at)) ?? 0)),
    domain: domainCorrelation(predictions, answers),
    spread:
      mean(rowsOfItem.map((at) => populationDeviation(predicted(at)))) /
      mean(rowsOfItem.map((at) => populationDeviation(answered(at)))),
  }
}

/** `[respondents, items]`: mean answer to the wording of all other respondents; the middle where nobody else answered. */
export function meansOfOthers({ items, respondents, worded }: AnswerTable): Float64Array {
  const sums = new Float64Array(items.length)
  const counts = new Float64Array(items.length)
  worded.forEach((answer, at) => {
    sums[at % items.length]! += answer
    counts[at % items.length]! += Number(answer !== 0)
  })
  return Float64Array.from({ length: respondents * items.length }, (_, at) => {
    const own = worded[at]!
    const count = counts[at % items.length]! - Number(own !== 0)
    return count === 0 ? MIDDLE : (sums[at % items.length]! - own) / count
  })
}

const MIDDLE = 3

function domainCorrelation(predictions: ArrayLike<number>, { items, respondents, worded }: AnswerTable): number {
  const persons = Array.from({ length: respondents }, (_, r) => r)
  return mean(
    DOMAINS.map((domain) => {
      const columns = items.flatMap((item, i) => (item.domain === domain ? [i] : []))
      const keyedMean = (values: ArrayLike<number>) => (r: number) =>
        mean(
          columns.flatMap((i) => {
            const at = r * items.length + i
            return worded[at] === 0 ? [] : [flipIfMinus(values[at]!, items[i]!.keying)]
          }),
        )
      return pearson(persons.map(keyedMean(predictions)), persons.map(keyedMean(worded))) ?? 0
    }),
  )
}

/**
 * Quadratic weighted kappa of whole answers, persons and items pooled; 0 where both sides use one and the same option only.
 * @param predictions `[respondents, items]`; what is not whole is rounded half up
 */
export function weightedKappa(predictions: ArrayLike<number>, { worded }: AnswerTable): number {
  const table = Array.from({ length: 5 }, () => new Array<number>(5).fill(0))
  worded.forEach((answer, at) => {
    if (answer === 0) return
    const predicted = Math.min(5, Math.max(1, Math.floor(predictions[at]! + 0.5)))
    table[predicted - 1]![answer - 1]!++
  })
  const kappa = cohensKappa(table, quadraticWeights)
  return Number.isNaN(kappa) ? 0 : kappa
}
