/** @file Reading `.svec`: head-level vectors become a steering persona, vectors of the residual stream are refused. */
import { z } from 'zod'
import { PalignError } from '../errors.ts'
import { parseStrictJson } from '../formats/strict-json.ts'
import type { HeadId, ModelShape } from '../model/shape.ts'
import type { Intervention } from '../persona/intervention.ts'
import type { Provenance, SteeringPersona } from '../persona/persona.ts'
import { fingerprint, method, provenance } from '../persona/persona-fields.ts'
import { headKey, SVEC_FORMAT } from './svec.ts'

/** 80 layers of 64 heads of 128 numbers of 20 digits are 13 MB. */
const MAX_CHARACTERS = 1 << 26
/** Above the longest hidden state that exists. */
const MAX_ELEMENTS = 1 << 17
const MAX_HEADS = 1 << 12

const layerKey = z.string().regex(/^(0|[1-9]\d{0,3})$/)
const headKeys = z.string().regex(/^(0|[1-9]\d{0,3}):(0|[1-9]\d{0,3})$/)
const count = z.number().int().min(1).max(MAX_ELEMENTS)
const vector = z.array(z.number()).max(MAX_ELEMENTS)
const own = z.strictObject({
  format: z.literal(SVEC_FORMAT),
  method,
  model: fingerprint,
  site: z.literal('z'),
  alpha: z.number(),
  sigmas: z.record(headKeys, z.number().min(0)),
  provenance: provenance.optional(),
})

/** Keys that are not known are other programs' own. */
const schema = z.looseObject({
  model_type: z.string().min(1).max(64),
  directions: z.record(layerKey, z.union([vector, z.array(vector).max(MAX_HEADS)])),
  num_heads: count.nullish(),
  head_dim: count.nullish(),
  probe_accuracies: z.record(headKeys, z.number()).nullish(),
  palign: own.optional(),
})
type Svec = z.infer<typeof schema>

export interface ReadSvecOptions {
  /** The model that is to be steered. */
  readonly model: { readonly shape: ModelShape; readonly fingerprint: string }
  /** Strength, in what the file's rows are: sigmas. Needed where the file has none of its own, which only palign's have. */
  readonly alpha?: number | undefined
  /** The heads with the best probes only, so many; files of other programs hold rows of all heads, also of those that are not to be moved. Default: all rows that are not zero. */
  readonly count?: number | undefined
  /** Recorded where the file says nothing about its origin; default `.svec file`. */
  readonly origin?: string | undefined
}

/**
 * @throws PalignError `malformed-file` for text that is not `.svec`; `incompatible-persona` for vectors of the residual stream, of another
 * shape or of another model; `invalid-input` where the strength, or the choice of heads, is not known
 */
export function readSvec(text: string, options: ReadSvecOptions): SteeringPersona {
  const file = parseSvec(text)
  const { shape, fingerprint } = options.model
  assertHeadLevel(file, shape)
  if (file.palign !== undefined && file.palign.model !== fingerprint) {
    throw new PalignError(
      'incompatible-persona',
      `svec was made for model ${file.palign.model.slice(0, 12)}, this model is ${fingerprint.slice(0, 12)}`,
      { hint: 'load the model it was made for' },
    )
  }
  const rows = chosenRows(file, shape, options.count)
  const alpha = options.alpha ?? file.palign?.alpha
  if (alpha === undefined || !Number.isFinite(alpha)) {
    throw new PalignError('invalid-input', `svec does not say how strong it is, alpha is ${alpha}`, {
      hint: 'give the alpha that it was used with: a row is multiplied by it',
    })
  }
  return {
    kind: 'steering',
    method: file.palign?.method ?? 'svec',
    model: fingerprint,
    shape,
    site: 'z',
    unit: 'sigma',
    alpha,
    interventions: rows.map((row) => intervention(row, file.palign?.sigmas)),
    calibration: { loss: 'unknown', curve: [], folds: 0 },
    provenance: file.palign?.provenance ?? unknownProvenance(options.origin),
  }
}

function parseSvec(text: string): Svec {
  if (text.length > MAX_CHARACTERS) {
    throw new PalignError('malformed-file', `svec is ${text.length} characters long, expected at most ${MAX_CHARACTERS}`)
  }
  const parsed = schema.safeParse(parseStrictJson(text, 'svec', { mostElements: MAX_ELEMENTS }))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new PalignError(
    'malformed-file',
    `svec is wrong at ${issue?.path.join('.').slice(0, 100) || 'its root'}: ${issue?.message}`,
  )
}

function assertHeadLevel({ num_heads: heads, head_dim: headDim, directions }: Svec, shape: ModelShape): void {
  if (heads == null || headDim == null) {
    throw new PalignError(
      'incompatible-persona',
      'svec holds vectors of the residual stream, palign moves the input of o_proj only',
      {
        hint: 'only files with num_heads and head_dim say that their rows are heads',
      },
    )
  }
  const last = Object.keys(directions).reduce((most, layer) => Math.max(most, Number(layer)), -1)
  if (heads !== shape.heads || headDim !== shape.headDim || last >= shape.layers) {
    throw new PalignError(
      'incompatible-persona',
      `svec is of ${heads} heads x ${headDim} up to layer ${last}, the model has ${shape.layers} layers x ${shape.heads} heads x ${shape.headDim}`,
      { hint: 'load the model it was made for' },
    )
  }
}

interface Row extends HeadId {
  readonly row: readonly number[]
}

function chosenRows({ directions, probe_accuracies: accuracies }: Svec, shape: ModelShape, count: number | undefined): Row[] {
  const rows: Row[] = []
  for (const [layer, heads] of Object.entries(directions)) {
    const isWhole = heads.length === shape.heads && heads.every((row) => Array.isArray(row) && row.length === shape.headDim)
    if (!isWhole) {
      throw new PalignError('malformed-file', `svec has in layer ${layer} no ${shape.heads} rows of ${shape.headDim} numbers`)
    }
    for (const [head, row] of (heads as number[][]).entries()) {
      if (row.some((x) => x !== 0)) rows.push({ layer: Number(layer), head, row })
    }
  }
  if (count === undefined) return rows
  const accuracy = (head: HeadId) => accuracies?.[headKey(head)]
  if (!(Number.isInteger(count) && count >= 1) || rows.some((row) => accuracy(row) === undefined)) {
    throw new PalignError(
      'invalid-input',
      `svec has no accuracies of all its ${rows.length} heads, or count ${count} is no number of heads`,
      {
        hint: 'leave count out to move every head that has a row',
      },
    )
  }
  return rows.toSorted((a, b) => accuracy(b)! - accuracy(a)! || a.layer - b.layer || a.head - b.head).slice(0, count)
}

function intervention({ layer, head, row }: Row, sigmas: Readonly<Record<string, number>> | undefined): Intervention {
  const sigma = sigmas === undefined ? Math.hypot(...row) : sigmas[headKey({ layer, head })]
  if (sigma === undefined || !(sigma > 0)) {
    throw new PalignError('malformed-file', `svec has a row of layer ${layer} head ${head} and no sigma above 0 for it`)
  }
  const direction = Float32Array.from(row, (x) => x / sigma)
  if (direction.every(Number.isFinite)) return { layer, head, direction, sigma }
  throw new PalignError(
    'malformed-file',
    `svec has a row of layer ${layer} head ${head} that is out of all proportion to its sigma, ${sigma}`,
  )
}

function unknownProvenance(origin = '.svec file'): Provenance {
  return { data: origin, row: 0, questionnaire: 'unknown', answered: 0, seed: 0, version: 'unknown' }
}
