/** @file A persona as one JSON value, for stores that hold no files: the files that `writePersona` makes, by name, in base64. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { PalignError } from '../errors.ts'
import type { StoredPersona } from '../persona/persona.ts'
import { readPersona, writePersona } from './persona-file.ts'

export interface PersonaBundle {
  readonly format: 1
  /** `persona.safetensors` alone, or the files of an adapter folder. */
  readonly files: readonly { readonly name: string; readonly base64: string }[]
}

const FILE = 'persona.safetensors'
/** Names that `writePersona` makes: no path, nothing hidden. */
const bundle = z.strictObject({
  format: z.literal(1),
  files: z
    .array(z.strictObject({ name: z.string().regex(/^[a-z][a-z_]{0,40}\.(json|safetensors)$/), base64: z.base64() }))
    .min(1)
    .max(8),
})

export async function packPersona(persona: StoredPersona): Promise<PersonaBundle> {
  return inScratch(async (folder) => {
    const path = persona.kind === 'adapter' ? join(folder, 'adapter') : join(folder, FILE)
    await writePersona(path, persona)
    const paths = (await stat(path)).isFile() ? [path] : (await readdir(path)).sort().map((name) => join(path, name))
    const files = paths.map(async (file) => ({ name: basename(file), base64: (await readFile(file)).toString('base64') }))
    return { format: 1, files: await Promise.all(files) }
  })
}

/** @throws PalignError `malformed-file` for anything else than a bundle of a persona; it names no path */
export async function unpackPersona(json: unknown): Promise<StoredPersona> {
  const parsed = bundle.safeParse(json)
  if (!parsed.success) throw new PalignError('malformed-file', 'stored persona is no bundle of persona files')
  const { files } = parsed.data
  return inScratch(async (folder) => {
    for (const { name, base64 } of files) await writeFile(join(folder, name), Buffer.from(base64, 'base64'))
    const path = files.length === 1 && files[0]!.name === FILE ? join(folder, FILE) : folder
    return readPersona(path).catch((cause: unknown) => {
      throw new PalignError('malformed-file', 'stored persona cannot be read', { hint: 'align it again', cause })
    })
  })
}

/** A folder that only this user can read, gone afterwards. */
async function inScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'palign-persona-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
