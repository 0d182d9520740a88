/** @file A persona from a path, for a command that will use it: decrypted where it is encrypted, refused where its time is over. */
import { type ReadPersonaOptions, readPersona } from '../node/persona-file.ts'
import { assertCurrent } from '../persona/expiry.ts'
import { isOfOtherModel, type MatchedModel } from '../persona/model-match.ts'
import type { Persona, StoredPersona } from '../persona/persona.ts'

/** @param now milliseconds since 1970. @throws PalignError as `readPersona` does, and `incompatible-persona` for one that has expired */
export async function usablePersona(path: string, options: ReadPersonaOptions, now = Date.now()): Promise<StoredPersona> {
  const persona = await readPersona(path, options)
  assertCurrent(persona, now, `persona ${path}`)
  return persona
}

/** The mark of every answer that is given all the same. */
export function mismatchNote(persona: Persona, model: MatchedModel): string | undefined {
  if (!isOfOtherModel(persona, model) || !('model' in persona)) return undefined
  return `persona was fitted on model ${persona.model?.slice(0, 12)}, not on this one (${model.fingerprint.slice(0, 12)}): what it does here was never measured`
}
