/**
 * @file Personas computed from personas of one model. With P the sum of the compiled interventions of an operand, head by head, in double precision:
 *
 *     mix: sum of w P    subtract: P_a - P_b    interpolate: (1 - t) P_a + t P_b    scale: alpha times k
 *
 * A mix holds one intervention for every head that is moved: the direction of the sum, its length as sigma, and alpha 1. So it compiles to the sum up to
 * the rounding of 32-bit floats, and what cancels is left out: v - v is exactly the base model. A mix was not measured on questions, and says so; its
 * parents are named by content hash.
 */
import { PalignError } from '../errors.ts'
import type { HeadId } from '../model/shape.ts'
import type { Intervention } from './intervention.ts'
import { aboutMix, type Weighted } from './lineage.ts'
import {
  type AdapterPersona,
  NOT_MEASURED,
  type PromptPersona,
  type PromptSteeringPersona,
  type SteeringPersona,
  type StoredPersona,
} from './persona.ts'
import { MOST_PARENTS } from './persona-fields.ts'

export type WeightedPersona = Weighted<SteeringPersona>

/**
 * @param parts steering personas of one model; a weight multiplies what its persona does at its own alpha, and may be negative
 * @param options.alpha of the mix, default 1: what the whole is multiplied by
 * @throws PalignError `incompatible-persona` for personas of two models, `invalid-input` for other kinds of personas, `non-finite` for a weight
 */
export async function mix(
  parts: readonly WeightedPersona[],
  { alpha = 1 }: { readonly alpha?: number | undefined } = {},
): Promise<SteeringPersona> {
  if (parts.length === 0 || parts.length > MOST_PARENTS) {
    throw new PalignError('invalid-input', `mix has ${parts.length} personas, expected 1 to ${MOST_PARENTS}`)
  }
  assertFinite(alpha, 'alpha')
  for (const { persona, weight } of parts) {
    assertSteering(persona)
    assertFinite(weight, 'weight')
  }
  const { model, shape } = ofOneModel(parts)
  return {
    ...{ kind: 'steering', method: 'mix', model, shape, site: 'z', unit: 'mix', alpha: alpha + 0 },
    ...{ interventions: summed(parts), calibration: NOT_MEASURED, provenance: undefined },
    about: await aboutMix(parts),
  }
}

export const add = (a: SteeringPersona, b: SteeringPersona): Promise<SteeringPersona> => mix([weighted(a, 1), weighted(b, 1)])

export const subtract = (a: SteeringPersona, b: SteeringPersona): Promise<SteeringPersona> =>
  mix([weighted(a, 1), weighted(b, -1)])

/** @param t 0 is a, 1 is b; beyond is allowed */
export const interpolate = (a: SteeringPersona, b: SteeringPersona, t: number): Promise<SteeringPersona> =>
  mix([weighted(a, 1 - t), weighted(b, t)])

/**
 * The same directions at k times the alpha, with the calibration that was measured along them; of an adapter k times its update.
 * @throws PalignError `invalid-input` for what has no strength, `non-finite`
 */
export async function scale(persona: SteeringPersona, k: number): Promise<SteeringPersona>
export async function scale(persona: AdapterPersona, k: number): Promise<AdapterPersona>
export async function scale(persona: SteeringPersona | AdapterPersona, k: number): Promise<SteeringPersona | AdapterPersona> {
  assertFinite(k, 'factor')
  const about = await aboutMix([{ persona, weight: k }])
  if (persona.kind === 'adapter') {
    const { adapter } = persona
    return { ...persona, adapter: { ...adapter, alpha: adapter.alpha * k + 0 }, about }
  }
  assertSteering(persona)
  // Plus zero: a negative zero would not come back from a file.
  return { ...persona, alpha: persona.alpha * k + 0, about }
}

export const negate = (persona: SteeringPersona): Promise<SteeringPersona> => scale(persona, -1)

/** A steering persona under a prompt. Its alpha was not searched under that prompt, and the result says so. @throws PalignError `invalid-input` */
export async function withPrompt(steering: SteeringPersona, prompt: PromptPersona): Promise<PromptSteeringPersona> {
  assertSteering(steering)
  const about = await aboutMix([weighted(steering, 1), { persona: prompt, weight: 1 }])
  const method = `${prompt.method}+${steering.method}`.slice(0, LONGEST_METHOD)
  return { ...steering, kind: 'prompt+steering', method, system: prompt.system, calibration: NOT_MEASURED, about }
}

