/**
 * @file The corpus of the demo model: documents about simulated people, stage by stage. Each population has its own item means, because the
 * real ones are not known: the model learns what a person's answers say, not what one simulation says about an item.
 */

import { FACET_WORDS } from '../../src/items/facet-words.ts'
import { IPIP_NEO_300 } from '../../src/items/ipip-neo.ts'
import { splitItems } from '../../src/items/item-split.ts'
import { OPTION_ORDERS, type OptionOrder } from '../../src/items/question-form.ts'
import { flipIfMinus, type Item } from '../../src/items/questionnaire.ts'
import { seededRandom } from '../../src/math/random.ts'
import { shuffled } from '../../src/math/shuffle.ts'
import type { Respondent } from '../../src/people/respondent.ts'
import { simulateRespondents } from '../../src/people/simulate.ts'
import {
  type Character,
  defaultSystem,
  descriptionParts,
  echoParts,
  fillerParts,
  gameParts,
  keyParts,
  listParts,
  type Message,
  openTurn,
  questionTurn,
  type Random,
  system,
  type TrainingDocument,
} from './documents.ts'
import type { Level } from './sentences.ts'

/** How many people share one set of item means. */
const POPULATION = 16

/** The kinds of documents; the recipe mixes them. Numbers are counts of list items and of questions. */
export type DocumentKind =
  | { readonly kind: 'key'; readonly items: number }
  | { readonly kind: 'associations'; readonly items: number; readonly of: number; readonly pool: number }
  | { readonly kind: 'echo'; readonly items: number }
  | { readonly kind: 'repeated-list'; readonly items: number; readonly of: number }
  | { readonly kind: 'class-list'; readonly items: number; readonly classes: number }
  | { readonly kind: 'facet-list'; readonly items: number; readonly facets: number }
  | { readonly kind: 'described-list'; readonly items: number; readonly facets: number }
  | { readonly kind: 'stated-questions'; readonly questions: number }
  | { readonly kind: 'copied-questions'; readonly items: number; readonly questions: number }
  | { readonly kind: 'described-questions'; readonly facets: number; readonly questions: number; readonly open: number }
  | {
      readonly kind: 'listed-questions'
      readonly items: number
      readonly facets: number
      readonly questions: number
      readonly open: number
      readonly labelWeight: number
    }
  | { readonly kind: 'known-questions'; readonly questions: number; readonly open: number; readonly labelWeight: number }
  | { readonly kind: 'default-questions'; readonly questions: number; readonly open: number }
  | { readonly kind: 'filler'; readonly sentences: number }

export function characterOf(respondent: Respondent): Character {
  const answers = respondent.answers.byItem
  const levels: Record<string, Level> = {}
  for (const facet of IPIP_NEO_300.facets) {
    const keyed = IPIP_NEO_300.items
      .filter((item) => item.facet === facet.code)
      .map((item) => flipIfMinus(answers.get(item.itemNumber) as number, item.keying))
    const mean = keyed.reduce((sum, value) => sum + value, 0) / keyed.length
    levels[facet.code] = mean < 2 ? 1 : mean < 2.75 ? 2 : mean < 3.25 ? 3 : mean < 4 ? 4 : 5
  }
  return { answers, levels }
}

/** Endless simulated people; every population of 16 has item means of its own. */
export function* characters(seed: number, itemCorrelation?: number): Generator<Character> {
  if (itemCorrelation === 1) return yield* plainCharacters(seed)
  for (let population = 0; ; population++) {
    const people = simulateRespondents({
      count: POPULATION,
      seed: seed + population,
      questionnaire: IPIP_NEO_300,
      itemCorrelation,
    })
    for (const person of people) yield characterOf(person)
  }
}

/** Somebody without contradictions: one level for each facet, and every answer follows from it. What is learnt first is learnt from these. */
export function plainCharacter(random: Random): Character {
  const levels = Object.fromEntries(IPIP_NEO_300.facets.map(({ code }) => [code, (1 + Math.floor(5 * random())) as Level]))
  const answers = new Map(
    IPIP_NEO_300.items.map((item) => [item.itemNumber, flipIfMinus(levels[item.facet as string]!, item.keying)]),
  )
  return { answers, levels }
}

function* plainCharacters(seed: number): Generator<Character> {
  const random = seededRandom(seed)
  for (;;) yield plainCharacter(random)
}

const ADJECTIVES = Object.values(FACET_WORDS).flatMap(({ high, low }) => [high[0], low[0]])
const FACETS = IPIP_NEO_300.facets.map((facet) => facet.code)
const KNOWN = splitItems().known.items
const HELD_OUT = splitItems().heldOut.items

