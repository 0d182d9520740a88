/** @file An arm of a comparison beyond self-report: the model as it is, or with a persona. */
import type { LanguageModel, Steering } from '../model/language-model.ts'
import { compilePersona, type Persona } from '../persona/persona.ts'

export interface Arm {
  readonly name: string
  /** System prompt in place of the default one. */
  readonly system: string | undefined
  /** What is added to the model; nothing for a prompt alone. */
  readonly steering: Steering
}

/** The arm that every other is compared with. */
export const UNSTEERED: Arm = { name: 'unsteered', system: undefined, steering: {} }

/** @throws PalignError `incompatible-persona` for a persona of another model */
export function armOf(
  name: string,
  persona: Persona,
  model: Pick<LanguageModel, 'shape' | 'fingerprint'>,
  options: { readonly alpha?: number | undefined } = {},
): Arm {
  const { system, displacement, adapter } = compilePersona(persona, model, options)
  return { name, system, steering: { displacement, adapter } }
}
