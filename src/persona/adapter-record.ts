/**
 * @file What is stored beside an adapter to make it a persona: JSON of all its fields but the tensors. Format 1. An adapter
 * without such a record is a persona of method `peft`.
 */
import { z } from 'zod'
import { PalignError } from '../errors.ts'
import type { Adapter } from '../model/adapter.ts'
import type { AdapterPersona } from './persona.ts'
import { fingerprint, method, modelShape, provenance } from './persona-fields.ts'

const FORMAT = 1
const PEFT = 'peft'

const step = z.number().int().min(0)
const tokens = z.number().min(0)
const optional = z.number().optional()

const training = z.strictObject({
  hyperparameters: z.record(z.string().max(64), z.union([z.string().max(4096), z.number()])),
  steps: step,
  finalLoss: z.number(),
  curve: z.array(z.strictObject({ step, loss: z.number(), reward: optional, kl: optional })).max(1000),
  diverged: z.strictObject({ step, reason: z.string().max(4096) }).optional(),
  forwardTokens: tokens,
  trainedTokens: tokens,
  meanRowTokens: tokens,
  meanCompletionTokens: tokens,
  adapterWeights: tokens,
})

const schema = z.strictObject({
  format: z.literal(FORMAT),
  kind: z.literal('adapter'),
  method,
  model: fingerprint.optional(),
  shape: modelShape.optional(),
  training: training.optional(),
  provenance: provenance.optional(),
})

/** What the tensor file itself says of where it comes from. */
export interface StoredOrigin {
  readonly model: string | undefined
  readonly method: string | undefined
}

export function adapterPersonaToJson({ adapter: _, ...fields }: AdapterPersona): string {
  return `${JSON.stringify({ format: FORMAT, ...fields }, null, 2)}\n`
}

/**
 * @param text the record; undefined where there is none
 * @throws PalignError `malformed-file` for a record that is not whole, or that belongs to another adapter
 */
export function adapterPersonaFrom(text: string | undefined, adapter: Adapter, origin: StoredOrigin): AdapterPersona {
  if (text === undefined) {
    const named = fingerprint.optional().safeParse(origin.model)
    if (!named.success) throw new PalignError('malformed-file', 'adapter names a model by something that is not a fingerprint')
    const { method = PEFT } = origin
    return { kind: 'adapter', method, model: named.data, shape: undefined, adapter, training: undefined, provenance: undefined }
  }
  const parsed = schema.safeParse(parseJson(text))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new PalignError(
      'malformed-file',
      `persona record is wrong at ${issue?.path.join('.') || 'its root'}: ${issue?.message}`,
    )
  }
  const { method, model, shape, training, provenance } = parsed.data
  if (model !== origin.model || method !== (origin.method ?? PEFT)) {
    throw new PalignError(
      'malformed-file',
      `persona record is of method ${method} on model ${model?.slice(0, 12) ?? 'unknown'}, the tensors beside it are of ${origin.method ?? PEFT} on ${origin.model?.slice(0, 12) ?? 'unknown'}`,
      { hint: 'the record and the tensors were written together: restore both' },
    )
  }
  return { kind: 'adapter', method, model, shape, adapter, training, provenance }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new PalignError('malformed-file', 'persona record is not valid JSON', { cause })
  }
}
