/**
 * @file The question that a model is asked about one item: the only template for fitting and for testing.
 * Wording of the released reference implementation (paper section 2), with the statement in grammatical second person.
 */

import { PalignError } from '../errors.ts'
import type { Answer, Item, Questionnaire } from './questionnaire.ts'
import { secondPerson } from './second-person.ts'

export const LETTERS = ['A', 'B', 'C', 'D', 'E'] as const
export type Letter = (typeof LETTERS)[number]

/** Descending: letter A is the strongest agreement (as published). Ascending: letter A is the strongest disagreement. */
export type OptionOrder = 'descending' | 'ascending'
export const OPTION_ORDERS = ['descending', 'ascending'] as const

/** The assistant's answer begins with this; the letter follows. */
export const ANSWER_PREFIX = 'Option ('

export const DEFAULT_SYSTEM_PROMPT = 'You are a helpful, honest and concise assistant.'

/** The answer (1..5) that a letter stands for. */
export function answerOfLetter(letter: Letter, order: OptionOrder): Answer {
  const position = LETTERS.indexOf(letter)
  return (order === 'descending' ? 5 - position : 1 + position) as Answer
}

/** The letter that stands for an answer. */
export function letterOfAnswer(answer: Answer, order: OptionOrder): Letter {
  return LETTERS[order === 'descending' ? 5 - answer : answer - 1] as Letter
}

/** Statement about the reader, without the full stop: "You worry about things". */
export function statementOf(item: Item): string {
  if (item.text === undefined) {
    throw new PalignError('invalid-input', `item ${item.itemNumber} has no wording`, {
      hint: 'load the item texts of this questionnaire from its key file',
    })
  }
  return secondPerson(item.text).replace(/\.$/, '')
}

/** The chat in which one item is asked. */
export function questionMessages(
  item: Item,
  labels: Questionnaire['answerLabels'],
  order: OptionOrder,
  system: string = DEFAULT_SYSTEM_PROMPT,
) {
  return [
    { role: 'system', content: system },
    { role: 'user', content: questionText(item, labels, order) },
  ] as const
}

/** The user's message for one item. */
export function questionText(item: Item, labels: Questionnaire['answerLabels'], order: OptionOrder): string {
  const options = LETTERS.map((letter) => `(${letter}). ${labels[answerOfLetter(letter, order) - 1]}\n`)
  return [
    `Given a statement of you: "${statementOf(item)}."\n`,
    'Please choose from the following options to identify how accurately this statement describes you.\n',
    'Options:\n',
    ...options,
  ].join('')
}
