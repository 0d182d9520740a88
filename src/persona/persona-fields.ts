/** @file The fields that every stored persona has, as zod schemas: strict, since a field not known may change the meaning. */
import { z } from 'zod'

/** Above any model that exists; a bound for what is believed of a file. */
export const MAX_COUNT = 1 << 20

const count = z.number().int().min(1).max(MAX_COUNT)
export const index = z.number().int().min(0).max(MAX_COUNT)
export const method = z.string().max(64)
export const fingerprint = z.string().regex(/^[0-9a-f]{64}$/)

export const modelShape = z.strictObject({
  layers: count,
  heads: count,
  kvHeads: count,
  headDim: count,
  hiddenSize: count,
  vocabSize: count,
  contextLength: z.number().int().min(1),
})

export const provenance = z.strictObject({
  data: z.string().max(4096),
  row: z.number().int().min(0),
  questionnaire: z.string().max(64),
  answered: index,
  seed: z.number().int(),
  version: z.string().max(64),
})
