/** @file Folders that are whole or absent: filled under another name beside the target, then renamed. */
import { randomBytes } from 'node:crypto'
import { readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { PalignError } from '../errors.ts'
import { makeFolder, prepareToWrite } from './atomic-write.ts'

export interface WriteFolderOptions {
  /** Whether a folder with these files may be replaced; an empty one always may. Default: none. */
  readonly mayReplace?: (names: readonly string[]) => boolean
}

/**
 * @param fill writes the files into the folder it is given
 * @throws PalignError `invalid-input` where something stands that may not be replaced
 */
export async function writeFolderAtomic(
  path: string,
  fill: (folder: string) => Promise<void>,
  { mayReplace = () => false }: WriteFolderOptions = {},
): Promise<void> {
  const target = resolve(path)
  const exists = await checkTarget(target, mayReplace)
  const beside = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`)
  const [fresh, old] = [`${beside}.tmp`, `${beside}.old`]
  await makeFolder(fresh)
  try {
    await fill(fresh)
    if (exists) await rename(target, old)
    await rename(fresh, target).catch(async (error) => {
      if (exists) await rename(old, target)
      throw error
    })
  } catch (error) {
    await rm(fresh, { recursive: true, force: true })
    throw error
  }
  await rm(old, { recursive: true, force: true })
}

/**
 * For the beginning of long work: refuses a folder that could not be written at its end.
 * @throws PalignError `invalid-input`
 */
export async function prepareToWriteFolder(path: string, { mayReplace = () => false }: WriteFolderOptions = {}): Promise<void> {
  await prepareToWrite(resolve(path))
  await checkTarget(resolve(path), mayReplace)
}

async function checkTarget(target: string, mayReplace: (names: readonly string[]) => boolean): Promise<boolean> {
  let names: string[]
  try {
    names = await readdir(target)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return false
    throw new PalignError('invalid-input', `path ${target} cannot be made a folder: ${code}`, {
      cause,
      hint: 'choose another place',
    })
  }
  if (names.length > 0 && !mayReplace(names)) {
    throw new PalignError('invalid-input', `folder ${target} holds other files: ${names.slice(0, 3).join(', ')}`, {
      hint: 'choose a folder that is empty or does not exist',
    })
  }
  return true
}
