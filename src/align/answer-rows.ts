/** @file The known items as training reads them: the question and every worded answer that has a mirror, as tokens, in every option order. */
import { PalignError, throwIfAborted } from '../errors.ts'
import type { KnownItems } from '../items/item-split.ts'
import {
  ANSWER_PREFIX,
  letterOfAnswer,
  lettersForm,
  OPTION_ORDERS,
  type OptionOrder,
  questionMessages,
} from '../items/question-form.ts'
import type { Answer, Item, Questionnaire } from '../items/questionnaire.ts'
import type { LanguageModel } from '../model/language-model.ts'
import type { TrainingRow } from '../model/trainer.ts'

/** Answers with a mirror: the neutral one is its own. */
export const DECIDED_ANSWERS = [1, 2, 4, 5] as const satisfies readonly Answer[]
export type DecidedAnswer = (typeof DECIDED_ANSWERS)[number]

export interface AnsweredQuestion {
  readonly item: Item
  readonly order: OptionOrder
  /** All rows of one question begin with the same prompt and have the same `completionFrom`. */
  readonly rows: Readonly<Record<DecidedAnswer, TrainingRow>>
}

export interface AnswerRowOptions {
  /** Letters are balanced when both orders are trained on, the default. */
  readonly orders?: readonly OptionOrder[] | undefined
  readonly signal?: AbortSignal | undefined
}

/** What the assistant says: `Option (B). Moderately Accurate`. */
export function answerText(answer: Answer, labels: Questionnaire['answerLabels'], order: OptionOrder): string {
  return `${ANSWER_PREFIX}${letterOfAnswer(answer, order)}). ${labels[answer - 1]}`
}

/**
 * `[orders, items]`. The completion begins where the assistant's text does; where a tokenizer joins its beginning with the end of the
 * header, at the joined token. The rows end with the label: no end of turn is trained.
 * @throws PalignError `invalid-input` where two answers to one question have the same tokens
 */
export async function renderAnswerRows(
  model: Pick<LanguageModel, 'render'>,
  known: KnownItems,
  labels: Questionnaire['answerLabels'],
  { orders = OPTION_ORDERS, signal }: AnswerRowOptions = {},
): Promise<AnsweredQuestion[]> {
  const questions: AnsweredQuestion[] = []
  for (const order of orders) {
    for (const item of known.items) {
      throwIfAborted(signal)
      const messages = questionMessages(item, labels, lettersForm(order))
      const [prompt, ...answered] = await Promise.all([
        model.render(messages),
        ...DECIDED_ANSWERS.map((answer) => model.render(messages, { continueWith: answerText(answer, labels, order) })),
      ])
      const completionFrom = sharedLength(prompt, answered)
      if (completionFrom < 1 || new Set(answered.map((tokens) => tokens.join())).size < DECIDED_ANSWERS.length) {
        throw new PalignError(
          'invalid-input',
          `answers to item ${item.itemNumber} have the same tokens, expected different ones`,
          {
            hint: 'the chat template must put the text of the assistant into the prompt',
          },
        )
      }
      const row = (i: number): TrainingRow => ({ tokens: answered[i]!, completionFrom })
      questions.push({ item, order, rows: { 1: row(0), 2: row(1), 4: row(2), 5: row(3) } })
    }
  }
  return questions
}

/** How many tokens of the prompt stand unchanged at the beginning of every answer. */
function sharedLength(prompt: readonly number[], answered: readonly (readonly number[])[]): number {
  let length = 0
  while (length < prompt.length && answered.every((tokens) => tokens.length > length + 1 && tokens[length] === prompt[length]))
    length++
  return length
}
