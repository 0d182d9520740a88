/**
 * @file Where the weights of a model lie: a folder is itself; a GGUF file becomes a folder once, below the cache folder, named by its hash
 * (`docs/decisions/0017`). Whole or not at all; of two processes one writes and the other waits.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PalignError } from '../errors.ts'
import { cacheFolder as defaultCacheFolder } from './activation-cache.ts'
import { writeFolderAtomic } from './atomic-folder.ts'
import { withExclusiveLock } from './exclusive-lock.ts'
import { writeGgufFolder } from './gguf-folder.ts'

export interface ModelSourceOptions {
  /** Default: `PALIGN_CACHE`, or what the XDG rules name. */
  readonly cacheFolder?: string | undefined
}

/** Grows when the same file would become another folder. */
const FORM = 1
/** The last file that is written, so that a folder with it is whole. */
const LAST = 'model.safetensors'

/**
 * @param path a model folder or a .gguf file
 * @returns a folder with config.json, tokenizer files and safetensors
 * @throws PalignError as reading a GGUF model: `not-found`, `malformed-file`, `unsupported-model`
 */
export async function modelFolderOf(
  path: string,
  { cacheFolder = defaultCacheFolder(process.env) }: ModelSourceOptions = {},
): Promise<string> {
  if (!(await isGguf(path))) return path
  const hash = await hashOf(path)
  const folder = join(cacheFolder, 'models', `gguf-${FORM}-${hash}`)
  if (await isThere(join(folder, LAST))) return folder
  await withExclusiveLock(`${folder}.lock`, async () => {
    // Another process may have written it meanwhile.
    if (await isThere(join(folder, LAST))) return
    await writeFolderAtomic(folder, (fresh) => writeGgufFolder({ path, hash, folder: fresh }), {
      mayReplace: (names) => !names.includes(LAST),
    })
  })
  return folder
}

/** Files of models have that name everywhere; what is inside is checked when it is read. */
export function isGgufName(path: string): boolean {
  return /\.gguf$/i.test(path)
}

/** By name, so that another file gets the error that says what a model is; a missing one is told as such. */
async function isGguf(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined)
  if (info?.isDirectory() === true) return false
  if (isGgufName(path)) {
    if (/-\d{5}-of-\d{5}\.gguf$/i.test(path) && info !== undefined) {
      throw new PalignError('unsupported-model', `file ${path} is one of several parts, expected one that holds all`, {
        hint: 'join the parts with llama-gguf-split --merge',
      })
    }
    return true
  }
  if (info?.isFile() !== true) return false
  throw new PalignError('invalid-input', `path ${path} is a file, expected a model folder or a .gguf file`, {
    hint: 'give the folder that has config.json, *.safetensors and tokenizer.json',
  })
}

async function hashOf(path: string): Promise<string> {
  const info = await stat(path).catch((cause) => {
    throw new PalignError('not-found', `file ${path} does not exist`, { cause })
  })
  if (!info.isFile()) throw new PalignError('invalid-input', `path ${path} is not a regular file`)
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
