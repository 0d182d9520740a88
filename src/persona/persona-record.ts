/**
 * @file Personas as tensors and text metadata, the content of a persona file. Metadata `palign.persona` holds JSON: all fields of the persona but the
 * directions, sigma in full precision; the F32 tensor `directions` `[interventions, headDim]` is in the order of the `heads` listed there. Format 2 says
 * besides what the numbers mean to a reader that knows only this file (op, layerBase, tokens, alphas), and `palign.sha256` holds its content hash
 * (`content-hash.ts`). Format 1 had neither and is still read.
 */
import { z } from 'zod'
import { PalignError } from '../errors.ts'
import type { HeadId, ModelShape } from '../model/shape.ts'
import { canonicalJson } from './canonical-json.ts'
import type { Intervention } from './intervention.ts'
import type { Calibration, Persona } from './persona.ts'
import {
  about,
  fingerprint,
  index,
  MAX_COUNT,
  method,
  modelShape,
  parsedFields,
  parsedJson,
  provenance,
} from './persona-fields.ts'

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

const FORMAT = 2
export const PERSONA_KEY = 'palign.persona'
export const HASH_KEY = 'palign.sha256'
const DIRECTIONS = 'directions'

/** What every persona of this program does: adds to z at all positions, layers counted from 0. A file that says otherwise is not applied. */
const ACTS = { op: 'add', layerBase: 0, tokens: 'all' } as const
const acts = { op: z.literal(ACTS.op), layerBase: z.literal(ACTS.layerBase), tokens: z.literal(ACTS.tokens) }

const format1 = z.literal(1)
const format2 = z.literal(FORMAT)
const system = z.string().max(1 << 20)

const common = {
  method,
  model: fingerprint,
  shape: modelShape,
  site: z.literal('z'),
  alpha: z.number(),
  heads: z.array(z.strictObject({ layer: index, head: index, sigma: z.number().min(0) })).max(MAX_COUNT),
  calibration: z.strictObject({
    loss: z.string().max(64),
    curve: z.array(z.strictObject({ alpha: z.number(), loss: z.number() })).max(1000),
    folds: index,
  }),
}
const fields1 = { ...common, format: format1, unit: z.literal('sigma'), provenance }
const fields2 = {
  ...{ ...common, ...acts, format: format2, unit: z.enum(['sigma', 'mix']) },
  alphas: z.strictObject({ from: z.number(), to: z.number() }).optional(),
  provenance: provenance.optional(),
  about: about.optional(),
}
const steering = z.literal('steering')
const promptSteering = z.literal('prompt+steering')
const prompt = { kind: z.literal('prompt'), method, system }

const schemas = {
  1: z.discriminatedUnion('kind', [
    z.strictObject({ ...fields1, kind: steering }),
    z.strictObject({ ...fields1, kind: promptSteering, system }),
    z.strictObject({ ...prompt, format: format1 }),
  ]),
  2: z.discriminatedUnion('kind', [
    z.strictObject({ ...fields2, kind: steering }),
    z.strictObject({ ...fields2, kind: promptSteering, system }),
    z.strictObject({ ...prompt, format: format2, about: about.optional() }),
  ]),
} as const

/** In format 2, without the content hash. */
export function personaToRecord(persona: TensorPersona): PersonaRecord {
  const { foreign, ...own } = persona
  const metadata = (fields: object) => ({ ...foreign, [PERSONA_KEY]: canonicalJson({ format: FORMAT, ...fields }) })
  if (own.kind === 'prompt') return { tensors: new Map(), metadata: metadata(own) }
  const { interventions, ...rest } = own
  const { headDim } = own.shape
  const directions = new Float32Array(interventions.length * headDim)
  for (const [i, { direction }] of interventions.entries()) directions.set(direction, i * headDim)
  const heads = interventions.map(({ layer, head, sigma }) => ({ layer, head, sigma }))
  return {
    tensors: new Map([[DIRECTIONS, { shape: [interventions.length, headDim], data: directions }]]),
    metadata: metadata({ ...rest, ...ACTS, heads, alphas: triedAlphas(own.calibration) }),
  }
}

