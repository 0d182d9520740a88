/** @file The result of open-ended answers, as its JSON is read back. Unknown fields are kept, numbers that are none are null. */
import { z } from 'zod'
import { DOMAINS } from '../../items/ipip-neo.ts'
import { parseStored } from '../stored-result.ts'

const number = z.number().nullable()
const count = z.number().int().nonnegative()
const interval = z.tuple([number, number])
const measured = z.looseObject({ value: number, interval })
const text = z.string().max(1000)
const trait = z.enum(DOMAINS)

const classifier = z.looseObject({
  trait,
  /** On statements that were not fitted. */
  heldOutAccuracy: number,
  auc: number,
  statements: count,
  heldOut: count,
})

const check = z.looseObject({ name: text, value: number, limit: z.number(), passed: z.boolean() })

const judge = z.looseObject({
  model: text,
  host: text,
  /** Different questions asked, repeats and both orders counted. */
  prompts: count,
  /** Grades and verdicts that could not be read; those of the audit are not counted. */
  unreadable: count,
  audit: z.looseObject({ checks: z.array(check).max(20), calibrated: z.boolean() }),
})

const row = z.looseObject({
  arm: text,
  trait,
  /** Mean log-odds of the classifier. */
  classifier: measured.extend({ overUnsteered: measured.optional() }).optional(),
  /** Mean grade, 1 to 6, over judges; coherence 0 to 100. */
  judged: measured.extend({ coherence: number }).optional(),
  /** Share of comparisons in which the arm shows more of the trait than the unsteered model; ties count half. */
  winRate: measured
    .extend({ adjusted: number.optional(), ties: count, comparisons: count, positionConsistency: number.optional() })
    .optional(),
})

const result = z.looseObject({
  kind: z.literal('open-ended'),
  model: text,
  modelFingerprint: text,
  seed: z.number(),
  version: text,
  situations: count,
  samples: count,
  temperature: z.number(),
  maxTokens: count,
  classifier: z.array(classifier).max(20).nullable(),
  judges: z.array(judge).max(20),
  /** Whether every judge passed its audit and the judges agree; null without judges. */
  calibrated: z.boolean().nullable(),
  rows: z.array(row).min(1).max(2000),
  /** Krippendorff's alpha of the judges' grades, ordinal. */
  agreement: z.looseObject({ alpha: number, answers: count }).nullable(),
  /** What is not in the result, and why. */
  skipped: z.array(text).max(50),
})

export type OpenEndedResult = z.infer<typeof result>
export type OpenEndedRow = OpenEndedResult['rows'][number]

/** @throws PalignError `malformed-file` naming the first field that is wrong */
export function parseOpenEndedResult(json: unknown): OpenEndedResult {
  return parseStored(result, json, 'open-ended result', 'palign open-ended')
}
