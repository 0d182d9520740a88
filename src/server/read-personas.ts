/** @file The persona files and adapter folders of one folder, by the names that requests use. */
import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PalignError } from '../errors.ts'
import { readPersona } from '../node/persona-file.ts'
import { readFileBounded } from '../node/read-file.ts'
import type { ShelvedPersona } from './persona-shelf.ts'

const MOST_PERSONAS = 10_000
const MOST_BYTES = 1 << 30

/** Files that end in .safetensors, and folders with an adapter; others are passed over. @throws PalignError as `readPersona` does */
export async function readPersonaFolder(folder: string): Promise<ShelvedPersona[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new PalignError('not-found', `folder ${folder} cannot be read`, { cause })
  })
  const personas: ShelvedPersona[] = []
  for (const name of names.sort()) {
    const path = join(folder, name)
    const weights = await weightsOf(path)
    if (weights === undefined) continue
    if (personas.length === MOST_PERSONAS)
      throw new PalignError('invalid-input', `folder ${folder} has more than ${MOST_PERSONAS} personas`)
    const root = createHash('sha256')
      .update(await readFileBounded(weights, MOST_BYTES))
      .digest('hex')
    personas.push({ id: name.replace(/\.safetensors$/, ''), persona: await readPersona(path), root })
  }
  return personas
}

/** The file whose content makes the persona what it is; undefined for what is no persona. */
async function weightsOf(path: string): Promise<string | undefined> {
  const info = await stat(path)
  if (info.isFile()) return path.endsWith('.safetensors') ? path : undefined
  const adapter = join(path, 'adapter_model.safetensors')
  return (await stat(adapter).catch(() => undefined))?.isFile() ? adapter : undefined
}
