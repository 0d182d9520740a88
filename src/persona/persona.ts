/** @file What a persona is: nothing, a prompt, a displacement of z, a prompt with one, or an adapter. */
import { PalignError } from '../errors.ts'
import type { Adapter } from '../model/adapter.ts'
import type { Displacement } from '../model/displacement.ts'
import type { ModelShape } from '../model/shape.ts'
import type { PersonaAbout } from './about.ts'
import { compileDisplacement } from './compile.ts'
import type { Intervention } from './intervention.ts'
import { assertFitted, type MatchedModel } from './model-match.ts'
import type { TrainingRecord } from './training-record.ts'

/** Where a persona came from. Row numbers identify persons; names, case numbers and times never do. */
export interface Provenance {
  readonly data: string
  readonly row: number
  readonly questionnaire: string
  /** Known items that the person answered. */
  readonly answered: number
  readonly seed: number
  readonly version: string
}

/** How alpha was chosen: the loss on tuning items at every alpha tried. */
export interface Calibration {
  readonly loss: string
  readonly curve: readonly { readonly alpha: number; readonly loss: number }[]
  readonly folds: number
}

/** Of a persona that was computed from others and asked nothing yet. */
export const NOT_MEASURED: Calibration = { loss: 'not-measured', curve: [], folds: 0 }

interface Described {
  readonly about?: PersonaAbout | undefined
}

interface InTensorFile extends Described {
  /** Metadata that other tools left in the file, kept as it was. */
  readonly foreign?: Readonly<Record<string, string>> | undefined
}

export interface PromptPersona extends InTensorFile {
  readonly kind: 'prompt'
  readonly method: string
  readonly system: string
}

export interface SteeringPersona extends InTensorFile {
  readonly kind: 'steering'
  readonly method: string
  /** Fingerprint of the only model it may be used with. */
  readonly model: string
  readonly shape: ModelShape
  /** The input of o_proj; layers count from 0. */
  readonly site: 'z'
  /** Alpha counts standard deviations along each direction; in a mix, whose sigmas are the lengths of what is added, it multiplies the whole. */
  readonly unit: 'sigma' | 'mix'
  readonly alpha: number
  readonly interventions: readonly Intervention[]
  readonly calibration: Calibration
  /** Undefined for what was made of several personas: `about.parents` says of which. */
  readonly provenance: Provenance | undefined
}

export interface PromptSteeringPersona extends Omit<SteeringPersona, 'kind'> {
  readonly kind: 'prompt+steering'
  readonly system: string
}

/** Adapters made by other tools are personas of method `peft` of which nothing is known but their tensors. */
export interface AdapterPersona extends Described {
  readonly kind: 'adapter'
  readonly method: string
  /** Fingerprint of the only model it may be used with; where it is unknown, all that is checked is that the adapter's shapes fit. */
  readonly model: string | undefined
  readonly shape: ModelShape | undefined
  readonly adapter: Adapter
  readonly training: TrainingRecord | undefined
  readonly provenance: Provenance | undefined
}

export type Persona = { readonly kind: 'none' } | PromptPersona | SteeringPersona | PromptSteeringPersona | AdapterPersona

/** What can be kept: anything but nobody. */
export type StoredPersona = Exclude<Persona, { readonly kind: 'none' }>

/** What a persona does to one request. */
export interface CompiledPersona {
  readonly system: string | undefined
  readonly displacement: Displacement | undefined
  readonly adapter: Adapter | undefined
}

/**
 * @param model the model that will be steered
 * @param options.alpha replaces the persona's own strength: standard deviations of a displacement, or what the update of an
 * adapter is multiplied by (its own strength is 1, the base model is 0)
 * @param options.allowModelMismatch applies a persona of another model that has the same layers and heads; the caller marks every answer (`isOfOtherModel`)
 * @throws PalignError `incompatible-persona` where the persona was fitted on another model: it is never dropped in silence
 */
export function compilePersona(
  persona: Persona,
  model: MatchedModel,
  options: { readonly alpha?: number | undefined; readonly allowModelMismatch?: boolean | undefined } = {},
): CompiledPersona {
  switch (persona.kind) {
    case 'none':
      return { system: undefined, displacement: undefined, adapter: undefined }
    case 'prompt':
      if (options.alpha !== undefined) {
        throw new PalignError(
          'invalid-input',
          `persona of method ${persona.method} is a prompt and has no alpha, ${options.alpha} was given`,
        )
      }
      return { system: persona.system, displacement: undefined, adapter: undefined }
    case 'steering':
    case 'prompt+steering': {
      assertFitted(persona, model, options)
      return {
        system: persona.kind === 'prompt+steering' ? persona.system : undefined,
        displacement: compileDisplacement(persona.interventions, options.alpha ?? persona.alpha, model.shape),
        adapter: undefined,
      }
    }
    case 'adapter':
      assertFitted(persona, model, options)
      return { system: undefined, displacement: undefined, adapter: scaled(persona.adapter, options.alpha) }
    default:
      return persona satisfies never
  }
}

/** The same object where nothing changes: an engine knows an adapter again by it. */
function scaled(adapter: Adapter, strength: number | undefined): Adapter {
  if (strength === undefined) return adapter
  if (!Number.isFinite(strength)) throw new PalignError('non-finite', `alpha is ${strength}, expected a finite number`)
  return { ...adapter, alpha: adapter.alpha * strength }
}
