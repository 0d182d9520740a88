/** @file A model answers items: option log-probabilities of one item per context, in every option order asked for; no letter is ever parsed. */
import { throwIfAborted } from '../errors.ts'
import {
  ANSWER_PREFIX,
  answerOfLetter,
  LETTERS,
  OPTION_ORDERS,
  type OptionOrder,
  questionMessages,
} from '../items/question-form.ts'
import type { Item, Questionnaire } from '../items/questionnaire.ts'
import type { LanguageModel, RunOptions, ScoreRequest } from '../model/language-model.ts'

/** What the model was asked, ready to be scored under any displacement. */
export interface Questions {
  readonly items: readonly Item[]
  readonly orders: readonly OptionOrder[]
  /** `[orders, items]` */
  readonly requests: readonly ScoreRequest[]
}

/** How likely each answer is, averaged over option orders. */
export interface AnswerDistributions {
  /** `[items, 5]`: probability of answer 1..5, renormalised over the five options. */
  readonly probabilities: Float32Array
  /** `[items]`: probability mass on anything but an option letter. */
  readonly unanswered: Float32Array
}

export interface QuestionOptions {
  readonly system?: string | undefined
  /** Letters are balanced when both orders are asked, the default. */
  readonly orders?: readonly OptionOrder[] | undefined
  readonly signal?: AbortSignal | undefined
}

export async function renderQuestions(
  model: LanguageModel,
  items: readonly Item[],
  labels: Questionnaire['answerLabels'],
  { system, orders = OPTION_ORDERS, signal }: QuestionOptions = {},
): Promise<Questions> {
  const requests: ScoreRequest[] = []
  for (const order of orders) {
    for (const item of items) {
      throwIfAborted(signal)
      const messages = questionMessages(item, labels, order, system)
      const answered = await Promise.all(
        LETTERS.map((letter) => model.render(messages, { continueWith: `${ANSWER_PREFIX}${letter}` })),
      )
      requests.push(splitAtDifference(answered))
    }
  }
  return { items, orders, requests }
}

export async function answerQuestions(
  model: LanguageModel,
  questions: Questions,
  options: RunOptions = {},
): Promise<AnswerDistributions> {
  const scores = await model.score(questions.requests, options)
  const count = questions.items.length
  const probabilities = new Float32Array(count * 5)
  const unanswered = new Float32Array(count)
  questions.orders.forEach((order, o) => {
    for (let i = 0; i < count; i++) {
      const letters = Array.from(scores[o * count + i] as Float64Array, Math.exp)
      const mass = letters.reduce((sum, p) => sum + p, 0)
      unanswered[i]! += (1 - mass) / questions.orders.length
      LETTERS.forEach((letter, l) => {
        const answer = answerOfLetter(letter, order)
        probabilities[i * 5 + answer - 1]! += letters[l]! / mass / questions.orders.length
      })
    }
  })
  return { probabilities, unanswered }
}

/** One prompt and its continuations: tokenizers may join an answer with what stands before it, so the split is where the sequences differ. */
export function splitAtDifference(sequences: readonly (readonly number[])[]): ScoreRequest {
  const [first = [], ...others] = sequences
  let shared = 0
  while (shared < first.length && others.every((other) => other[shared] === first[shared])) shared++
  return { tokens: first.slice(0, shared), continuations: sequences.map((sequence) => sequence.slice(shared)) }
}
