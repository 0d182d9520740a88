/**
 * @file Simulated respondents, for demos and tests that may not use real persons. The model, in keyed direction:
 *
 *     domain D   normal, correlated between domains as in people
 *     facet  F   sqrt(w) D + sqrt(1 - w) S, the specific parts S of a domain's facets adding up to zero, so that domain scores keep
 *                the correlations of D; w follows from the correlation between facets of the domain
 *     item   x   mean + SD (sqrt(h) F + sqrt(1 - h) U) + keying * b, U the item's own normal part, b the person's yes-saying
 *     answer     x rounded and cut to 1..5
 *
 * Item means follow the norm group of the simulated sex and age, so T scores centre near 50. Nothing is missing.
 */
import { PalignError } from '../errors.ts'
import { JOHNSON_NORMS_120, JOHNSON_NORMS_300, type NormTable, normFor, SD3_WEB_NORMS } from '../items/norms.ts'
import type { Questionnaire, Trait } from '../items/questionnaire.ts'
import { isPart } from '../items/scoring.ts'
import { cholesky } from '../math/linear-algebra.ts'
import { gaussian, seededRandom } from '../math/random.ts'
import { mean } from '../math/statistics.ts'
import { IPIP_NEO_CORRELATIONS, SD3_CORRELATIONS } from './domain-correlations.ts'
import type { Respondent } from './respondent.ts'
import { emptySample, respondentsOf, type Sample, SEX_CODES } from './sample.ts'

export interface SimulateOptions {
  readonly count: number
  readonly seed: number
  /** IPIP-NEO-300, IPIP-NEO-120 or SD3. */
  readonly questionnaire: Questionnaire
  /** Correlation between the items of one facet; default that of ordinary people. Higher is a person of fewer contradictions. */
  readonly itemCorrelation?: number | undefined
}

interface Population {
  readonly norms: NormTable
  /** Correlations between domains, in the order of `questionnaire.domains`. */
  readonly correlations: readonly (readonly number[])[]
  /** Correlation between the facets of one domain, by domain. */
  readonly facetCorrelation: Readonly<Record<string, number>>
  /** Correlation of two items of a facet before rounding (h). */
  readonly itemCorrelation: number
}

/** Facet and item correlations that give the population's alphas. */
const IPIP_NEO: Omit<Population, 'norms'> = {
  correlations: IPIP_NEO_CORRELATIONS,
  facetCorrelation: { A: 0.4, C: 0.6, E: 0.55, N: 0.6, O: 0.27 },
  itemCorrelation: 0.42,
}

const POPULATIONS: Readonly<Record<string, Population>> = {
  'ipip-neo-300': { ...IPIP_NEO, norms: JOHNSON_NORMS_300 },
  'ipip-neo-120': { ...IPIP_NEO, norms: JOHNSON_NORMS_120 },
  sd3: {
    norms: SD3_WEB_NORMS,
    correlations: SD3_CORRELATIONS,
    facetCorrelation: {},
    itemCorrelation: 0.38,
  },
}

/** Spread of an item before rounding; about 1.14 after it, as in ordinary people. */
const ITEM_SD = 1.22
/** How far item means lie around the mean of their facet. */
const ITEM_MEAN_SD = 0.45
/** Yes-saying: mean and deviation over persons, in answer steps. */
const ACQUIESCENCE = { mean: 0.07, sd: 0.1 }
const SHARE_OF_WOMEN = 0.58
/** Years above 18, drawn from an exponential distribution and cut at 80: median about 25. */
const MEAN_YEARS_ABOVE_18 = 10

