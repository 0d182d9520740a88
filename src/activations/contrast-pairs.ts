/** @file An item answered in agreement and in disagreement: the pairs whose activations tell the two apart. */
import {
  ANSWER_PREFIX,
  letterOfAnswer,
  lettersForm,
  OPTION_ORDERS,
  type OptionOrder,
  questionMessages,
} from '../items/question-form.ts'
import type { Item, Questionnaire } from '../items/questionnaire.ts'
import type { Message } from '../model/messages.ts'

export interface ContrastPair {
  readonly itemNumber: number
  readonly order: OptionOrder
  readonly messages: readonly Message[]
  /** How the assistant's turn begins when it agrees with the statement: it ends in the letter of "Very Accurate". */
  readonly agreement: string
  /** The same with the letter of "Very Inaccurate". */
  readonly disagreement: string
}

export interface ContrastOptions {
  /** With both orders each letter stands for agreement as often as for disagreement. */
  readonly orders?: readonly OptionOrder[] | undefined
  /** What the assistant says before the letter. */
  readonly answerPrefix?: string | undefined
}

export function contrastPairs(
  items: readonly Item[],
  labels: Questionnaire['answerLabels'],
  { orders = OPTION_ORDERS, answerPrefix = ANSWER_PREFIX }: ContrastOptions = {},
): ContrastPair[] {
  return orders.flatMap((order) =>
    items.map((item) => ({
      itemNumber: item.itemNumber,
      order,
      messages: questionMessages(item, labels, lettersForm(order)),
      agreement: answerPrefix + letterOfAnswer(5, order),
      disagreement: answerPrefix + letterOfAnswer(1, order),
    })),
  )
}
