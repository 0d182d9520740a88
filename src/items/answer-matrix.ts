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
  const { questionnaire, coding, values } = matrix
  const { items, domains, facets } = questionnaire
  const scales = [...domains, ...facets]
  const raw = new Float32Array(respondentCount(matrix) * scales.length)
  const answered = new Uint8Array(raw.length)

  // Answers are added up in the smallest scales only; domains with facets are made of those.
  const parts = facets.length > 0 ? facets : domains
  const firstPart = scales.length - parts.length
  const partOfItem = Uint8Array.from(items, (item) => parts.findIndex((part) => part.items.includes(item.itemNumber)))
  const isFlipped = Uint8Array.from(items, (item) => (coding === 'worded' && item.keying === -1 ? 1 : 0))
  const partsOfDomain = domains.map((domain) => parts.flatMap((part, index) => (isPart(part, domain) ? [index] : [])))
  const fewestInPart = parts.map((part) => fewestAnswers(part.items.length))
  const sums = new Uint16Array(parts.length)
  const counts = new Uint8Array(parts.length)

  for (let start = 0, row = 0; start < values.length; start += items.length, row += scales.length) {
    sums.fill(0)
    counts.fill(0)
    for (let column = 0; column < items.length; column++) {
      const value = values[start + column]!
      if (value === 0) continue
      const part = partOfItem[column]!
      sums[part] = sums[part]! + (isFlipped[column] === 1 ? 6 - value : value)
      counts[part] = counts[part]! + 1
    }
    for (let part = 0; part < parts.length; part++) {
      const count = counts[part]!
      const isScored = count >= fewestInPart[part]!
      answered[row + firstPart + part] = count
      raw[row + firstPart + part] = isScored ? (sums[part]! * parts[part]!.items.length) / count : Number.NaN
    }
    if (firstPart === 0) continue
    for (let domain = 0; domain < domains.length; domain++) {
      let sum = 0
      let count = 0
      let scored = 0
      for (const part of partsOfDomain[domain]!) {
        sum += sums[part]!
        count += counts[part]!
        if (counts[part]! >= fewestInPart[part]!) scored++
      }
      const isScored = scored >= fewestFacets(partsOfDomain[domain]!.length)
      answered[row + domain] = count
      raw[row + domain] = isScored ? (sum * domains[domain]!.items.length) / count : Number.NaN
    }
  }
  return { scales, raw, answered }
}
