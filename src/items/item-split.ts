/**
 * @file Which items may be used for what. Known items are what the person told us; a fold of them tunes; held-out items are for evaluation only.
 * The three kinds are different types, so that choosing anything on held-out items does not compile.
 */
import { IPIP_NEO_300, shortNumber } from './ipip-neo.ts'
import type { Item } from './questionnaire.ts'

export interface KnownItems {
  readonly kind: 'known'
  readonly items: readonly Item[]
}

export interface TuningItems {
  readonly kind: 'tuning'
  readonly items: readonly Item[]
}

export interface HeldOutItems {
  readonly kind: 'held-out'
  readonly items: readonly Item[]
}

/** The split of the PAPI data set: the 120 items of the short form, in its order, are known; the other 180 are held out. */
export function splitItems(): { readonly known: KnownItems; readonly heldOut: HeldOutItems } {
  const short = (item: Item) => shortNumber(item.itemNumber)
  const known = IPIP_NEO_300.items.filter((item) => short(item) !== undefined)
  known.sort((a, b) => (short(a) ?? 0) - (short(b) ?? 0))
  return {
    known: { kind: 'known', items: known },
    heldOut: { kind: 'held-out', items: IPIP_NEO_300.items.filter((item) => short(item) === undefined) },
  }
}

const FOLDS = 5

/** Fold 0..4 of an item of the short form: each fold has 24 items of 24 different facets, 4 or 5 per domain. */
export function foldOf(itemNumber: number): number {
  const short = shortNumber(itemNumber)
  if (short === undefined) throw new RangeError(`item ${itemNumber} is not in the short form`)
  const facet = (short - 1) % 30
  const block = Math.floor((short - 1) / 30)
  return (block + Math.floor(facet / 5) + (facet % 5)) % FOLDS
}

/**
 * Five ways to fit on known items and tune on the others: of all 120, on 96 and 24. Of few known items a fold may have none to tune on.
 * @param fold 0..4 of an item; default that of the short form, `foldOf`
 */
export function tuningFolds(
  known: KnownItems,
  fold: (item: Item) => number = ({ itemNumber }) => foldOf(itemNumber),
): { readonly known: KnownItems; readonly tuning: TuningItems }[] {
  return Array.from({ length: FOLDS }, (_, place) => ({
    known: { kind: 'known', items: known.items.filter((item) => fold(item) !== place) },
    tuning: { kind: 'tuning', items: known.items.filter((item) => fold(item) === place) },
  }))
}
