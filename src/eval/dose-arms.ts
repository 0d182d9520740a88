/** @file Every persona that has a strength also at half and at twice it: the grid of the safety protocol. */

import type { LanguageModel } from '../model/language-model.ts'
import type { StoredPersona } from '../persona/persona.ts'
import { type Arm, armOf } from './arm.ts'

const DOSES = [
  ['half', 0.5],
  ['double', 2],
] as const

/** Called `NAME:half` and `NAME:double`. A prompt has no strength, and no other doses. */
export function doseArms(personas: ReadonlyMap<string, StoredPersona>, model: LanguageModel): Arm[] {
  return Array.from(personas).flatMap(([name, persona]) => {
    const selected = strengthOf(persona)
    if (selected === undefined) return []
    return DOSES.map(([dose, factor]) => armOf(`${name}:${dose}`, persona, model, { alpha: factor * selected }))
  })
}

/** Alpha in sigmas; of an adapter, what its update is multiplied by. */
function strengthOf(persona: StoredPersona): number | undefined {
  switch (persona.kind) {
    case 'prompt':
      return undefined
    case 'adapter':
      return 1
    case 'steering':
    case 'prompt+steering':
      return persona.alpha
    default:
      return persona satisfies never
  }
}
