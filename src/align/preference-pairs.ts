/**
 * @file Preference pairs of one person: chosen is the option they ticked, rejected its mirror (6 - answer). Answers to the wording,
 * known items only; a neutral answer is its own mirror and gives no pair, and neither does a missing one. The pairs of the paper are not
 * known; these are of a public re-implementation (paper section 3).
 */
import { PalignError } from '../errors.ts'
import type { Respondent } from '../people/respondent.ts'
import type { AnsweredQuestion, DecidedAnswer } from './answer-rows.ts'

export interface AnswerPair {
  /** Place in the list of questions. */
  readonly question: number
  readonly chosen: DecidedAnswer
  readonly rejected: DecidedAnswer
}

/** @throws PalignError `too-few-answers` for somebody who is neutral in everything */
export function preferencePairs(questions: readonly AnsweredQuestion[], { row, answers }: Respondent): AnswerPair[] {
  const pairs = questions.flatMap(({ item }, question): AnswerPair[] => {
    const answer = answers.byItem.get(item.itemNumber)
    if (answer === undefined || answer === 3) return []
    return [{ question, chosen: answer, rejected: (6 - answer) as DecidedAnswer }]
  })
  if (pairs.length > 0) return pairs
  throw new PalignError(
    'too-few-answers',
    `respondent in row ${row} has no answer other than the neutral one to any known item`,
    {
      hint: 'preferences need at least one answer with a mirror',
    },
  )
}
