/** @file The stored result of an evaluation, as its JSON is read back: what a report is made of. Unknown fields are kept, numbers that are none are null. */
import { z } from 'zod'
import { parseStored } from './stored-result.ts'

const number = z.number().nullable()
const interval = z.tuple([number, number])
const measured = z.looseObject({ value: number, interval })
const domains = { A: number, C: number, E: number, N: number, O: number, sum: number }
const text = z.string().max(1000)

const matrix = z.array(z.array(number).max(1000)).max(1000)
const scales = z.looseObject({ alpha: number, omega: number, splitHalf: number, correlations: matrix })

const row = z.looseObject({
  arm: text,
  regime: z.enum(['none', 'person', 'population']),
  corrected: z.looseObject({ ...domains, interval }),
  published: z.looseObject(domains),
  gain: measured,
  overUnchanged: measured.optional(),
  collapsed: z.number(),
  skill: number.optional(),
  likeness: z.record(z.string(), number).optional(),
  style: z.record(z.string(), number).optional(),
  strength: z.looseObject({ klP95: number, alpha: number.optional() }).optional(),
  hyperparameters: z.record(z.string(), z.union([z.number(), text])).optional(),
  failed: text.optional(),
  median: z.looseObject({ corrected: z.looseObject(domains) }).optional(),
  expected: z.looseObject(domains).optional(),
  forms: z
    .looseObject({
      errors: z
        .array(z.looseObject({ form: text, sum: number }))
        .max(100)
        .optional(),
      order: number.optional(),
      spread: number.optional(),
      phrasings: number.optional(),
      positional: z.number().optional(),
    })
    .optional(),
  scales: scales.extend({ distance: number.optional() }).optional(),
  cost: z.record(z.string(), number),
})

const result = z.looseObject({
  data: text,
  model: text,
  seed: z.number(),
  orders: text,
  respondents: z.number(),
  population: z.number(),
  wholeFile: z.boolean(),
  version: text,
  rows: z.array(row).min(1).max(500),
  source: z.enum(['papi', 'file', 'simulated']).optional(),
  draw: text.optional(),
  fileRespondents: z.number().optional(),
  descriptions: text.optional(),
  persons: z
    .array(z.looseObject({ row: z.number(), errors: z.record(z.string(), number), wrong: z.record(z.string(), number) }))
    .max(100_000)
    .optional(),
  heads: z
    .array(
      z.looseObject({
        arm: text,
        layers: z.number().int().min(1).max(1000),
        heads: z.number().int().min(1).max(1000),
        accuracy: matrix,
        chosen: z.array(z.array(z.number())),
      }),
    )
    .max(100)
    .optional(),
  human: scales.optional(),
  dataEfficiency: z
    .array(
      z.looseObject({
        arm: text,
        points: z
          .array(
            z.looseObject({
              items: z.number().positive(),
              sum: z.number(),
              interval: z.tuple([z.number(), z.number()]).nullable(),
              tooFew: z.number().optional(),
            }),
          )
          .max(1000),
      }),
    )
    .max(100)
    .optional(),
})

export type EvaluationResult = z.infer<typeof result>
export type ResultRow = EvaluationResult['rows'][number]

/** Arms with a model: they answered, which takes time. */
export function isMethod({ cost }: ResultRow): boolean {
  return typeof cost.answerSecondsPerPerson === 'number'
}

/** @throws PalignError `malformed-file` naming the first field that is wrong */
export function parseEvaluationResult(json: unknown): EvaluationResult {
  return parseStored(result, json, 'evaluation', 'palign evaluate')
}