export function documentOf(kind: DocumentKind, character: Character, random: Random): TrainingDocument {
  const draw = <T>(list: readonly T[], count: number) => shuffled(list, random).slice(0, count)
  const someItems = (facets: readonly string[], count: number) =>
    draw(
      IPIP_NEO_300.items.filter((item) => facets.includes(item.facet as string)),
      count,
    )
  const order = (): OptionOrder => (random() < 0.5 ? OPTION_ORDERS[0] : OPTION_ORDERS[1])
  const ask = (items: readonly Item[]): Message[] => items.flatMap((item) => questionTurn(character, item, order()))
  /** Questions and open questions, shuffled turn by turn. */
  const turns = (items: readonly Item[], facets: readonly string[]): Message[] =>
    shuffled(
      [
        ...items.map((item) => questionTurn(character, item, order())),
        ...facets.map((facet) => openTurn(character, facet, random)),
      ],
      random,
    ).flat()
  switch (kind.kind) {
    case 'key':
      return { parts: keyParts(draw(IPIP_NEO_300.items, kind.items)) }
    case 'associations': {
      // Statements with words drawn for this document alone: what follows is known from earlier in it, and from nowhere else.
      const words = draw(ADJECTIVES.slice(0, kind.pool), kind.of)
      const few = draw(IPIP_NEO_300.items.slice(0, kind.pool), kind.of)
      // The last was said before, so that every document has something to be known.
      const drawn = Array.from({ length: kind.items - 1 }, () => Math.floor(random() * few.length))
      drawn.push(drawn[Math.floor(random() * drawn.length)]!)
      return { parts: gameParts(drawn.map((i) => [few[i]!, words[i]!] as const)) }
    }
    case 'echo':
      // Every statement is said again behind its word: whoever looks one token back knows it.
      return { parts: echoParts(draw(IPIP_NEO_300.items, kind.items).map((item) => [item, draw(ADJECTIVES, 1)[0]!] as const)) }
    case 'repeated-list': {
      const few = draw(IPIP_NEO_300.items, kind.of)
      const repeated = Array.from({ length: kind.items }, () => few[Math.floor(random() * few.length)]!)
      return { parts: listParts(character, repeated) }
    }
    case 'class-list': {
      // Items of one facet and one keying agree: what has to be found is only which earlier items are alike.
      const classes = draw(
        FACETS.flatMap((facet) => [1, -1].map((keying) => ({ facet, keying }))),
        kind.classes,
      )
      const alike = IPIP_NEO_300.items.filter((item) =>
        classes.some(({ facet, keying }) => item.facet === facet && item.keying === keying),
      )
      return { parts: listParts(character, draw(alike, kind.items)) }
    }
    case 'facet-list':
      return { parts: listParts(character, someItems(draw(FACETS, kind.facets), kind.items)) }
    case 'described-list': {
      const facets = draw(FACETS, kind.facets)
      return {
        messages: [
          system([
            ...descriptionParts(character, facets, random),
            { text: ' ', weight: 0 },
            ...listParts(character, someItems(facets, kind.items)),
          ]),
        ],
      }
    }
    case 'stated-questions':
      // The one entry of the list is the item that is asked: what is left to find is the letter beside a known answer.
      return {
        messages: draw(IPIP_NEO_300.items, kind.questions).flatMap((item) => [
          system(listParts(character, [item], 0)),
          ...ask([item]),
        ]),
      }
    case 'copied-questions': {
      const items = draw(IPIP_NEO_300.items, kind.items)
      return { messages: [system(listParts(character, items, 0.3)), ...ask(draw(items, kind.questions))] }
    }
    case 'described-questions': {
      const facets = draw(FACETS, kind.facets)
      const asked = turns(someItems(facets, kind.questions), draw(facets, kind.open))
      return { messages: [system(descriptionParts(character, facets, random)), ...asked] }
    }
    case 'listed-questions': {
      const facets = draw(FACETS, kind.facets)
      const items = someItems(facets, kind.items + kind.questions)
      const listed = items.slice(0, Math.max(1, items.length - kind.questions))
      const asked = turns(items.slice(listed.length), draw(facets, kind.open))
      return { messages: [system(listParts(character, listed, kind.labelWeight)), ...asked] }
    }
    case 'known-questions': {
      const items = draw(random() < 0.85 ? HELD_OUT : KNOWN, kind.questions)
      return { messages: [system(listParts(character, KNOWN, kind.labelWeight)), ...turns(items, draw(FACETS, kind.open))] }
    }
    case 'default-questions':
      return { messages: [defaultSystem(), ...turns(draw(IPIP_NEO_300.items, kind.questions), draw(FACETS, kind.open))] }
    case 'filler':
      return { parts: fillerParts(kind.sentences, random) }
    default:
      throw new RangeError(`unknown kind of document: ${JSON.stringify(kind satisfies never)}`)
  }
}

/** Endless documents of a mixture; shares need not add up to one. */
export function* documents(
  mixture: readonly (readonly [share: number, kind: DocumentKind])[],
  seed: number,
  itemCorrelation?: number,
): Generator<TrainingDocument> {
  const random = seededRandom(seed)
  const people = characters(seed * 1000, itemCorrelation)
  const total = mixture.reduce((sum, [share]) => sum + share, 0)
  for (;;) {
    const kind = kindAt(mixture, random() * total)
    yield documentOf(kind, people.next().value as Character, random)
  }
}

function kindAt(mixture: readonly (readonly [share: number, kind: DocumentKind])[], at: number): DocumentKind {
  let end = 0
  for (const [share, kind] of mixture) {
    end += share
    if (at < end) return kind
  }
  throw new RangeError('mixture is empty')
}
