/**
 * @file What is stored beside an adapter to make it a persona: JSON of all its fields but the tensors. Format 2 has a content hash; format 1, which had none,
 * is still read. An adapter without such a record is a persona of method `peft`.
 */
import { z } from 'zod'
import { PalignError } from '../errors.ts'
import { floatBytes } from '../math/float-bytes.ts'
import { sha256 } from '../math/sha256.ts'
import type { Adapter } from '../model/adapter.ts'
import { canonicalJson } from './canonical-json.ts'
import type { AdapterPersona } from './persona.ts'
import { about, changedContent, fingerprint, method, modelShape, parsedFields, parsedJson, provenance } from './persona-fields.ts'

const FORMAT = 2
const PEFT = 'peft'
const RECORD = 'persona record'

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

const common = {
  kind: z.literal('adapter'),
  method,
  model: fingerprint.optional(),
  shape: modelShape.optional(),
  training: training.optional(),
  provenance: provenance.optional(),
}
const schema = z.discriminatedUnion('format', [
  z.strictObject({ ...common, format: z.literal(1) }),
  z.strictObject({ ...common, format: z.literal(FORMAT), about: about.optional(), sha256: fingerprint.optional() }),
])

/** What the tensor file itself says of where it comes from. */
export interface StoredOrigin {
  readonly model: string | undefined
  readonly method: string | undefined
}

/** @param sha256 its content hash; a record without one is good inside this process only */
export function adapterPersonaToJson({ adapter: _, ...fields }: AdapterPersona, sha256?: string): string {
  return `${JSON.stringify({ format: FORMAT, ...fields, sha256 }, null, 2)}\n`
}

/** sha256 over the canonical JSON of the record without its hash, with the adapter as its settings and the hashes of its tensors by module. */
export async function adapterContentHash({ adapter, ...fields }: AdapterPersona): Promise<string> {
  const { rank, alpha, targets, pairs } = adapter
  const modules = [...pairs].sort(([a], [b]) => (a < b ? -1 : 1))
  const hashed: [string, string, string][] = []
  // One after the other: the bytes of a whole adapter would be a second copy of it.
  for (const [module, { a, b }] of modules) hashed.push([module, await sha256(floatBytes(a)), await sha256(floatBytes(b))])
  return sha256(canonicalJson({ format: FORMAT, ...fields, adapter: { rank, alpha, targets, pairs: hashed } }))
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
  const fields = parsedFields(schema, parsedJson(text, RECORD), RECORD)
  const { method, model, shape, training, provenance } = fields
  if (model !== origin.model || method !== (origin.method ?? PEFT)) {
    throw new PalignError(
      'malformed-file',
      `persona record is of method ${method} on model ${model?.slice(0, 12) ?? 'unknown'}, the tensors beside it are of ${origin.method ?? PEFT} on ${origin.model?.slice(0, 12) ?? 'unknown'}`,
      { hint: 'the record and the tensors were written together: restore both' },
    )
  }
  const persona: AdapterPersona = { kind: 'adapter', method, model, shape, adapter, training, provenance }
  return fields.format === FORMAT && fields.about !== undefined ? { ...persona, about: fields.about } : persona
}

/** @param text the record that `persona` was read from. @throws PalignError `malformed-file` where record or tensors were changed after they were written */
export async function assertAdapterSealed(text: string, persona: AdapterPersona): Promise<void> {
  const fields = parsedFields(schema, parsedJson(text, RECORD), RECORD)
  if (fields.format === 1) return
  if (fields.sha256 === undefined)
    throw new PalignError('malformed-file', `${RECORD} has no sha256, expected that of its content`)
  if ((await adapterContentHash(persona)) !== fields.sha256) throw changedContent()
}
