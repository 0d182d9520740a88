/**
 * @file Raw scores of one respondent. A scale is the sum of its keyed items. Missing answers are prorated inside the scale: mean of the
 * answered items times the number of items. So facets add up to their domain exactly where nothing is missing.
 */
import type { Answer, Keyed, Questionnaire, Trait } from './questionnaire.ts'

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
  const facets = questionnaire.facets.map((facet) => scoreScale(facet, answers))
  const domains = questionnaire.domains.map((domain) => {
    const parts = facets.filter(({ trait }) => isPart(trait, domain))
    return parts.length === 0 ? scoreScale(domain, answers) : scoreDomain(domain, parts, answers)
  })
  return { domains, facets }
}

/** Whether a facet belongs to a domain. */
export function isPart(facet: Trait, domain: Trait): boolean {
  return facet.items.every((itemNumber) => domain.items.includes(itemNumber))
}

/** A facet, or a domain without facets: refused by the number of its answers. */
function scoreScale(trait: Trait, answers: Keyed): ScaleScore {
  const given = answersTo(trait, answers)
  const fewest = fewestAnswers(trait.items.length)
  if (given.length >= fewest) return scored(trait, given)
  const reason = `${given.length} of ${trait.items.length} items answered, at least ${fewest} needed`
  return { kind: 'refused', trait, answered: given.length, reason }
}

/** A domain with facets: refused by the number of facets that have a score. */
function scoreDomain(trait: Trait, facets: readonly ScaleScore[], answers: Keyed): ScaleScore {
  const given = answersTo(trait, answers)
  const complete = facets.filter((facet) => facet.kind === 'scored').length
  const fewest = fewestFacets(facets.length)
  if (complete >= fewest) return scored(trait, given)
  const reason = `${complete} of ${facets.length} facets scored, at least ${fewest} needed`
  return { kind: 'refused', trait, answered: given.length, reason }
}

function answersTo(trait: Trait, answers: Keyed): Answer[] {
  return trait.items.flatMap((itemNumber) => answers.byItem.get(itemNumber) ?? [])
}

function scored(trait: Trait, given: readonly Answer[]): ScoredScale {
  const sum = given.reduce((total: number, answer) => total + answer, 0)
  const answered = given.length
  return { kind: 'scored', trait, answered, raw: (sum * trait.items.length) / answered, mean: sum / answered }
}
