/** @file The personas that a chat knows, by id, and how a speaker is written: `id` or `id;alpha=2`, as in the header of the server. */
import { basename, resolve } from 'node:path'
import { NOBODY, type Speaker } from '../../chat/speaker.ts'
import { PalignError } from '../../errors.ts'
import { personaNameOf } from '../../node/persona-file.ts'
import { assertCurrent } from '../../persona/expiry.ts'
import type { Persona } from '../../persona/persona.ts'
import { readPersonaFolder } from '../../server/read-personas.ts'
import { type PassphraseOptions, passphraseOf } from '../passphrase.ts'
import { usablePersona } from '../use-persona.ts'
import { nearest } from './nearest.ts'

export type ChatPersonas = ReadonlyMap<string, Persona>

/** What can be typed behind a command: one word, no strength in it, nothing that moves a cursor. */
const ID = /^[^\s;\p{Cc}\p{Cf}]{1,64}$/u

export interface ReadPersonas {
  readonly personas: ChatPersonas
  /** The one of `--persona`. */
  readonly first: string | undefined
}

/** @throws PalignError as `readPersona` does, and `invalid-input` for names that cannot be told apart or typed */
export async function readChatPersonas({
  persona,
  personas: folder,
  ...options
}: PassphraseOptions & {
  readonly persona?: string | undefined
  readonly personas?: string | undefined
}): Promise<ReadPersonas> {
  const personas = new Map<string, Persona>()
  const add = (id: string, value: Persona, path: string) => {
    if (!ID.test(id) || id === NOBODY.id) {
      throw new PalignError(
        'invalid-input',
        `persona ${path} has the id ${JSON.stringify(id)}, expected one word other than none`,
        {
          hint: 'rename its file',
        },
      )
    }
    personas.set(id, value)
  }
  const passphrase = passphraseOf(options)
  if (folder !== undefined)
    for (const { id, persona: value } of await readPersonaFolder(folder, { passphrase })) add(id, value, `of ${folder}`)
  if (persona === undefined) return { personas, first: undefined }
  const first = personaNameOf(persona)
  // The folder may hold the very file; another one must not answer under its name.
  const isFromFolder = folder !== undefined && resolve(persona) === resolve(folder, basename(resolve(persona)))
  if (personas.has(first) && !isFromFolder) {
    throw new PalignError('invalid-input', `persona ${persona} and one of ${folder} are both called ${first}`, {
      hint: 'rename one of them',
    })
  }
  add(first, await usablePersona(persona, { passphrase }), persona)
  return { personas, first }
}

export interface SpeakerOptions {
  /** Milliseconds since 1970; default now. */
  readonly now?: number | undefined
  readonly allowModelMismatch?: boolean | undefined
}

/** @throws PalignError `not-found`, with the id that was probably meant; `incompatible-persona` for one that has expired */
export function speakerOf(
  written: string,
  personas: ChatPersonas,
  { now = Date.now(), allowModelMismatch }: SpeakerOptions = {},
): Speaker {
  const [, id = written, alpha] = /^([^;]+);alpha=(.+)$/.exec(written) ?? []
  const strength = alpha === undefined ? {} : { alpha: strengthOf(alpha) }
  if (id === NOBODY.id) return { ...NOBODY, ...strength }
  const persona = personas.get(id)
  if (persona !== undefined) {
    assertCurrent(persona, now, `persona ${id}`)
    return { id, persona, ...strength, ...(allowModelMismatch && { allowModelMismatch }) }
  }
  const known = [...personas.keys(), NOBODY.id]
  const meant = nearest(id, known)
  throw new PalignError('not-found', `persona ${id} is unknown`, {
    hint: meant === undefined ? '/persona lists those there are' : `did you mean ${meant}?`,
  })
}

export function strengthOf(text: string): number {
  const alpha = text.trim() === '' ? Number.NaN : Number(text)
  if (Number.isFinite(alpha)) return alpha
  throw new PalignError('invalid-input', `alpha is ${text}, expected a number`)
}

/** As it stands before everything that the speaker says. */
export function labelOf({ id, alpha }: { readonly id: string; readonly alpha: number | undefined }): string {
  return alpha === undefined ? id : `${id} (alpha ${Number(alpha.toPrecision(6))})`
}
