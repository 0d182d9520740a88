/** @file The fields that every stored persona has, as zod schemas: strict, since a field not known may change the meaning. */
import { z } from 'zod'
import { PalignError } from '../errors.ts'

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

/** Names, licences and versions. */
const label = z.string().max(256).optional()
const hash = fingerprint.optional()
const time = z.iso.datetime().max(64)
/** Of one persona; a mix of mixes names mixes. */
export const MOST_PARENTS = 64

export const about = z.strictObject({
  base: z
    .strictObject({
      id: label,
      revision: z
        .string()
        .regex(/^[0-9a-f]{40}$/)
        .optional(),
      config: hash,
      tokenizer: hash,
      chatTemplate: hash,
      dtype: label,
    })
    .optional(),
  split: label,
  license: label,
  owner: label,
  consent: z.strictObject({ version: z.string().max(256), time }).optional(),
  created: time.optional(),
  expires: time.optional(),
  evaluation: z
    .strictObject({ items: index, arms: z.array(z.strictObject({ arm: method, error: z.number() })).max(64) })
    .optional(),
  parents: z
    .array(z.strictObject({ sha256: fingerprint, weight: z.number() }))
    .min(1)
    .max(MOST_PARENTS)
    .optional(),
})

/** @throws PalignError `malformed-file` that names the first field that is wrong */
export function parsedFields<T>(schema: z.ZodType<T>, json: unknown, what: string): T {
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new PalignError('malformed-file', `${what} is wrong at ${issue?.path.join('.') || 'its root'}: ${issue?.message}`)
}

/** Bounded in depth by its schema. @throws PalignError `malformed-file` */
export function parsedJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new PalignError('malformed-file', `${what} is not valid JSON`, { cause })
  }
}

export const changedContent = () =>
  new PalignError('malformed-file', 'persona was changed after it was written: its content is not what its sha256 says', {
    hint: 'take it from where it came from again',
  })
