/** @file One respondent, the model before and after: errors beside the floors that need nobody else, and the answers that moved most. */
import type { AnswerDistributions } from '../align/questions.ts'
import { medianAnswer, rankedProbabilityScore } from '../items/answer-distribution.ts'
import { DOMAINS } from '../items/ipip-neo.ts'
import type { HeldOutItems, KnownItems } from '../items/item-split.ts'
import type { Answer, Item } from '../items/questionnaire.ts'
import type { Respondent } from '../people/respondent.ts'
import { correctedErrors, meanErrors } from './alignment-error.ts'
import { answerTable } from './answer-table.ts'
import { floors, populationOf, roundedWorded } from './floors.ts'

export interface ComparedArm {
  readonly arm: string
  /** Corrected error of the median answers, sum of five domains. */
  readonly error: number
  /** Mean ranked probability score of each domain, summed; of a certain answer it is its absolute error. */
  readonly score: number
}

export interface MovedAnswer {
  readonly item: Item
  readonly answered: Answer | undefined
  /** Probability of the answers 1..5. */
  readonly before: readonly number[]
  readonly after: readonly number[]
}

const FLOORS_OF_ONE = ['constant-3', 'own-facet', 'own-facet-trait']

export interface Comparison {
  readonly respondent: Respondent
  readonly known: KnownItems
  readonly heldOut: HeldOutItems
  readonly before: AnswerDistributions
  readonly after: AnswerDistributions
}

export function compareArms({ respondent, known, heldOut, before, after }: Comparison): ComparedArm[] {
  const scored = (arm: string, probabilities: Float32Array): ComparedArm => ({
    arm,
    error: medianError(probabilities, respondent, heldOut),
    score: summedScore(probabilities, respondent, heldOut),
  })
  const population = populationOf([respondent], known, heldOut)
  const floorsOfOne = floors().filter(({ arm }) => FLOORS_OF_ONE.includes(arm))
  return [
    scored('unchanged', before.probabilities),
    scored('pas', after.probabilities),
    ...floorsOfOne.map(({ arm, predict }) => scored(arm, certain(roundedWorded(predict(population), heldOut.items)))),
  ]
}

/** The items whose distributions differ most in total variation, most moved first. */
export function mostMoved({ respondent, heldOut, before, after }: Comparison, count: number): MovedAnswer[] {
  return heldOut.items
    .map((item, i) => {
      const [from, to] = [[...row(before.probabilities, i)], [...row(after.probabilities, i)]]
      const variation = from.reduce((sum, p, k) => sum + Math.abs(p - to[k]!) / 2, 0)
      return { item, answered: respondent.answers.byItem.get(item.itemNumber), before: from, after: to, variation }
    })
    .sort((a, b) => b.variation - a.variation)
    .slice(0, count)
    .map(({ variation: _, ...moved }) => moved)
}

function medianError(probabilities: Float32Array, respondent: Respondent, heldOut: HeldOutItems): number {
  const medians = heldOut.items.map((_, i) => medianAnswer(row(probabilities, i)))
  return meanErrors(correctedErrors(medians, answerTable([respondent], heldOut.items))).sum
}

function summedScore(probabilities: Float32Array, { answers }: Respondent, { items }: HeldOutItems): number {
  return DOMAINS.reduce((sum, domain) => {
    const scores = items.flatMap((item, i) => {
      const answer = answers.byItem.get(item.itemNumber)
      return item.domain === domain && answer !== undefined ? [rankedProbabilityScore(row(probabilities, i), answer)] : []
    })
    return sum + scores.reduce((a, b) => a + b, 0) / scores.length
  }, 0)
}

/** Whole answers as distributions. */
function certain(answers: Float32Array): Float32Array {
  const probabilities = new Float32Array(answers.length * 5)
  for (const [i, answer] of answers.entries()) probabilities[i * 5 + answer - 1] = 1
  return probabilities
}

const row = (probabilities: Float32Array, i: number) => probabilities.subarray(i * 5, i * 5 + 5)
