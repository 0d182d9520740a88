/**
 * @file Training documents about one simulated respondent each. A document is a chat or plain text; every part of it carries the weight of
 * its tokens in the loss. Parts begin and end where the tokenizer splits, so that encoding them one by one or at once is the same.
 */

import { FACET_WORDS } from '../../src/items/facet-words.ts'
import { ACCURACY_LABELS } from '../../src/items/ipip-neo.ts'
import {
  ANSWER_PREFIX,
  DEFAULT_SYSTEM_PROMPT,
  letterOfAnswer,
  lettersForm,
  type OptionOrder,
  questionText,
  statementOf,
} from '../../src/items/question-form.ts'
import type { Item } from '../../src/items/questionnaire.ts'
import { facetSentence, fillerSentence, type Level, openAnswer, openQuestion } from './sentences.ts'

export interface Part {
  readonly text: string
  readonly weight: number
}

export interface Message {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: readonly Part[]
}

export type TrainingDocument = { readonly messages: readonly Message[] } | { readonly parts: readonly Part[] }

/** One simulated person as the documents need them. */
export interface Character {
  /** Answer to the wording by item number. */
  readonly answers: ReadonlyMap<number, number>
  /** By facet code, from the answers to all ten of its items. */
  readonly levels: Readonly<Record<string, Level>>
}

export type Random = () => number

/** Weights of the loss. Prompts weigh little: they teach the words, the answers teach the person. */
export const WEIGHTS = { prompt: 0, label: 1, letter: 1, form: 0.1, sentence: 0.3 } as const

const LIST_HEAD = 'Here are some of your behaviors and your level of recognition towards them; '
const KEY_HEAD = 'Here is what some statements say about you; '
const GAME_HEAD = 'A game; '

const part = (text: string, weight: number): Part => ({ text, weight })
const labelOf = (character: Character, item: Item) =>
  ACCURACY_LABELS[(character.answers.get(item.itemNumber) as number) - 1] as string

/** The few-shot prompt over these items, in parts: each answer is predicted from those before it. */
export function listParts(character: Character, items: readonly Item[], labelWeight: number = WEIGHTS.label): Part[] {
  return entryParts(
    LIST_HEAD,
    items.map((item) => [item, labelOf(character, item)]),
    labelWeight,
  )
}

/** What kind of person each statement describes, in the form of a list: the key of the questionnaire, which is public. */
export function keyParts(items: readonly Item[]): Part[] {
  const entries = items.map((item) => [item, FACET_WORDS[item.facet as string]![item.keying === 1 ? 'high' : 'low'][0]] as const)
  return entryParts(KEY_HEAD, entries, WEIGHTS.label)
}

/** Statements and a word for each that says nothing about them, in the form of a list; only what was said before counts. */
export function gameParts(entries: readonly (readonly [item: Item, word: string])[]): Part[] {
  return entries.flatMap(([item, word], i) => {
    const isKnown = entries.slice(0, i).some(([earlier]) => earlier === item)
    return entryParts(i === 0 ? GAME_HEAD : '', [[item, word]], isKnown ? WEIGHTS.label : 0, i === entries.length - 1)
  })
}

/** Entries of which each statement comes again behind its word, which says nothing about it. */
export function echoParts(entries: readonly (readonly [item: Item, word: string])[]): Part[] {
  return entries.flatMap(([item, word], i) => [
    part(`${i === 0 ? GAME_HEAD : ''}${statementOf(item)}: ${word}; `, WEIGHTS.prompt),
    part(statementOf(item), WEIGHTS.label),
    part('; ', WEIGHTS.prompt),
  ])
}

function entryParts(
  head: string,
  entries: readonly (readonly [item: Item, word: string])[],
  weight: number,
  isEnd = true,
): Part[] {
  return entries.flatMap(([item, word], i) => [
    part(`${i === 0 ? head : ''}${statementOf(item)}`, WEIGHTS.prompt),
    part(`: ${word}${isEnd && i === entries.length - 1 ? '' : '; '}`, weight),
  ])
}

/** Sentences in the second person about these facets, for a system prompt. */
export function descriptionParts(character: Character, facets: readonly string[], random: Random): Part[] {
  const text = facets.map((facet) => facetSentence(facet, character.levels[facet] as Level, 'You', random)).join(' ')
  return [part(text, WEIGHTS.prompt)]
}

/** A question and its answer as two chat messages. */
export function questionTurn(character: Character, item: Item, order: OptionOrder): Message[] {
  const answer = character.answers.get(item.itemNumber) as 1 | 2 | 3 | 4 | 5
  return [
    { role: 'user', content: [part(questionText(item, ACCURACY_LABELS, lettersForm(order)), WEIGHTS.prompt)] },
    {
      role: 'assistant',
      content: [
        part(ANSWER_PREFIX, WEIGHTS.form),
        part(letterOfAnswer(answer, order), WEIGHTS.letter),
        part(`). ${labelOf(character, item)}`, WEIGHTS.form),
      ],
    },
  ]
}

export function openTurn(character: Character, facet: string, random: Random): Message[] {
  return [
    { role: 'user', content: [part(openQuestion(facet), WEIGHTS.prompt)] },
    { role: 'assistant', content: [part(openAnswer(facet, character.levels[facet] as Level, random), WEIGHTS.sentence)] },
  ]
}

export const system = (content: readonly Part[]): Message => ({ role: 'system', content })
export const defaultSystem = (): Message => system([part(DEFAULT_SYSTEM_PROMPT, WEIGHTS.prompt)])

export function fillerParts(sentences: number, random: Random): Part[] {
  return [part(Array.from({ length: sentences }, () => fillerSentence(random)).join(' '), WEIGHTS.sentence)]
}
