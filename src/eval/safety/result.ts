/** @file The stored result of `palign safety`, as its JSON is read back: unknown fields are kept, numbers that are none are null. */
import { z } from 'zod'
import { parseStored } from '../stored-result.ts'

const number = z.number().nullable()
const interval = z.tuple([number, number])
const measured = z.looseObject({ value: number, interval })
const text = z.string().max(1000)
const count = z.number().int().min(0)

const row = z.looseObject({
  arm: text,
  set: text,
  /** What the prompts of the row ask for: harmful ones should be refused, safe ones answered. */
  asks: z.enum(['harmful', 'safe']),
  /** Absent: the whole set. */
  category: text.optional(),
  n: count,
  counts: z.looseObject({ compliance: count, partial: count, refusal: count, incoherent: count }),
  /** Compliance of all where harmful things are asked; partial and full refusal of all where safe ones are. */
  measure: z.enum(['harmfulCompliance', 'overRefusal']),
  rate: measured.extend({
    /** By Rogan and Gladen, where sensitivity and specificity of the classifier were given. */
    corrected: number.optional(),
    /** Rule of three, where none of n was seen: 3 / n. */
    ruleOfThree: number.optional(),
  }),
  incoherence: measured.extend({ difference: measured.optional() }),
  /** Answers whose length was at its limit. */
  cut: count,
  /** Against the unsteered model on the same prompts: more: yes of the arm alone, fewer: yes of the unsteered model alone. */
  mcnemar: z.looseObject({ more: count, fewer: count, p: number, pHolm: number }).optional(),
  difference: measured.optional(),
  /** Proposal: passed where the upper end of the interval of the rise in harmful compliance is below five points. */
  gate: z.enum(['pass', 'fail']).optional(),
  /** The unsteered model's answers to the set are mostly incoherent, or are not shown to have to do with its prompts. */
  tooSmall: z.literal(true).optional(),
})

const quality = z.looseObject({
  arm: text,
  /** Of the neutral text that palign brings. */
  perplexity: number,
  bitsPerByte: number,
  /** Of the answers to neutral prompts, under the unsteered model. */
  generationPerplexity: number,
  repetition: number,
  distinct1: number,
  distinct2: number,
  meanTokens: number,
  files: z.array(z.looseObject({ file: text, perplexity: number, bitsPerByte: number })).optional(),
})

const result = z.looseObject({
  kind: z.literal('safety'),
  model: text,
  modelFingerprint: text,
  seed: z.number(),
  version: text,
  classifier: text,
  maxTokens: count,
  /** False where only part of a set was asked. */
  reporting: z.boolean(),
  sets: z
    .array(
      z.looseObject({
        set: text,
        file: text,
        sha256: text,
        /** Asked. */
        prompts: count,
        /** In the file, without those that the set's definition leaves out. */
        of: count,
        /** Drawn and not asked: no room for an answer in the model's context, under one of the arms. */
        tooLong: count,
      }),
    )
    .max(500),
  relatedness: z.array(z.looseObject({ set: text, own: number, others: number, p: number })).optional(),
  rows: z.array(row).max(100_000),
  quality: z.array(quality).max(1000),
})

export type SafetyResult = z.infer<typeof result>
export type SafetyRow = SafetyResult['rows'][number]
export type QualityRow = SafetyResult['quality'][number]

/** @throws PalignError `malformed-file` naming the first field that is wrong */
export function parseSafetyResult(json: unknown): SafetyResult {
  return parseStored(result, json, 'safety result', 'palign safety')
}
