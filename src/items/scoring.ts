/**
 * @file Raw scores of one respondent. A facet is the sum of its keyed items, a domain the sum of its facets (of its items where
 * there are no facets, SD3). Missing answers are prorated inside the scale: mean of the answered items times the number of items.
 */
import type { Keyed, Questionnaire, Trait } from './questionnaire.ts'

export interface ScoredScale {
  readonly kind: 'scored'
  readonly trait: Trait
  /** Number of items answered, of `trait.items.length`. */
  readonly answered: number
  /** Sum of the keyed answers, prorated: 10..50 for ten items. */
  readonly raw: number
  /** `raw` per item, 1..5: how SD3 scales are usually reported. */
  readonly mean: number
}

/** Too few answers for a score. */
export interface RefusedScale {
  readonly kind: 'refused'
  readonly trait: Trait
  readonly answered: number
  readonly reason: string
}

export type ScaleScore = ScoredScale | RefusedScale

export interface Scores {
  /** In the order of `questionnaire.domains`. */
  readonly domains: readonly ScaleScore[]
  /** In the order of `questionnaire.facets`. */
  readonly facets: readonly ScaleScore[]
}

/** Fewest answers that give a score of a scale of items: 3 of 4, 7 of 9, 8 of 10. */
export function fewestAnswers(items: number): number {
  return Math.ceil((3 * items) / 4)
}

/** Fewest facet scores that give a domain score: 4 of 6. */
export function fewestFacets(facets: number): number {
  return Math.ceil((2 * facets) / 3)
}

/** Every domain and facet score of one respondent's keyed answers. */
export function score(questionnaire: Questionnaire, answers: Keyed): Scores {
  const facets = questionnaire.facets.map((facet) => scoreItems(facet, answers))
  const domains = questionnaire.domains.map((domain) => {
    const parts = facets.filter(({ trait }) => isPart(trait, domain))
    return parts.length === 0 ? scoreItems(domain, answers) : scoreFacets(domain, parts)
  })
  return { domains, facets }
}

/** Whether a facet belongs to a domain. */
export function isPart(facet: Trait, domain: Trait): boolean {
  return facet.items.every((itemNumber) => domain.items.includes(itemNumber))
}

function scoreItems(trait: Trait, answers: Keyed): ScaleScore {
  let sum = 0
  let answered = 0
  for (const itemNumber of trait.items) {
    const answer = answers.byItem.get(itemNumber)
    if (answer === undefined) continue
    sum += answer
    answered++
  }
  const fewest = fewestAnswers(trait.items.length)
  if (answered < fewest) {
    return {
      kind: 'refused',
      trait,
      answered,
      reason: `${answered} of ${trait.items.length} items answered, at least ${fewest} needed`,
    }
  }
  return scored(trait, answered, (sum / answered) * trait.items.length)
}

/** Facets add up to their domain; a missing facet counts as the mean of the others. */
function scoreFacets(trait: Trait, facets: readonly ScaleScore[]): ScaleScore {
  const answered = facets.reduce((total, facet) => total + facet.answered, 0)
  const complete = facets.filter((facet) => facet.kind === 'scored')
  const fewest = fewestFacets(facets.length)
  if (complete.length < fewest) {
    return {
      kind: 'refused',
      trait,
      answered,
      reason: `${complete.length} of ${facets.length} facets scored, at least ${fewest} needed`,
    }
  }
  const sum = complete.reduce((total, facet) => total + facet.raw, 0)
  return scored(trait, answered, (sum / complete.length) * facets.length)
}

function scored(trait: Trait, answered: number, raw: number): ScoredScale {
  return { kind: 'scored', trait, answered, raw, mean: raw / trait.items.length }
}
