/**
 * @file How much of a trait a text shows, without a judge: the log-odds of a logistic regression that was fitted on statements which people
 * with much or little of the trait would make. Accuracy is told on statements that it has not seen; they are short first-person
 * sentences, so it says little about how well longer answers are read.
 */
import { PalignError } from '../../errors.ts'
import type { Domain } from '../../items/ipip-neo.ts'
import { dot } from '../../math/linear-algebra.ts'
import { fitLogistic } from '../../math/logistic-regression.ts'
import { seededRandom } from '../../math/random.ts'
import { rank } from '../../math/ranks.ts'
import { shuffled } from '../../math/shuffle.ts'
import { wordsOf } from '../n-grams.ts'
import { FEATURES, textFeatures } from './features.ts'

export interface TraitStatement {
  readonly text: string
  /** Whether somebody with much of the trait would say it. */
  readonly high: boolean
}

export interface TraitClassifier {
  readonly trait: Domain
  /** Log-odds (nats) that the text speaks of much of the trait; above 0 for much. */
  score(text: string): number
  /** Share of held-out statements whose score has the right sign. */
  readonly heldOutAccuracy: number
  /** Chance that a held-out statement of the high pole scores above one of the low pole; ties count half. */
  readonly auc: number
  /** Different statements; one in five was held out. */
  readonly statements: number
  readonly heldOut: number
}

export interface FitClassifierOptions {
  readonly trait: Domain
  readonly statements: readonly TraitStatement[]
  readonly seed: number
}

const HELD_OUT_SHARE = 0.2
const FEWEST_PER_POLE = 10
/** Inverse penalty: rows have unit length, so that weights must be large to say anything. */
const C = 10

/** @throws PalignError `invalid-input` for fewer than ten different statements of a pole */
export function fitTraitClassifier({ trait, statements, seed }: FitClassifierOptions): TraitClassifier {
  const distinct = distinctStatements(statements)
  const random = seededRandom(seed)
  const [fitted, heldOut]: [TraitStatement[], TraitStatement[]] = [[], []]
  for (const high of [true, false]) {
    const pole = shuffled(
      distinct.filter((statement) => statement.high === high),
      random,
    )
    if (pole.length < FEWEST_PER_POLE) {
      throw new PalignError(
        'invalid-input',
        `trait ${trait} has ${pole.length} different statements of its ${high ? 'high' : 'low'} pole, expected at least ${FEWEST_PER_POLE}`,
      )
    }
    const count = Math.round(pole.length * HELD_OUT_SHARE)
    heldOut.push(...pole.slice(0, count))
    fitted.push(...pole.slice(count))
  }
  const rows = new Float64Array(fitted.length * FEATURES)
  for (const [index, { text }] of fitted.entries()) rows.set(textFeatures(text), index * FEATURES)
  const { weights, intercept } = fitLogistic({ rows, labels: fitted.map(({ high }) => Number(high)), c: C })
  const score = (text: string) => intercept + dot(weights, textFeatures(text))
  const scores = heldOut.map(({ text }) => score(text))
  const labels = heldOut.map(({ high }) => high)
  const right = scores.filter((value, index) => value > 0 === labels[index]).length
  return {
    trait,
    score,
    heldOutAccuracy: right / heldOut.length,
    auc: areaUnderCurve(scores, labels),
    statements: distinct.length,
    heldOut: heldOut.length,
  }
}

/** By the ranks of the positive ones (Mann and Whitney 1947): (rank sum - n (n + 1) / 2) / (n m), for n positive and m negative scores. */
export function areaUnderCurve(scores: readonly number[], positive: readonly boolean[]): number {
  const { ranks } = rank(scores)
  const count = positive.filter(Boolean).length
  const rankSum = positive.reduce((sum, isPositive, index) => sum + (isPositive ? ranks[index]! : 0), 0)
  return (rankSum - (count * (count + 1)) / 2) / (count * (positive.length - count))
}

/** Statements of the same words count once, so that none is in both parts; those that stand at both poles are left out. */
function distinctStatements(statements: readonly TraitStatement[]): TraitStatement[] {
  const byWords = new Map<string, TraitStatement | undefined>()
  for (const statement of statements) {
    const words = wordsOf(statement.text).join(' ')
    if (words === '') continue
    const known = byWords.get(words)
    const contradicts = byWords.has(words) && known?.high !== statement.high
    byWords.set(words, contradicts ? undefined : (known ?? statement))
  }
  return [...byWords.values()].filter((statement) => statement !== undefined)
}
