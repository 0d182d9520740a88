/**
 * @file Short Dark Triad (SD3; Jones & Paulhus): Machiavellianism, narcissism and psychopathy, nine items each.
 * Its wording may not ship, so the items have no text; whoever holds the wording gives it to `sd3WithTexts`.
 */
import { PalignError } from '../errors.ts'
import type { HeldOutItems, KnownItems } from './item-split.ts'
import type { Item, Questionnaire } from './questionnaire.ts'

const SCALES = [
  { code: 'M', name: 'Machiavellianism', minus: [] },
  { code: 'N', name: 'Narcissism', minus: [2, 6, 8] },
  { code: 'P', name: 'Psychopathy', minus: [2, 7] },
] as const

const ITEMS_PER_SCALE = 9
/** Of each scale, items 1-6 are known and 7-9 held out. */
const KNOWN_PER_SCALE = 6

const ITEMS: readonly Item[] = SCALES.flatMap(({ code, minus }, scale) =>
  Array.from({ length: ITEMS_PER_SCALE }, (_, index) => ({
    itemNumber: scale * ITEMS_PER_SCALE + index + 1,
    keying: (minus as readonly number[]).includes(index + 1) ? -1 : 1,
    domain: code,
  })),
)

/** The 27 items without their wording, numbered 1..27 in the order M1-M9 N1-N9 P1-P9. */
export const SD3: Questionnaire = {
  id: 'sd3',
  items: ITEMS,
  domains: SCALES.map(({ code, name }) => ({
    code,
    name,
    items: ITEMS.filter((item) => item.domain === code).map((item) => item.itemNumber),
  })),
  facets: [],
  storedAs: 'worded',
  answerLabels: ['Disagree strongly', 'Disagree', 'Neither agree nor disagree', 'Agree', 'Agree strongly'],
}

/** Name of an item in data files: its scale and its place in the scale, `M1`..`P9`. */
export function sd3ItemName(item: Item): string {
  return `${item.domain}${((item.itemNumber - 1) % ITEMS_PER_SCALE) + 1}`
}

/** SD3 with the wording of its 27 items, in the order of the item numbers. */
export function sd3WithTexts(texts: readonly string[]): Questionnaire {
  if (texts.length !== ITEMS.length) {
    throw new PalignError('invalid-input', `item texts number ${texts.length}, expected ${ITEMS.length}`)
  }
  const empty = texts.findIndex((text) => text.trim() === '')
  if (empty >= 0) throw new PalignError('invalid-input', `text of item ${empty + 1} is empty, expected a statement`)
  return { ...SD3, items: ITEMS.map((item, index) => ({ ...item, text: texts[index] })) }
}

/** The split of the PAPI data set: items 1-6 of each scale are known, items 7-9 held out. */
export function splitSd3Items(questionnaire: Questionnaire = SD3): {
  readonly known: KnownItems
  readonly heldOut: HeldOutItems
} {
  const isKnown = (item: Item) => (item.itemNumber - 1) % ITEMS_PER_SCALE < KNOWN_PER_SCALE
  return {
    known: { kind: 'known', items: questionnaire.items.filter(isKnown) },
    heldOut: { kind: 'held-out', items: questionnaire.items.filter((item) => !isKnown(item)) },
  }
}

/** Fold 0..4 of an item, by its place in its scale: the six known items of a scale fall into folds of two, one, one, one and one. */
export function sd3FoldOf(item: Item): number {
  return ((item.itemNumber - 1) % ITEMS_PER_SCALE) % 5
}