/** As a file holds it. */
const LONGEST_METHOD = 64

const weighted = (persona: SteeringPersona, weight: number): WeightedPersona => ({ persona, weight })

function assertFinite(value: number, what: string): void {
  if (!Number.isFinite(value)) throw new PalignError('non-finite', `${what} is ${value}, expected a finite number`)
}

/** Types say so too, but a file may hold any kind. */
function assertSteering(persona: StoredPersona): asserts persona is SteeringPersona {
  switch (persona.kind) {
    case 'steering':
      return
    case 'prompt':
      throw new PalignError(
        'invalid-input',
        `persona of method ${persona.method} is a prompt, and texts have no sum and no multiple`,
        {
          hint: 'one prompt can stand beside a steering persona: withPrompt, or palign mix --system',
        },
      )
    case 'prompt+steering':
      throw new PalignError(
        'invalid-input',
        `persona of method ${persona.method} has a prompt, and texts have no sum and no multiple`,
        {
          hint: 'compute with the steering persona alone, then set the prompt: withPrompt, or palign mix --system',
        },
      )
    case 'adapter':
      throw new PalignError(
        'invalid-input',
        `persona of method ${persona.method} is an adapter, whose update adds up with no other's exactly; it can be scaled only`,
        { hint: 'give --alpha where it is used' },
      )
    default:
      persona satisfies never
  }
}

function ofOneModel(parts: readonly WeightedPersona[]): Pick<SteeringPersona, 'model' | 'shape'> {
  const { model, shape } = parts[0]!.persona
  const other = parts.find(({ persona }) => persona.model !== model)?.persona
  if (other !== undefined) {
    throw new PalignError(
      'incompatible-persona',
      `personas were fitted on two models, ${model.slice(0, 12)} and ${other.model.slice(0, 12)}`,
      { hint: 'directions mean something in the model they were found in only: align both on one' },
    )
  }
  const different = parts.find(
    ({ persona: { shape: s } }) => s.layers !== shape.layers || s.heads !== shape.heads || s.headDim !== shape.headDim,
  )
  if (different !== undefined) {
    throw new PalignError('incompatible-persona', `personas of model ${model.slice(0, 12)} disagree on its shape`)
  }
  return { model, shape }
}

/** Heads in the order of layers; of those whose sum is zero, none. */
function summed(parts: readonly WeightedPersona[]): Intervention[] {
  const total = new Map<string, HeadSum>()
  for (const { persona, weight } of parts) {
    // First each persona, then its multiple: so that a persona takes away exactly what it brings.
    for (const [key, { layer, head, values }] of headSums(persona)) addTo(total, key, { layer, head }, values, weight)
  }
  const sums = [...total.values()].sort((a, b) => a.layer - b.layer || a.head - b.head)
  return sums.flatMap(({ layer, head, values }) => {
    const sigma = Math.hypot(...values)
    if (!Number.isFinite(sigma)) throw new PalignError('non-finite', `mix is infinite in head ${head} of layer ${layer}`)
    return sigma === 0 ? [] : [{ layer, head, direction: Float32Array.from(values, (value) => value / sigma), sigma }]
  })
}

interface HeadSum extends HeadId {
  /** `[headDim]`, in the units of z. */
  readonly values: Float64Array
}

function headSums({ interventions, alpha }: SteeringPersona): ReadonlyMap<string, HeadSum> {
  const sums = new Map<string, HeadSum>()
  for (const { layer, head, direction, sigma } of interventions) {
    addTo(sums, `${layer} ${head}`, { layer, head }, Float64Array.from(direction), alpha * sigma)
  }
  return sums
}

function addTo(sums: Map<string, HeadSum>, key: string, at: HeadId, values: Float64Array, factor: number): void {
  const sum = sums.get(key) ?? { ...at, values: new Float64Array(values.length) }
  for (let j = 0; j < values.length; j++) sum.values[j]! += factor * values[j]!
  sums.set(key, sum)
}
