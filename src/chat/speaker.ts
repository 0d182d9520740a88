/** @file Who answers in a chat: a persona under the name it is shown by, at its own strength or at another. */
import { PalignError } from '../errors.ts'
import type { LanguageModel, Steering } from '../model/language-model.ts'
import { isOfOtherModel } from '../persona/model-match.ts'
import { compilePersona, type Persona } from '../persona/persona.ts'

export interface Speaker {
  readonly id: string
  readonly persona: Persona
  /** In place of the persona's own. */
  readonly alpha?: number | undefined
  /** Says by name that the persona may be one of another model. */
  readonly allowModelMismatch?: boolean | undefined
}

/** The base model, by the name that requests of the server use for it. */
export const NOBODY: Speaker = { id: 'none', persona: { kind: 'none' } }

/** What a speaker does to a request. */
export interface PreparedSpeaker {
  readonly speaker: Speaker
  /** The strength in effect; undefined for what has none. */
  readonly alpha: number | undefined
  /** The persona's own prompt. */
  readonly prompt: string | undefined
  readonly steering: Steering
  /** Whether the persona is one of another model: every answer says so. */
  readonly modelMismatch: boolean
}

/** @throws PalignError as `compilePersona` does, and `invalid-input` for a strength of nobody: no speaker is ever left out in silence */
export function prepareSpeaker(speaker: Speaker, model: Pick<LanguageModel, 'shape' | 'fingerprint'>): PreparedSpeaker {
  const { persona, alpha, allowModelMismatch } = speaker
  if (persona.kind === 'none' && alpha !== undefined) {
    throw new PalignError('invalid-input', `base model has no alpha, ${alpha} was given`, { hint: 'choose a persona first' })
  }
  const { system, displacement, adapter } = compilePersona(persona, model, { alpha, allowModelMismatch })
  const modelMismatch = isOfOtherModel(persona, model)
  return { speaker, alpha: alpha ?? ownAlpha(persona), prompt: system, steering: { displacement, adapter }, modelMismatch }
}

function ownAlpha(persona: Persona): number | undefined {
  switch (persona.kind) {
    case 'none':
    case 'prompt':
      return undefined
    case 'steering':
    case 'prompt+steering':
      return persona.alpha
    case 'adapter':
      return 1
    default:
      return persona satisfies never
  }
}
