/** @file Reliability of scales: what is known of the population, and Cronbach's alpha of a sample. */
import { alphaOf } from '../math/scale-reliability.ts'
import { type AnswerMatrix, respondentCount } from './answer-matrix.ts'
import { flipIfMinus, type Trait } from './questionnaire.ts'

/** Alpha of the 24-item domains of the IPIP-NEO in the population of the United States. */
const DOMAIN_ALPHA_OF_24: Readonly<Record<string, number>> = { N: 0.899, E: 0.891, O: 0.811, A: 0.855, C: 0.904 }

/** Mean alpha of the thirty ten-item facets in the population; their range is .72 to .92. */
const FACET_ALPHA_OF_10 = 0.835

/** Alpha of a scale made `factor` times as long by items of the same kind (Spearman-Brown). */
export function spearmanBrown(alpha: number, factor: number): number {
  return (factor * alpha) / (1 + (factor - 1) * alpha)
}

/**
 * Alpha of an IPIP-NEO domain or facet in the population, carried to its number of items by Spearman-Brown.
 * Facets have no published value each, so all take the mean of the thirty (four items: .669): bands of single facets are approximate.
 * The PAPI test persons are not used: picked near cluster centres, they look more reliable than people are.
 */
export function ipipNeoAlpha(trait: Trait): number {
  const domainAlpha = DOMAIN_ALPHA_OF_24[trait.code]
  return domainAlpha === undefined
    ? spearmanBrown(FACET_ALPHA_OF_10, trait.items.length / 10)
    : spearmanBrown(domainAlpha, trait.items.length / 24)
}

/**
 * Cronbach's alpha of a scale in a sample, over the rows that answered every item of the scale. NaN where fewer than two such rows exist or
 * their sum does not vary.
 */
export function cronbachAlpha(matrix: AnswerMatrix, trait: Trait): number {
  const { questionnaire, coding, values } = matrix
  const columns = questionnaire.items.flatMap((item, column) => (trait.items.includes(item.itemNumber) ? [column] : []))
  const keyings = columns.map((column) => (coding === 'worded' ? questionnaire.items[column]!.keying : 1))
  const complete: number[][] = []
  for (let row = 0; row < respondentCount(matrix); row++) {
    const stored = columns.map((column) => values[row * questionnaire.items.length + column]!)
    if (!stored.includes(0)) complete.push(stored.map((value, index) => flipIfMinus(value, keyings[index]!)))
  }
  return alphaOf(complete)
}
