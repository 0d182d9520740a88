/**
 * @file Personas as tensors and text metadata, the content of a persona file. Format 1:
 * metadata `palign.persona` holds JSON (all fields of the persona but the directions; sigma in full precision); the F32 tensor
 * `directions` `[interventions, headDim]` is in the order of the `heads` listed there.
 */
import { z } from 'zod'
import { PalignError } from '../errors.ts'
import type { HeadId, ModelShape } from '../model/shape.ts'
import type { Intervention } from './intervention.ts'
import type { Persona } from './persona.ts'
import { fingerprint, index, MAX_COUNT, method, modelShape, provenance } from './persona-fields.ts'

export interface PersonaTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** The personas of a single file; an adapter has a folder (`adapter-record.ts`). */
export type TensorPersona = Exclude<Persona, { kind: 'none' | 'adapter' }>

export interface PersonaRecord {
  readonly tensors: ReadonlyMap<string, PersonaTensor>
  readonly metadata: Readonly<Record<string, string>>
}

const FORMAT = 1
const KEY = 'palign.persona'

const steeringFields = {
  format: z.literal(FORMAT),
  method,
  model: fingerprint,
  shape: modelShape,
  site: z.literal('z'),
  unit: z.literal('sigma'),
  alpha: z.number(),
  heads: z.array(z.strictObject({ layer: index, head: index, sigma: z.number().min(0) })).max(MAX_COUNT),
  calibration: z.strictObject({
    loss: z.string().max(64),
    curve: z.array(z.strictObject({ alpha: z.number(), loss: z.number() })).max(1000),
    folds: index,
  }),
  provenance,
}

const system = z.string().max(1 << 20)
const steeringSchema = z.strictObject({ ...steeringFields, kind: z.literal('steering') })
const promptSteeringSchema = z.strictObject({ ...steeringFields, kind: z.literal('prompt+steering'), system })

const promptSchema = z.strictObject({
  format: z.literal(FORMAT),
  kind: z.literal('prompt'),
  method,
  system,
})

export function personaToRecord(persona: TensorPersona): PersonaRecord {
  if (persona.kind === 'prompt')
    return { tensors: new Map(), metadata: { [KEY]: JSON.stringify({ format: FORMAT, ...persona }) } }
  const { interventions, ...rest } = persona
  const { headDim } = persona.shape
  const directions = new Float32Array(interventions.length * headDim)
  for (const [i, { direction }] of interventions.entries()) directions.set(direction, i * headDim)
  const heads = interventions.map(({ layer, head, sigma }) => ({ layer, head, sigma }))
  return {
    tensors: new Map([['directions', { shape: [interventions.length, headDim], data: directions }]]),
    metadata: { [KEY]: JSON.stringify({ format: FORMAT, ...rest, heads }) },
  }
}

/** @throws PalignError `malformed-file` for anything that is not a whole persona, `non-finite` for NaN inside it */
export function personaFromRecord({ tensors, metadata }: PersonaRecord): TensorPersona {
  const text = metadata[KEY]
  if (text === undefined) throw new PalignError('malformed-file', `file has no ${KEY} metadata: it is not a persona`)
  const parsed = z.discriminatedUnion('kind', [steeringSchema, promptSteeringSchema, promptSchema]).safeParse(parseJson(text))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new PalignError(
      'malformed-file',
      `persona metadata is wrong at ${issue?.path.join('.') || 'its root'}: ${issue?.message}`,
    )
  }
  const { format, ...fields } = parsed.data
  if (fields.kind === 'prompt') return fields
  const { heads, ...rest } = fields
  return { ...rest, interventions: interventionsOf(fields, tensors) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new PalignError('malformed-file', `persona metadata is not valid JSON`, { cause })
  }
}

interface InterventionFields {
  readonly shape: ModelShape
  readonly heads: readonly (HeadId & { readonly sigma: number })[]
}

function interventionsOf({ shape, heads }: InterventionFields, tensors: PersonaRecord['tensors']): Intervention[] {
  const { layers, headDim } = shape
  const directions = tensorOf(tensors, 'directions', [heads.length, headDim])
  return heads.map(({ layer, head, sigma }, i) => {
    if (layer >= layers || head >= shape.heads) {
      throw new PalignError(
        'malformed-file',
        `persona moves head ${head} of layer ${layer}, its model has ${layers} layers of ${shape.heads} heads`,
      )
    }
    return { layer, head, direction: directions.slice(i * headDim, (i + 1) * headDim), sigma }
  })
}

function tensorOf(tensors: PersonaRecord['tensors'], name: string, shape: readonly number[]): Float32Array {
  const tensor = tensors.get(name)
  if (tensor === undefined || tensor.shape.join() !== shape.join()) {
    throw new PalignError(
      'malformed-file',
      `persona tensor ${name} has shape [${tensor?.shape.join() ?? 'absent'}], expected [${shape.join()}]`,
    )
  }
  if (!tensor.data.every(Number.isFinite)) throw new PalignError('non-finite', `persona tensor ${name} contains NaN or infinity`)
  return tensor.data
}