/** `count` simulated respondents as a sample, in the coding in which the questionnaire is stored. The same seed gives the same people. */
export function simulateSample({ count, seed, questionnaire, itemCorrelation }: SimulateOptions): Sample {
  const population = POPULATIONS[questionnaire.id]
  if (population === undefined) {
    const known = Object.keys(POPULATIONS).join(', ')
    throw new PalignError(
      'invalid-input',
      `questionnaire ${questionnaire.id} has no population to simulate, expected one of ${known}`,
    )
  }
  const random = seededRandom(seed)
  const { items } = questionnaire
  const scales = itemScales(questionnaire)
  const scaleOfItem = items.map((item) => scales.findIndex((scale) => scale.items.includes(item.itemNumber)))
  const offsets = itemOffsets(scaleOfItem, random)
  const drawFactors = factorDraw(questionnaire, population, random)
  const flips = items.map((item) => questionnaire.storedAs === 'worded' && item.keying === -1)
  const correlation = itemCorrelation ?? population.itemCorrelation
  const [shared, own] = [Math.sqrt(correlation), Math.sqrt(1 - correlation)]

  const sample = emptySample(questionnaire, questionnaire.storedAs, count)
  for (let row = 0; row < count; row++) {
    const sex = random() < SHARE_OF_WOMEN ? 'female' : 'male'
    const age = Math.min(80, Math.floor(18 - MEAN_YEARS_ABOVE_18 * Math.log(1 - random())))
    sample.sex[row] = SEX_CODES.indexOf(sex)
    sample.age[row] = age
    const means = scaleMeans(scales, population.norms, { sex, age })
    const factors = drawFactors()
    const acquiescence = ACQUIESCENCE.mean + ACQUIESCENCE.sd * gaussian(random)
    items.forEach((item, column) => {
      const scale = scaleOfItem[column]!
      const spread = ITEM_SD * (shared * factors[scale]! + own * gaussian(random))
      const latent = means[scale]! + offsets[column]! + spread + item.keying * acquiescence
      const keyed = Math.min(5, Math.max(1, Math.round(latent)))
      sample.values[row * items.length + column] = flips[column] ? 6 - keyed : keyed
    })
  }
  return sample
}

/** `count` simulated respondents with worded answers. */
export function simulateRespondents(options: SimulateOptions): Respondent[] {
  return respondentsOf(simulateSample(options))
}

/** The scales that items load on: facets, or domains where there are none. */
function itemScales({ facets, domains }: Questionnaire): readonly Trait[] {
  return facets.length > 0 ? facets : domains
}

/** Difference of each item's mean from that of its scale; the differences of a scale add up to zero. */
function itemOffsets(scaleOfItem: readonly number[], random: () => number): number[] {
  const draws = scaleOfItem.map(() => ITEM_MEAN_SD * gaussian(random))
  return draws.map((draw, column) => {
    const mates = draws.filter((_, other) => scaleOfItem[other] === scaleOfItem[column])
    return draw - mean(mates)
  })
}

/** Mean keyed answer per item of each scale in the norm group of a person. */
function scaleMeans(scales: readonly Trait[], norms: NormTable, person: { sex: 'female' | 'male'; age: number }): number[] {
  const norm = normFor(norms, person)
  if (norm.kind === 'no-norm') throw new RangeError(norm.reason)
  return scales.map((scale) => norm.scales[scale.code]!.mean / scale.items.length)
}

/** Draws the standard normal factors of one person, one for each item scale. */
function factorDraw(questionnaire: Questionnaire, population: Population, random: () => number): () => number[] {
  const { domains, facets } = questionnaire
  const size = population.correlations.length
  const factor = Float64Array.from(population.correlations.flat())
  cholesky(factor, size)
  const domainOfFacet = facets.map((facet) => domains.findIndex((domain) => isPart(facet, domain)))
  return () => {
    const independent = domains.map(() => gaussian(random))
    // The lower triangle of the factor times independent numbers: numbers correlated as the domains are.
    const domainFactors = independent.map((_, row) => {
      let sum = 0
      for (let column = 0; column <= row; column++) sum += factor[row * size + column]! * independent[column]!
      return sum
    })
    if (facets.length === 0) return domainFactors
    const specifics = facets.map(() => gaussian(random))
    return facets.map((_, facet) => {
      const domain = domainOfFacet[facet]!
      const mates = specifics.filter((_, other) => domainOfFacet[other] === domain)
      const others = mates.length - 1
      const weight = (population.facetCorrelation[domains[domain]!.code]! * others + 1) / (others + 1)
      const specific = (specifics[facet]! - mean(mates)) * Math.sqrt(mates.length / others)
      return Math.sqrt(weight) * domainFactors[domain]! + Math.sqrt(1 - weight) * specific
    })
  }
}
