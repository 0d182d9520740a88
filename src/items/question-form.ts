/**
 * @file The question that a model is asked about one item: the only templates for fitting and for testing. Fitting uses the published
 * phrasing with letters: wording of the released reference implementation (paper section 2), with the statement in grammatical second
 * person. Other forms are for testing alone: what depends on them is not the person's.
 */

import { PalignError } from '../errors.ts'
import type { Answer, Item, Questionnaire } from './questionnaire.ts'
import { secondPerson } from './second-person.ts'

export const LETTERS = ['A', 'B', 'C', 'D', 'E'] as const
export type Letter = (typeof LETTERS)[number]

/** Descending: letter A is the strongest agreement (as published). Ascending: letter A is the strongest disagreement. */
export type OptionOrder = 'descending' | 'ascending'
export const OPTION_ORDERS = ['descending', 'ascending'] as const

export const DIGITS = ['1', '2', '3', '4', '5'] as const

/** The published instruction, and two that mean the same. */
const PHRASINGS = [
  (statement: string) =>
    `Given a statement of you: "${statement}."\nPlease choose from the following options to identify how accurately this statement describes you.\nOptions:\n`,
  (statement: string) =>
    `Here is a statement about you: "${statement}."\nHow accurately does it describe you? Choose one of the options below.\nOptions:\n`,
  (statement: string) =>
    `Think about yourself and read this sentence: "${statement}."\nSay which of these options fits best how accurate the sentence is for you.\nOptions:\n`,
] as const

export interface QuestionForm {
  /** What stands before the options. */
  readonly marks: 'letters' | 'digits'
  readonly order: OptionOrder
  /** 0 is the published phrasing. */
  readonly phrasing: 0 | 1 | 2
}

/** The form that palign fits with. */
export function lettersForm(order: OptionOrder): QuestionForm {
  return { marks: 'letters', order, phrasing: 0 }
}

/** All twelve: letters and digits, both orders, three phrasings. */
export const QUESTION_FORMS: readonly QuestionForm[] = ([0, 1, 2] as const).flatMap((phrasing) =>
  (['letters', 'digits'] as const).flatMap((marks) => OPTION_ORDERS.map((order) => ({ marks, order, phrasing }))),
)

/** `letters-descending-0` and the like. */
export function formName({ marks, order, phrasing }: QuestionForm): string {
  return `${marks}-${order}-${phrasing}`
}

/** What stands before the options, from the first to the last. */
export function marksOf({ marks }: QuestionForm): readonly string[] {
  return marks === 'letters' ? LETTERS : DIGITS
}

/** The answer (1..5) that the option at a position from 0 stands for. */
export function answerAt(position: number, order: OptionOrder): Answer {
  return (order === 'descending' ? 5 - position : 1 + position) as Answer
}

/** The assistant's answer begins with this; the letter follows. */
export const ANSWER_PREFIX = 'Option ('

export const DEFAULT_SYSTEM_PROMPT = 'You are a helpful, honest and concise assistant.'

/** The answer (1..5) that a letter stands for. */
export function answerOfLetter(letter: Letter, order: OptionOrder): Answer {
  return answerAt(LETTERS.indexOf(letter), order)
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
  form: QuestionForm,
  system: string = DEFAULT_SYSTEM_PROMPT,
) {
  return [
    { role: 'system', content: system },
    { role: 'user', content: questionText(item, labels, form) },
  ] as const
}

/** The user's message for one item. */
export function questionText(item: Item, labels: Questionnaire['answerLabels'], form: QuestionForm): string {
  const options = marksOf(form).map((mark, position) => `(${mark}). ${labels[answerAt(position, form.order) - 1]}\n`)
  return `${PHRASINGS[form.phrasing](statementOf(item))}${options.join('')}`
}
