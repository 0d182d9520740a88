/** @file Writes that are whole or absent: temporary file beside the target, fsync, rename. */
import { randomBytes } from 'node:crypto'
import { access, constants, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PalignError } from '../errors.ts'

/** Creates the folder if needed; pieces are written one after the other, as they are asked for. A reader sees the old file or the new one, never half of one. */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | string | Iterable<Uint8Array>,
  { mode = 0o666 }: { readonly mode?: number } = {},
): Promise<void> {
  await makeFolder(dirname(path))
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      const isWhole = typeof content === 'string' || content instanceof Uint8Array
      // A file handle keeps its place: a piece follows the one before.
      for (const piece of isWhole ? [content] : content) await file.writeFile(piece)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** For the beginning of long work: makes the folder of a file to be written and refuses one that cannot hold it. */
export async function prepareToWrite(path: string): Promise<void> {
  const folder = dirname(path)
  try {
    await makeFolder(folder)
    await access(folder, constants.W_OK)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new PalignError('invalid-input', `folder ${folder} cannot be written to: ${code}`, {
      cause,
      hint: 'choose another --out',
    })
  }
}

/** Not mkdir's own `recursive`: on file systems that refuse with ENOENT (as /proc does) that tries forever. */
export async function makeFolder(path: string): Promise<void> {
  if (await made(path)) return
  await makeFolder(dirname(path))
  if (!(await made(path))) throw Object.assign(new Error(`folder ${path} cannot be made`), { code: 'ENOENT' })
}

/** Whether the folder is there now; false where its parent is missing. */
async function made(path: string): Promise<boolean> {
  return mkdir(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return true
      if (error.code === 'ENOENT' && dirname(path) !== path) return false
      throw error
    },
  )
}
