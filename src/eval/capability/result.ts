/** @file The stored result of `palign capability`, as it is written and read back. Unknown fields are kept, numbers that are none are null. */
import { z } from 'zod'
import { parseStored } from '../stored-result.ts'

const number = z.number().nullable()
const interval = z.tuple([number, number]).readonly()
const text = z.string().max(2000)

const row = z.looseObject({
  arm: text,
  task: text,
  metric: text,
  /** Whether the measure is the one of its task that counts among the claims. */
  primary: z.boolean(),
  n: z.number(),
  value: number,
  /** Of 95 %. */
  interval,
  stderr: number,
  /** Whether the unsteered model's interval includes what guessing gives, or is worse: losses say nothing there. Of TruthfulQA only the first. */
  chance: z.boolean(),
  chanceLevel: number,
  /** Documents that the arm alone gets wrong, and right. */
  mcnemar: z.object({ worse: z.number(), better: z.number(), p: number, pHolm: number.optional() }).optional(),
  /** Arm minus unsteered, with the interval of 95 %. */
  difference: z.object({ value: number, interval }).optional(),
  nonInferior: z.union([z.boolean(), z.literal('not informative')]).optional(),
  /** Documents whose context lost its beginning. */
  truncated: z.number().optional(),
  /** Shares of texts in which no number was found, and which met the limit of tokens. */
  invalid: z.number().optional(),
  unfinished: z.number().optional(),
})

const bench = z.looseObject({
  task: text,
  file: text,
  sha256: text,
  /** Documents asked, of how many in the file. */
  documents: z.number(),
  of: z.number(),
  form: text,
  shots: z.number(),
})

const result = z.looseObject({
  kind: z.literal('capability'),
  model: text,
  modelFingerprint: text,
  seed: z.number(),
  version: text,
  bench: z.array(bench).min(1).max(100),
  /** Whether all documents of a full run were asked. */
  reporting: z.boolean(),
  /** How prompts are made of what a set and a persona hold. */
  prompting: text,
  /** Points of a hundred. */
  margin: z.number(),
  rows: z.array(row).min(1).max(100_000),
})

export type CapabilityResult = z.infer<typeof result>
export type CapabilityRow = z.infer<typeof row>

/** @throws PalignError `malformed-file` naming the first field that is wrong */
export function parseCapabilityResult(json: unknown): CapabilityResult {
  return parseStored(result, json, 'capability result', 'palign capability')
}
