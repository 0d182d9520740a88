/**
 * @file Whether a person can be told from everybody else by what is predicted for them (evaluation protocol, section 3). Compared are
 * deviations from the mean answer to each item: what everybody says tells nobody apart.
 */
import { pearson } from '../math/statistics.ts'
import type { AnswerTable } from './answer-table.ts'

export interface Identification {
  /** Share of predictions that are nearest to their own person's answers, of all persons. A tie loses. */
  readonly personOfPrediction: number
  /** Share of persons whose answers are nearest to their own prediction, and to one of which it is among the nearest five. */
  readonly predictionOfPerson: number
  readonly predictionAmongFive: number
}

const FEW = 5

/** @param predictions `[respondents, items]`, answers to the wording, whole or not */
export function identification(predictions: ArrayLike<number>, answers: AnswerTable): Identification {
  const { respondents, worded } = answers
  const means = itemMeans(answers)
  const predicted = rowsOf(answers, (at, i) => predictions[at]! - means[i]!)
  // A missing answer is taken for the item's mean: it tells nothing.
  const answered = rowsOf(answers, (at, i) => (worded[at] === 0 ? 0 : worded[at]! - means[i]!))
  const likeness = predicted.map((p) => Float64Array.from(answered, (q) => pearson(p, q) ?? 0))
  const persons = likeness.map((_, p) => p)
  /** How many others do at least as well as the person's own pair. */
  const better = (p: number, of: (q: number) => number) =>
    persons.reduce((count, q) => count + Number(q !== p && of(q) >= likeness[p]![p]!), 0)
  const share = (holds: (p: number) => boolean) => persons.filter(holds).length / respondents
  const betterPredictions = persons.map((p) => better(p, (q) => likeness[q]![p]!))
  return {
    personOfPrediction: share((p) => better(p, (q) => likeness[p]![q]!) === 0),
    predictionOfPerson: share((p) => betterPredictions[p] === 0),
    predictionAmongFive: share((p) => betterPredictions[p]! < FEW),
  }
}

function rowsOf({ respondents, items }: AnswerTable, valueAt: (at: number, item: number) => number): Float64Array[] {
  return Array.from({ length: respondents }, (_, r) => Float64Array.from(items, (_, i) => valueAt(r * items.length + i, i)))
}

function itemMeans({ items, worded }: AnswerTable): Float64Array {
  return Float64Array.from(items, (_, i) => {
    let sum = 0
    let count = 0
    for (let at = i; at < worded.length; at += items.length) {
      sum += worded[at]!
      count += Number(worded[at] !== 0)
    }
    return sum / count
  })
}
