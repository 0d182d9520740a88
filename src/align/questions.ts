/** @file A model answers items: option log-probabilities of one item per context, in every form asked for; no letter is ever parsed. */
import { throwIfAborted } from '../errors.ts'
import {
  ANSWER_PREFIX,
  answerAt,
  lettersForm,
  marksOf,
  OPTION_ORDERS,
  type OptionOrder,
  type QuestionForm,
  questionMessages,
} from '../items/question-form.ts'
import type { Item, Questionnaire } from '../items/questionnaire.ts'
import type { LanguageModel, RunOptions, ScoreRequest } from '../model/language-model.ts'

/** What the model was asked, ready to be scored under any displacement. */
export interface Questions {
  readonly items: readonly Item[]
  readonly forms: readonly QuestionForm[]
  /** `[forms, items]` */
  readonly requests: readonly ScoreRequest[]
}

/** How likely each answer is, in one form or as a mean over several. */
export interface AnswerDistributions {
  /** `[items, 5]`: probability of answer 1..5, renormalised over the five options. */
  readonly probabilities: Float32Array
  /** `[items]`: probability mass on anything but the mark of an option. */
  readonly unanswered: Float32Array
}

export interface QuestionOptions {
  readonly system?: string | undefined
  /** Letters are balanced when both orders are asked, the default. */
  readonly orders?: readonly OptionOrder[] | undefined
  /** In place of `orders`; default letters and the published phrasing in these orders. */
  readonly forms?: readonly QuestionForm[] | undefined
  readonly signal?: AbortSignal | undefined
}

export async function renderQuestions(
  model: LanguageModel,
  items: readonly Item[],
  labels: Questionnaire['answerLabels'],
  { system, orders = OPTION_ORDERS, forms = orders.map(lettersForm), signal }: QuestionOptions = {},
): Promise<Questions> {
  const requests: ScoreRequest[] = []
  for (const form of forms) {
    for (const item of items) {
      throwIfAborted(signal)
      const messages = questionMessages(item, labels, form, system)
      const answered = await Promise.all(
        marksOf(form).map((mark) => model.render(messages, { continueWith: `${ANSWER_PREFIX}${mark}` })),
      )
      requests.push(splitAtDifference(answered))
    }
  }
  return { items, forms, requests }
}

/** The mean over forms. */
export async function answerQuestions(
  model: LanguageModel,
  questions: Questions,
  options: RunOptions = {},
): Promise<AnswerDistributions> {
  return meanDistributions(await answerForms(model, questions, options))
}

/** One of every form, in their order. */
export async function answerForms(
  model: LanguageModel,
  questions: Questions,
  options: RunOptions = {},
): Promise<AnswerDistributions[]> {
  const scores = await model.score(questions.requests, options)
  const count = questions.items.length
  return questions.forms.map(({ order }, f) => {
    const probabilities = new Float32Array(count * 5)
    const unanswered = new Float32Array(count)
    for (let i = 0; i < count; i++) {
      const marks = Array.from(scores[f * count + i] as Float64Array, Math.exp)
      const mass = marks.reduce((sum, p) => sum + p, 0)
      unanswered[i] = 1 - mass
      marks.forEach((p, position) => {
        probabilities[i * 5 + answerAt(position, order) - 1] = p / mass
      })
    }
    return { probabilities, unanswered }
  })
}

/** @param distributions at least one, all of the same items */
export function meanDistributions(distributions: readonly AnswerDistributions[]): AnswerDistributions {
  const mean = (of: (distribution: AnswerDistributions) => Float32Array) =>
    of(distributions[0]!).map((_, at) => distributions.reduce((sum, each) => sum + of(each)[at]!, 0) / distributions.length)
  return { probabilities: mean(({ probabilities }) => probabilities), unanswered: mean(({ unanswered }) => unanswered) }
}

/** One prompt and its continuations: tokenizers may join an answer with what stands before it, so the split is where the sequences differ. */
export function splitAtDifference(sequences: readonly (readonly number[])[]): ScoreRequest {
  const [first = [], ...others] = sequences
  let shared = 0
  while (shared < first.length && others.every((other) => other[shared] === first[shared])) shared++
  return { tokens: first.slice(0, shared), continuations: sequences.map((sequence) => sequence.slice(shared)) }
}