/** Between which strengths the persona's own was searched; undefined where none was. */
export function triedAlphas({ curve }: Calibration): { readonly from: number; readonly to: number } | undefined {
  const alphas = curve.map(({ alpha }) => alpha)
  return alphas.length === 0 ? undefined : { from: Math.min(...alphas), to: Math.max(...alphas) }
}

/** 1 or 2. @throws PalignError `malformed-file` for what is no persona, or of a format that is not known */
export function recordFormat({ metadata }: Pick<PersonaRecord, 'metadata'>): 1 | 2 {
  const text = metadata[PERSONA_KEY]
  if (text === undefined) throw new PalignError('malformed-file', `file has no ${PERSONA_KEY} metadata: it is not a persona`)
  const json = parsedJson(text, 'persona metadata')
  const format = typeof json === 'object' && json !== null && 'format' in json ? json.format : undefined
  if (format === 1 || format === FORMAT) return format
  throw new PalignError('malformed-file', `persona metadata is of format ${shown(format)}, expected 1 or ${FORMAT}`, {
    hint: 'a file of a later palign needs that palign',
  })
}

/** The content hash is checked by `assertSealed`. @throws PalignError `malformed-file` for anything that is not a whole persona, `non-finite` for NaN inside it */
export function personaFromRecord({ tensors, metadata }: PersonaRecord): TensorPersona {
  const schema = schemas[recordFormat({ metadata })]
  const { format, ...fields } = parsedFields<z.infer<(typeof schemas)[1 | 2]>>(
    schema,
    parsedJson(metadata[PERSONA_KEY] as string, 'persona metadata'),
    'persona metadata',
  )
  const foreign = foreignOf(metadata)
  refuseOtherTensors(tensors, fields.kind === 'prompt' ? [] : [DIRECTIONS])
  if (fields.kind === 'prompt') return { ...fields, ...foreign }
  const { heads, ...others } = fields
  if ('op' in others) {
    const { op, layerBase, tokens, alphas, ...rest } = others
    if (canonicalJson(alphas) !== canonicalJson(triedAlphas(rest.calibration)))
      throw new PalignError('malformed-file', 'persona names other alphas than its calibration tried')
    return { ...rest, provenance: rest.provenance, ...foreign, interventions: interventionsOf(fields, tensors) }
  }
  return { ...others, ...foreign, interventions: interventionsOf(fields, tensors) }
}

/** Metadata of other tools; of ours, none that is not known. */
function foreignOf(metadata: PersonaRecord['metadata']): { readonly foreign?: Readonly<Record<string, string>> } {
  const { [PERSONA_KEY]: _, [HASH_KEY]: __, ...foreign } = metadata
  const strange = Object.keys(foreign).find((key) => key.startsWith('palign.'))
  if (strange !== undefined) throw new PalignError('malformed-file', `persona has metadata ${shown(strange)}, which is not known`)
  return Object.keys(foreign).length === 0 ? {} : { foreign }
}

/** A tensor that is left out could be half of what the persona does. */
function refuseOtherTensors(tensors: PersonaRecord['tensors'], known: readonly string[]): void {
  const strange = [...tensors.keys()].find((name) => !known.includes(name))
  if (strange !== undefined) throw new PalignError('malformed-file', `persona has a tensor ${shown(strange)}, which is not known`)
}

const shown = (value: unknown) => String(JSON.stringify(value)).slice(0, 64)

interface InterventionFields {
  readonly shape: ModelShape
  readonly heads: readonly (HeadId & { readonly sigma: number })[]
}

function interventionsOf({ shape, heads }: InterventionFields, tensors: PersonaRecord['tensors']): Intervention[] {
  const { layers, headDim } = shape
  const directions = tensorOf(tensors, DIRECTIONS, [heads.length, headDim])
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
