/**
 * @file Items, keying and the two codings of answers.
 * Worded: what the person ticks next to the sentence. Keyed: the direction of the scale; keyed = 6 - worded on minus items.
 * Only this file converts one into the other.
 */

export type Answer = 1 | 2 | 3 | 4 | 5
export type Keying = 1 | -1

export interface Item {
  /** Number in the full list of its questionnaire, from 1 (IPIP-NEO: Full# 1..300; SD3: 1..27 in the order M N P). */
  readonly itemNumber: number
  /** First-person statement as published; absent where the wording may not ship (SD3). */
  readonly text?: string | undefined
  readonly keying: Keying
  readonly domain: string
  /** Facet code (N1..C6), for questionnaires that have facets. */
  readonly facet?: string | undefined
}

export interface Trait {
  readonly code: string
  readonly name: string
  /** Numbers of its items. */
  readonly items: readonly number[]
}

export interface Questionnaire {
  readonly id: string
  readonly items: readonly Item[]
  readonly domains: readonly Trait[]
  readonly facets: readonly Trait[]
  /** Coding in which the public data files of this questionnaire store answers. */
  readonly storedAs: 'worded' | 'keyed'
  /** Words for the answers 1..5. */
  readonly answerLabels: readonly [string, string, string, string, string]
}

/** Answers to the wording, by item number. A missing answer is absent, never 0. */
export interface Worded {
  readonly coding: 'worded'
  readonly byItem: ReadonlyMap<number, Answer>
}

/** Values in the direction of the scale, by item number. A missing answer is absent, never 0. */
export interface Keyed {
  readonly coding: 'keyed'
  readonly byItem: ReadonlyMap<number, Answer>
}

/** The same rule both ways: 6 - v on minus items. */
export function flipIfMinus(value: number, keying: Keying): number {
  return keying === 1 ? value : 6 - value
}

export function toKeyed(questionnaire: Questionnaire, answers: Worded): Keyed {
  return { coding: 'keyed', byItem: flipMinusItems(questionnaire, answers.byItem) }
}

export function toWorded(questionnaire: Questionnaire, answers: Keyed): Worded {
  return { coding: 'worded', byItem: flipMinusItems(questionnaire, answers.byItem) }
}

function flipMinusItems(questionnaire: Questionnaire, byItem: ReadonlyMap<number, Answer>): ReadonlyMap<number, Answer> {
  const flipped = new Map<number, Answer>()
  for (const item of questionnaire.items) {
    const value = byItem.get(item.itemNumber)
    if (value !== undefined) flipped.set(item.itemNumber, flipIfMinus(value, item.keying) as Answer)
  }
  return flipped
}
