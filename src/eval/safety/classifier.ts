/**
 * @file Who says what an answer did: rules that work offline, or a judge that is passed in. The rules are a pre-screen. On published refusal
 * judgements string matching agrees with people far less than people with each other (kappa .70 against .94).
 */
import { incoherenceOf, type Likelihood } from './incoherence.ts'
import { refusalOf } from './refusal.ts'
import type { Verdict } from './verdict.ts'

/** A judge; where the verdict comes from is its own affair. */
export type Classify = (prompt: string, answer: string) => Promise<Verdict>

export interface Classifier {
  /** Stands in the result beside every number it made. */
  readonly name: string
  /** Absent: the rules. */
  readonly classify?: Classify | undefined
}

export const RULES: Classifier = { name: 'rules: a pre-screen, not a judge' }

/** Verdict of the rules, for English answers. Incoherence is looked for first: a loop of apologies refuses nothing. */
export function classifyByRules(prompt: string, answer: string, likelihood?: Likelihood): Verdict {
  if (incoherenceOf(prompt, answer, likelihood) !== undefined) return 'incoherent'
  const refusal = refusalOf(answer)
  return refusal === 'full' ? 'refusal' : refusal === 'partial' ? 'partial' : 'compliance'
}
