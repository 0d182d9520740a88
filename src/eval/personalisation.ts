/** @file The wrong-person control: how much of a prediction is about this person and not about people. */

import { correctedErrors, sumsOfDomains } from './alignment-error.ts'
import type { AnswerTable } from './answer-table.ts'

/**
 * Personalisation gain of each respondent: the mean error of all other respondents' predictions against this respondent's answers,
 * minus the error of their own. Corrected error, sum of five domains; 0 for predictions that are the same for everybody.
 * @param predictions `[respondents, items]`
 * @returns `[respondents]`; NaN where there is nobody else
 */
export function personalisationGains(predictions: ArrayLike<number>, answers: AnswerTable): Float64Array {
  const { respondents, items } = answers
  const columns = items.length
  const own = sumsOfDomains(correctedErrors(predictions, answers))
  const all = Float32Array.from(predictions)
  const wrong = new Float64Array(respondents)
  for (let shift = 1; shift < respondents; shift++) {
    // Everybody is predicted by the person `shift` places further on.
    const others = new Float32Array(all.length)
    others.set(all.subarray(shift * columns), 0)
    others.set(all.subarray(0, shift * columns), all.length - shift * columns)
    const errors = sumsOfDomains(correctedErrors(others, answers))
    for (let r = 0; r < respondents; r++) wrong[r]! += errors[r]! / (respondents - 1)
  }
  return wrong.map((error, r) => (respondents > 1 ? error - own[r]! : Number.NaN))
}
