/** @file The arms that the options of a command name: the unsteered model first, then every persona by its file's name. */
import { PalignError } from '../errors.ts'
import { type Arm, armOf, UNSTEERED } from '../eval/arm.ts'
import type { LanguageModel } from '../model/language-model.ts'
import { personaNameOf } from '../node/persona-file.ts'
import type { StoredPersona } from '../persona/persona.ts'
import { type PassphraseOptions, passphraseOf } from './passphrase.ts'
import { usablePersona } from './use-persona.ts'

/** Before the model is loaded: what is wrong with a file is found at once. @throws PalignError `invalid-input` for two files of one name */
export async function readPersonas(paths: readonly string[], options: PassphraseOptions): Promise<Map<string, StoredPersona>> {
  const personas = new Map<string, StoredPersona>()
  const passphrase = passphraseOf(options)
  for (const path of paths) {
    const name = personaNameOf(path)
    if (personas.has(name) || name === UNSTEERED.name) {
      throw new PalignError('invalid-input', `persona ${path} has the name ${name}, which another arm has`, {
        hint: 'rename the file: arms are called by the names of their files',
      })
    }
    personas.set(name, await usablePersona(path, { passphrase }))
  }
  return personas
}

export function armsOf(personas: ReadonlyMap<string, StoredPersona>, model: LanguageModel): Arm[] {
  return [UNSTEERED, ...Array.from(personas, ([name, persona]) => armOf(name, persona, model))]
}
