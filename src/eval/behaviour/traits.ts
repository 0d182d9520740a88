/** @file The traits whose behaviour is measured, the scale that each belongs to, and how they go together in people. */

import { DOMAINS, IPIP_NEO_300 } from '../../items/ipip-neo.ts'
import type { KnownItems } from '../../items/item-split.ts'
import { splitItems } from '../../items/item-split.ts'
import type { Item, Questionnaire } from '../../items/questionnaire.ts'
import { SD3, sd3FoldOf, splitSd3Items } from '../../items/sd3.ts'
import { IPIP_NEO_CORRELATIONS, SD3_CORRELATIONS } from '../../people/domain-correlations.ts'

export const TRAIT_IDS = [
  'agreeableness',
  'conscientiousness',
  'extraversion',
  'neuroticism',
  'openness',
  'machiavellianism',
  'narcissism',
  'psychopathy',
] as const
export type TraitId = (typeof TRAIT_IDS)[number]

/** Place in the order A C E N O; undefined for a trait of the Dark Triad. */
export function bigFivePlace(trait: TraitId): number | undefined {
  const place = TRAIT_IDS.indexOf(trait)
  return place < DOMAINS.length ? place : undefined
}

/** Correlation of two traits over persons; undefined for one of the Big Five with one of the Dark Triad, of which no source is at hand. */
export function humanCorrelation(a: TraitId, b: TraitId): number | undefined {
  const [i, j] = [TRAIT_IDS.indexOf(a), TRAIT_IDS.indexOf(b)]
  const five = DOMAINS.length
  return IPIP_NEO_CORRELATIONS[i]?.[j] ?? SD3_CORRELATIONS[i - five]?.[j - five]
}

/** What a trait is steered by. */
export interface SteerableTrait {
  readonly trait: TraitId
  readonly questionnaire: Questionnaire
  /** Of this trait alone: 24 of the 120 for one of the Big Five, 6 of the 18 for one of the Dark Triad. */
  readonly known: KnownItems
  /** Fold 0..4 of a known item; undefined: that of the short form of IPIP-NEO. */
  readonly fold: ((item: Item) => number) | undefined
}

/** @param sd3 the Short Dark Triad with its wording; without it no trait of the Dark Triad can be steered, and the answer is undefined */
export function steerableTrait(trait: TraitId, sd3: Questionnaire | undefined): SteerableTrait | undefined {
  const place = bigFivePlace(trait)
  if (place !== undefined) {
    const known = knownOf(splitItems().known, DOMAINS[place]!)
    return { trait, questionnaire: IPIP_NEO_300, known, fold: undefined }
  }
  if (sd3 === undefined) return undefined
  const scale = SD3.domains[TRAIT_IDS.indexOf(trait) - DOMAINS.length]!
  return { trait, questionnaire: sd3, known: knownOf(splitSd3Items(sd3).known, scale.code), fold: sd3FoldOf }
}

function knownOf({ items }: KnownItems, domain: string): KnownItems {
  return { kind: 'known', items: items.filter((item) => item.domain === domain) }
}
