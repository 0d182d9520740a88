/** @file Functions of five probabilities: what a model's distribution over the answers 1..5 amounts to. */
import type { Answer } from './questionnaire.ts'

/** `[5]`: probability of the answers 1..5. */
export type AnswerProbabilities = ArrayLike<number>

/** The most likely answer; of equals the lowest. */
export function argmaxAnswer(probabilities: AnswerProbabilities): Answer {
  let best = 0
  for (let k = 1; k < 5; k++) if (probabilities[k]! > probabilities[best]!) best = k
  return (best + 1) as Answer
}

/** The smallest answer with at least half of the mass at or below it: it minimises the expected absolute error. */
export function medianAnswer(probabilities: AnswerProbabilities): Answer {
  let total = 0
  for (let k = 0; k < 5; k++) total += probabilities[k]!
  let below = 0
  for (let k = 0; k < 4; k++) {
    below += probabilities[k]!
    if (below >= total / 2) return (k + 1) as Answer
  }
  return 5
}

/** Mean of the distribution, 1..5. */
export function expectedAnswer(probabilities: AnswerProbabilities): number {
  let total = 0
  let sum = 0
  for (let k = 0; k < 5; k++) {
    total += probabilities[k]!
    sum += (k + 1) * probabilities[k]!
  }
  return sum / total
}

/** Ranked probability score: sum over k of (P(answer <= k) - [k >= answer])^2. Proper; 0 is a certain and right answer. */
export function rankedProbabilityScore(probabilities: AnswerProbabilities, answer: Answer): number {
  let below = 0
  let score = 0
  for (let k = 0; k < 4; k++) {
    below += probabilities[k]!
    score += (below - (k + 1 >= answer ? 1 : 0)) ** 2
  }
  return score
}
