/** @file What a persona is: nothing, a prompt, a displacement of z, or both. */
import { PalignError } from '../errors.ts'
import type { Displacement } from '../model/displacement.ts'
import type { ModelShape } from '../model/shape.ts'
import { compileDisplacement } from './compile.ts'
import type { Intervention } from './intervention.ts'

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

export interface PromptPersona {
  readonly kind: 'prompt'
  readonly method: string
  readonly system: string
}

export interface SteeringPersona {
  readonly kind: 'steering'
  readonly method: string
  /** Fingerprint of the only model it may be used with. */
  readonly model: string
  readonly shape: ModelShape
  /** The input of o_proj; layers count from 0. */
  readonly site: 'z'
  /** Alpha counts standard deviations along each direction. */
  readonly unit: 'sigma'
  readonly alpha: number
  readonly interventions: readonly Intervention[]
  readonly calibration: Calibration
  readonly provenance: Provenance
}

export interface PromptSteeringPersona extends Omit<SteeringPersona, 'kind'> {
  readonly kind: 'prompt+steering'
  readonly system: string
}

export type Persona = { readonly kind: 'none' } | PromptPersona | SteeringPersona | PromptSteeringPersona

/** What a persona does to one request. */
export interface CompiledPersona {
  readonly system: string | undefined
  readonly displacement: Displacement | undefined
}

/**
 * @param model the model that will be steered
 * @param options.alpha replaces the persona's own strength
 * @throws PalignError `incompatible-persona` where the persona was fitted on another model: it is never dropped in silence
 */
export function compilePersona(
  persona: Persona,
  model: { readonly shape: ModelShape; readonly fingerprint: string },
  options: { readonly alpha?: number | undefined } = {},
): CompiledPersona {
  switch (persona.kind) {
    case 'none':
      return { system: undefined, displacement: undefined }
    case 'prompt':
      if (options.alpha !== undefined) {
        throw new PalignError(
          'invalid-input',
          `persona of method ${persona.method} is a prompt and has no alpha, ${options.alpha} was given`,
        )
      }
      return { system: persona.system, displacement: undefined }
    case 'steering':
    case 'prompt+steering': {
      if (persona.model !== model.fingerprint) {
        throw new PalignError(
          'incompatible-persona',
          `persona was fitted on model ${persona.model.slice(0, 12)}, this model is ${model.fingerprint.slice(0, 12)}`,
          { hint: 'load the model it was fitted on, or align a new persona on this one' },
        )
      }
      return {
        system: persona.kind === 'prompt+steering' ? persona.system : undefined,
        displacement: compileDisplacement(persona.interventions, options.alpha ?? persona.alpha, model.shape),
      }
    }
    default:
      return persona satisfies never
  }
}
