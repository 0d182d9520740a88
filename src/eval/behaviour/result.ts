/** @file The stored result of a behaviour run, as its JSON is read back: what charts are drawn from. Unknown fields are kept, numbers that are none are null. */
import { z } from 'zod'
import { METHODS } from '../methods.ts'
import { parseStored } from '../stored-result.ts'
import { TRAIT_IDS } from './traits.ts'

const number = z.number().nullable()
const trait = z.enum(TRAIT_IDS)
const text = z.string().max(1000)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const traits = z.array(trait).max(TRAIT_IDS.length)
const matrix = z.array(z.array(number).max(TRAIT_IDS.length)).max(TRAIT_IDS.length)

const point = z.looseObject({ dose: z.number(), alpha: z.number(), klP95: number, score: z.number() })

const doses = z.looseObject({
  trait,
  pole: z.enum(['high', 'low']),
  alpha: z.number(),
  points: z.array(point).min(2).max(100),
  spearman: number,
  rSquared: number,
  slopePerKl: number,
  monotoneShare: z.number(),
  overshootAt: number,
  antiSteered: z.number(),
})

const leakage = z
  .looseObject({ steered: traits.min(1), measured: traits.min(1), effects: matrix, offDiagonalRatio: number, excess: matrix })
  .refine(
    ({ steered, measured, effects, excess }) =>
      [effects, excess].every((rows) => rows.length === steered.length && rows.every((row) => row.length === measured.length)),
    'expected matrices of steered rows and measured columns',
  )

const result = z.looseObject({
  kind: z.literal('behaviour'),
  model: text,
  modelFingerprint: sha256,
  seed: z.number(),
  version: text,
  statements: z.looseObject({
    perTrait: z.number().int().min(1),
    files: z.array(z.looseObject({ trait, sha256 })).max(TRAIT_IDS.length),
  }),
  base: z
    .array(z.looseObject({ trait, score: z.number(), matching: z.number(), unanswered: z.number(), yesBias: z.number() }))
    .min(1)
    .max(TRAIT_IDS.length),
  doses: z.array(doses).max(2 * TRAIT_IDS.length),
  controls: z.array(z.looseObject({ trait, seed: z.number(), effect: number })).max(10_000),
  leakage: leakage.nullable(),
  persons: z
    .array(
      z.looseObject({
        arm: z.enum(METHODS),
        trait,
        n: z.number().int().min(0),
        r: number,
        interval: z.tuple([number, number]).nullable(),
      }),
    )
    .max(1000)
    .nullable(),
  skipped: z.array(text).max(100),
})

export type BehaviourResult = z.infer<typeof result>

/** @throws PalignError `malformed-file` naming the first field that is wrong */
export function parseBehaviourResult(json: unknown): BehaviourResult {
  return parseStored(result, json, 'behaviour result', 'palign behave')
}
