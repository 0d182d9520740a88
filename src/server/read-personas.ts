/** @file The persona files and adapter folders of one folder, by the names that requests use. */
import { createHash } from 'node:crypto'
import { readdir, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { PalignError } from '../errors.ts'
import { ADAPTER_CONFIG, ADAPTER_TENSORS, PERSONA_RECORD } from '../node/adapter-folder.ts'
import { AGE_ENDING } from '../node/age.ts'
import {
  PERSONA_ENDING,
  personaFromBytes,
  personaNameOf,
  type ReadPersonaOptions,
  readPersona,
  readPersonaBytes,
} from '../node/persona-file.ts'
import { readFileBounded } from '../node/read-file.ts'
import type { StoredPersona } from '../persona/persona.ts'
import type { ShelvedPersona } from './persona-shelf.ts'

const MOST_PERSONAS = 10_000
const MOST_BYTES = 1 << 30

/**
 * Files that end in .safetensors or .age, and folders with an adapter; others are passed over.
 * @param options.passphrase one for all that are encrypted; each costs a second to open
 * @throws PalignError as `readPersona` does, and `invalid-input` for a link that leaves the folder and for two of one name
 */
export async function readPersonaFolder(folder: string, options: ReadPersonaOptions = {}): Promise<ShelvedPersona[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new PalignError('not-found', `folder ${folder} cannot be read`, { cause })
  })
  const personas: ShelvedPersona[] = []
  const root = await realpath(folder)
  for (const name of names.sort()) {
    const path = join(folder, name)
    const parts = await filesOf(path)
    if (parts === undefined) continue
    for (const part of [path, ...parts]) await refuseOutside(part, root)
    if (personas.length === MOST_PERSONAS)
      throw new PalignError('invalid-input', `folder ${folder} has more than ${MOST_PERSONAS} personas`)
    const id = personaNameOf(path)
    if (personas.some((other) => other.id === id)) {
      throw new PalignError('invalid-input', `folder ${folder} has two personas called ${id}`, { hint: 'rename one of them' })
    }
    const { persona, content } = await contentOf(path, parts, options)
    personas.push({ id, persona, root: createHash('sha256').update(content).digest('hex') })
  }
  return personas
}

/** With the plain bytes of what makes it what it is: the same persona has one hash, encrypted or not. */
async function contentOf(
  path: string,
  [weights, ...others]: readonly [string, ...string[]],
  options: ReadPersonaOptions,
): Promise<{ readonly persona: StoredPersona; readonly content: Uint8Array }> {
  if (weights !== path || others.length > 0) {
    return { persona: await readPersona(path), content: await readFileBounded(weights, MOST_BYTES) }
  }
  const content = await readPersonaBytes(path, options)
  return { persona: await personaFromBytes(content, path), content }
}

/** Files of a persona, the one whose content makes it what it is first; undefined for what is none. */
async function filesOf(path: string): Promise<readonly [string, ...string[]] | undefined> {
  const inside = await readdir(path).catch((): string[] | undefined => undefined)
  if (inside === undefined) return path.endsWith(PERSONA_ENDING) || path.endsWith(AGE_ENDING) ? [path] : undefined
  // One with its tensors in another format is no persona that is passed over in silence: reading it says what is wrong.
  if (!inside.includes(ADAPTER_CONFIG) && !inside.includes(ADAPTER_TENSORS)) return undefined
  const others = [ADAPTER_CONFIG, PERSONA_RECORD].filter((name) => inside.includes(name))
  return [join(path, ADAPTER_TENSORS), ...others.map((name) => join(path, name))]
}

/** Whoever may write into the folder of personas may not have other files of this machine read. */
async function refuseOutside(path: string, root: string): Promise<void> {
  const target = await realpath(path).catch(() => undefined)
  if (target === undefined || target.startsWith(`${root}${sep}`)) return
  throw new PalignError('invalid-input', `persona ${path} is a link that leaves its folder`, {
    hint: 'put the file itself into the folder of personas',
  })
}
