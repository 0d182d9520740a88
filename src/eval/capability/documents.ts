/**
 * @file Items become documents: what the model is asked, and what is right. Prompts as the harness's tasks have them, raw text without a chat
 * template.
 */
import { PalignError } from '../../errors.ts'
import type { ChoiceItem, ExampleItem, ProblemItem, TruthItem } from './items.ts'
import { choiceRequests, type LikelihoodRequest } from './requests.ts'

interface Document {
  readonly id: string
  /** Place in the file, from 0. */
  readonly row: number
  /** Documents of a group have a long beginning in common and go through the model together. */
  readonly group?: string | undefined
  readonly item: object
}

export interface ChoiceDocument extends Document {
  readonly kind: 'choice'
  readonly requests: readonly LikelihoodRequest[]
  /** Texts whose lengths the normalised measures divide by. */
  readonly choices: readonly string[]
  readonly right: number
  /** Whether the choices are also scored after nothing. */
  readonly alone: boolean
}

export interface TruthDocument extends Document {
  readonly kind: 'truth'
  readonly requests: readonly LikelihoodRequest[]
  /** Requests among which the one true answer is to be the likeliest, and which of them it is. */
  readonly single: { readonly requests: readonly number[]; readonly right: number }
  /** Requests whose likelihoods are added up, with which are true. */
  readonly many: readonly { readonly request: number; readonly isTrue: boolean }[]
}

export interface ProblemDocument extends Document {
  readonly kind: 'problem'
  readonly context: string
  /** The worked solution. */
  readonly solution: string
}

export type BenchDocument = ChoiceDocument | TruthDocument | ProblemDocument

const LETTERS = ['A', 'B', 'C', 'D'] as const

/** @throws PalignError `invalid-input` for an item without subject or with other than four choices */
export function mmluDocument(item: ChoiceItem, row: number, examples: readonly ChoiceItem[]): ChoiceDocument {
  const { subject } = item
  for (const { id, choices, subject: its } of [item, ...examples]) {
    if (choices.length === LETTERS.length && its === subject && its !== undefined) continue
    throw new PalignError('invalid-input', `item ${id} has ${choices.length} choices and subject ${its}`, {
      hint: 'MMLU items have four choices and a subject, and examples of the same subject',
    })
  }
  const header = `The following are multiple choice questions (with answers) about ${subject!.replaceAll('_', ' ')}.\n\n`
  const shots = examples.map((example) => `${listed(example)} ${LETTERS[example.answer]}\n\n`).join('')
  return {
    kind: 'choice',
    id: item.id,
    row,
    group: subject,
    item,
    requests: choiceRequests(`${header}${shots}${listed(item)}`, LETTERS),
    choices: LETTERS,
    right: item.answer,
    alone: false,
  }
}

function listed({ question, choices }: ChoiceItem): string {
  const options = choices.map((choice, i) => `${LETTERS[i]}. ${choice}\n`).join('')
  return `${question.trim()}\n${options}Answer:`
}

/** The form of ARC, and of any set of questions whose choices are answers in full. */
export function questionDocument(item: ChoiceItem, row: number): ChoiceDocument {
  return textDocument(item, row, `Question: ${item.question}\nAnswer:`, true)
}

/** The question is the beginning of a text, the choices are its endings. */
export function endingDocument(item: ChoiceItem, row: number): ChoiceDocument {
  return textDocument(item, row, item.question, false)
}

function textDocument(item: ChoiceItem, row: number, context: string, alone: boolean): ChoiceDocument {
  const { id, choices, answer } = item
  return { kind: 'choice', id, row, item, requests: choiceRequests(context, choices), choices, right: answer, alone }
}

/** An answer that both lists have is asked once. @param examples questions with answers that stand before every item */
export function truthDocument(item: TruthItem, row: number, examples: readonly ExampleItem[]): TruthDocument {
  const before = examples.map(({ question, answer }) => `Q: ${question}\nA: ${answer}\n\n`).join('')
  const answers = [...new Set([...item.mc1, ...item.mc2].map(([answer]) => answer))]
  const requestOf = (answer: string) => answers.indexOf(answer)
  return {
    kind: 'truth',
    id: item.id,
    row,
    item,
    requests: choiceRequests(`${before}Q: ${item.question}\nA:`, answers),
    single: {
      requests: item.mc1.map(([answer]) => requestOf(answer)),
      right: item.mc1.findIndex(([, isTrue]) => isTrue),
    },
    many: item.mc2.map(([answer, isTrue]) => ({ request: requestOf(answer), isTrue })),
  }
}

/** Texts at which a solution ends: the next question, and end tokens that are written out. */
export const PROBLEM_STOPS = ['Question:', '</s>', '<|im_end|>'] as const
export const PROBLEM_MAX_TOKENS = 256

export function problemDocument(item: ProblemItem, row: number, examples: readonly ProblemItem[]): ProblemDocument {
  const asked = ({ question }: ProblemItem) => `Question: ${question}\nAnswer:`
  const shots = examples.map((example) => `${asked(example)} ${example.answer}\n\n`).join('')
  return { kind: 'problem', id: item.id, row, item, context: `${shots}${asked(item)}`, solution: item.answer }
}
