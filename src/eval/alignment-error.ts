/** @file The two error metrics: the corrected one compares worded with worded, the published one worded answers with stored values. */
import { DOMAINS, type Domain } from '../items/ipip-neo.ts'
import { flipIfMinus } from '../items/questionnaire.ts'
import type { AnswerTable } from './answer-table.ts'

/** Mean absolute error per domain, and their sum. */
export type DomainErrors = Readonly<Record<Domain | 'sum', number>>

/** `[respondents, 5]`: mean absolute error of each respondent in the domains A C E N O. */
export type ErrorTable = Float64Array

/**
 * Corrected error: |prediction - answer to the wording|, missing answers left out.
 * @param predictions `[respondents, items]`, answers to the wording, whole or not
 */
export function correctedErrors(predictions: ArrayLike<number>, answers: AnswerTable): ErrorTable {
  const { items, worded } = answers
  return errorTable(answers, (at) => (worded[at] === 0 ? Number.NaN : Math.abs(predictions[at]! - worded[at]!)), items.length)
}

/**
 * Published error, for compatibility: |prediction - value as stored|, where values are stored keyed although predictions answer the
 * wording, and a missing answer is a target of 0 (paper section 7, faults 1 and 2).
 */
export function publishedErrors(predictions: ArrayLike<number>, answers: AnswerTable): ErrorTable {
  const { items, worded } = answers
  const stored = (at: number) => (worded[at] === 0 ? 0 : flipIfMinus(worded[at]!, items[at % items.length]!.keying))
  return errorTable(answers, (at) => Math.abs(predictions[at]! - stored(at)), items.length)
}

function errorTable({ items, respondents }: AnswerTable, errorAt: (at: number) => number, columns: number): ErrorTable {
  const table = new Float64Array(respondents * DOMAINS.length)
  const domainOf = items.map((item) => DOMAINS.indexOf(item.domain as Domain))
  const counts = new Uint16Array(DOMAINS.length)
  for (let r = 0; r < respondents; r++) {
    counts.fill(0)
    for (let i = 0; i < columns; i++) {
      const error = errorAt(r * columns + i)
      if (Number.isNaN(error)) continue
      const domain = domainOf[i]!
      table[r * DOMAINS.length + domain]! += error
      counts[domain]!++
    }
    for (let domain = 0; domain < DOMAINS.length; domain++) table[r * DOMAINS.length + domain]! /= counts[domain]!
  }
  return table
}

/** `[respondents]`: sum over the five domains. */
export function sumsOfDomains(errors: ErrorTable): Float64Array {
  return Float64Array.from({ length: errors.length / DOMAINS.length }, (_, r) =>
    errors.subarray(r * DOMAINS.length, (r + 1) * DOMAINS.length).reduce((sum, error) => sum + error, 0),
  )
}

/** Means over respondents. */
export function meanErrors(errors: ErrorTable): DomainErrors {
  const respondents = errors.length / DOMAINS.length
  const means = DOMAINS.map((_, domain) => {
    let sum = 0
    for (let r = 0; r < respondents; r++) sum += errors[r * DOMAINS.length + domain]!
    return sum / respondents
  })
  const named = Object.fromEntries(DOMAINS.map((domain, i) => [domain, means[i]])) as Record<Domain, number>
  return { ...named, sum: means.reduce((sum, mean) => sum + mean, 0) }
}
