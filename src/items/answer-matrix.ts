/**
 * @file Answers of many respondents as one byte matrix, and their raw scores. The rules are those of scoring.ts; only the form differs,
 * because 300,000 protocols of 300 answers must be scored in a second or two.
 */
import type { Questionnaire, Trait } from './questionnaire.ts'
import { fewestAnswers, fewestFacets, isPart } from './scoring.ts'

export interface AnswerMatrix {
  readonly questionnaire: Questionnaire
  readonly coding: 'worded' | 'keyed'
  /** [respondents, items], row by row; columns follow `questionnaire.items`. 0 is missing, inside this array only. */
  readonly values: Uint8Array
}

export interface ScoreMatrix {
  /** Columns: the domains, then the facets of the questionnaire. */
  readonly scales: readonly Trait[]
  /** [respondents, scales]: prorated raw sums, NaN where too few items were answered. */
  readonly raw: Float32Array
  /** [respondents, scales]: number of items answered. */
  readonly answered: Uint8Array
}

/** Number of rows. */
export function respondentCount(matrix: AnswerMatrix): number {
  return matrix.values.length / matrix.questionnaire.items.length
}

/** Raw scores of every row. */
export function scoreMatrix(matrix: AnswerMatrix): ScoreMatrix {
  const { domains, facets } = matrix.questionnaire
  const count = respondentCount(matrix)
  const scales = [...domains, ...facets]
  const raw = new Float32Array(count * scales.length)
  const answered = new Uint8Array(count * scales.length)
  if (facets.length === 0) addItems(matrix, domains, { raw, answered, width: scales.length, first: 0 })
  else {
    addItems(matrix, facets, { raw, answered, width: scales.length, first: domains.length })
    addFacets(domains, facets, { raw, answered, width: scales.length })
  }
  return { scales, raw, answered }
}

interface Target {
  readonly raw: Float32Array
  readonly answered: Uint8Array
  /** Columns of both. */
  readonly width: number
}

/** Fills the columns from `first` on with the prorated sums of the traits, each made of items. */
function addItems(matrix: AnswerMatrix, traits: readonly Trait[], target: Target & { readonly first: number }): void {
  const { values, coding } = matrix
  const { items } = matrix.questionnaire
  const { raw, answered, width, first } = target
  const traitOf = Uint8Array.from(items, (item) => traits.findIndex((trait) => trait.items.includes(item.itemNumber)))
  const isFlipped = Uint8Array.from(items, (item) => (coding === 'worded' && item.keying === -1 ? 1 : 0))
  const sums = new Uint16Array(traits.length)
  const counts = new Uint8Array(traits.length)
  for (let start = 0, row = first; start < values.length; start += items.length, row += width) {
    sums.fill(0)
    counts.fill(0)
    for (let column = 0; column < items.length; column++) {
      const value = values[start + column]!
      if (value === 0) continue
      const trait = traitOf[column]!
      sums[trait] = sums[trait]! + (isFlipped[column] === 1 ? 6 - value : value)
      counts[trait] = counts[trait]! + 1
    }
    for (let trait = 0; trait < traits.length; trait++) {
      const size = traits[trait]!.items.length
      const count = counts[trait]!
      answered[row + trait] = count
      raw[row + trait] = count < fewestAnswers(size) ? Number.NaN : (sums[trait]! / count) * size
    }
  }
}

/** Fills the columns of the domains, which come first, from those of their facets. */
function addFacets(domains: readonly Trait[], facets: readonly Trait[], { raw, answered, width }: Target): void {
  const parts = domains.map((domain) => facets.flatMap((facet, index) => (isPart(facet, domain) ? [domains.length + index] : [])))
  for (let row = 0; row < raw.length; row += width) {
    for (let domain = 0; domain < domains.length; domain++) {
      const columns = parts[domain]!
      let sum = 0
      let scored = 0
      let count = 0
      for (const column of columns) {
        count += answered[row + column]!
        const facet = raw[row + column]!
        if (Number.isNaN(facet)) continue
        sum += facet
        scored++
      }
      answered[row + domain] = count
      raw[row + domain] = scored < fewestFacets(columns.length) ? Number.NaN : (sum / scored) * columns.length
    }
  }
}
