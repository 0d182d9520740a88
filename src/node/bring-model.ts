/**
 * @file Files of a commit come into a folder beside the target, are compared with the hashes that the hub declares, and the folder is renamed as a whole. What was
 * brought before is compared and left as it is.
 */
import { lstat, readdir, rename, rm, rmdir, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PalignError, throwIfAborted } from '../errors.ts'
import type { Progress } from '../model/language-model.ts'
import { makeFolder } from './atomic-write.ts'
import { downloadFile } from './hub-download.ts'
import type { AskHubOptions, HubFile } from './hub-repository.ts'
import type { Hub } from './hub-request.ts'
import { agrees, type LockedFile, type ModelLock, readModelLock, verifyFolder, writeModelLock } from './model-lock.ts'
import { hashFile } from './partial-file.ts'
import { besideFolder } from './pulled-models.ts'

export interface WantedModel extends Pick<ModelLock, 'hub' | 'id' | 'revision' | 'commit' | 'licence'> {
  readonly folder: string
}

export interface BringOptions extends AskHubOptions {
  readonly hub: Hub
  /** In bytes. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Of the file system of a folder; default what the system says. */
  readonly freeBytes?: ((folder: string) => Promise<number>) | undefined
}

/** Left free for others. */
const SPARE_BYTES = 64 << 20

/**
 * For the holder of the folder's lock.
 * @returns bytes that the hub sent
 * @throws PalignError `malformed-file` where anything differs from what the hub or an earlier lock declares, `invalid-input` for a folder with other things in it or
 * a disk without space, and as `downloadFile`
 */
export async function bringModel(plan: WantedModel, files: readonly HubFile[], options: BringOptions): Promise<number> {
  const { folder } = plan
  const before = await lockBefore(plan, files)
  if (before !== undefined) await verifyFolder(folder, before, { hashes: true })
  const missing = files.filter(({ path }) => !before?.files.some((file) => file.path === path))
  const stage = besideFolder(folder, 'partial')
  if (missing.length === 0) {
    await rm(stage, { recursive: true, force: true })
    return 0
  }
  await makeFolder(join(stage, 'files'))
  await keepOnly(join(stage, 'files'), new Set(missing.map(({ path }) => path)))
  await assertSpace(missing, stage, options)
  const fresh = await download(missing, stage, plan, options)
  const { hub, id, revision, commit, licence } = plan
  const lock: ModelLock = {
    format: 1,
    hub,
    id,
    revision,
    commit,
    licence,
    ...before,
    files: [...(before?.files ?? []), ...fresh.files],
  }
  if (before === undefined) {
    await writeModelLock(join(stage, 'files'), lock)
    // An empty folder stands in the way of a rename on some systems.
    await rmdir(folder).catch(() => undefined)
    await rename(join(stage, 'files'), folder)
  } else {
    for (const { path } of missing) {
      await makeFolder(dirname(join(folder, path)))
      await rename(join(stage, 'files', path), join(folder, path))
    }
    await writeModelLock(folder, lock)
  }
  await rm(stage, { recursive: true, force: true })
  return fresh.sentBytes
}

/** Of the same commit; undefined for a folder that is empty or not there. @throws PalignError `invalid-input`, `malformed-file` */
async function lockBefore({ folder, id, commit }: WantedModel, files: readonly HubFile[]): Promise<ModelLock | undefined> {
  const lock = await readModelLock(folder)
  if (lock === undefined) {
    const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw new PalignError('invalid-input', `path ${folder} cannot be made a folder: ${error.code}`, { cause: error })
    })
    if (names.length === 0) return undefined
    throw new PalignError('invalid-input', `folder ${folder} holds other files: ${names.slice(0, 3).join(', ')}`, {
      hint: 'choose a folder that is empty or does not exist',
    })
  }
  if (lock.id !== id || lock.commit !== commit) {
    throw new PalignError('invalid-input', `folder ${folder} holds ${lock.id} at commit ${lock.commit}, not ${id} at ${commit}`, {
      hint: 'choose another --out; a folder is never changed into another commit',
    })
  }
  for (const file of files) {
    const locked = lock.files.find(({ path }) => path === file.path)
    if (locked === undefined || agrees(locked, file)) continue
    throw new PalignError('malformed-file', `file ${file.path} of ${id} is another one under the same commit ${commit}`, {
      hint: 'a commit never changes: this hub is not to be believed. What was pulled before stays as it is',
    })
  }
  return lock
}

async function assertSpace(missing: readonly HubFile[], stage: string, { freeBytes = freeBytesOf }: BringOptions): Promise<void> {
  let needed = SPARE_BYTES
  for (const file of missing) {
    const here = [partialOf(stage, file), join(stage, 'files', file.path)].map((path) =>
      lstat(path).then(
        ({ size }) => size,
        () => 0,
      ),
    )
    needed += Math.max(0, file.size - Math.max(...(await Promise.all(here))))
  }
  const free = await freeBytes(stage)
  if (free >= needed) return
  throw new PalignError('invalid-input', `disk of ${stage} has ${free} bytes free, the model needs ${needed} more`, {
    hint: 'free some space, or choose another place with --out or PALIGN_CACHE',
  })
}

async function download(missing: readonly HubFile[], stage: string, { id, commit }: WantedModel, options: BringOptions) {
  const { hub, onProgress, signal } = options
  const total = missing.reduce((sum, { size }) => sum + size, 0)
  const files: LockedFile[] = []
  let [before, sentBytes] = [0, 0]
  for (const file of missing) {
    throwIfAborted(signal)
    const target = join(stage, 'files', file.path)
    const tell = (bytes: number) => onProgress?.({ done: before + bytes, total })
    let sha256 = await finishedBefore(target, file)
    if (sha256 === undefined) {
      const partial = partialOf(stage, file)
      const fresh = await downloadFile(hub, file, { ...options, id, commit, partial, target, onBytes: tell })
      sha256 = fresh.sha256
      sentBytes += fresh.sentBytes
    }
    tell(file.size)
    before += file.size
    const { path, size, hash } = file
    files.push({ path, size, sha256, ...(hash.kind === 'git-sha1' && { gitSha1: hash.hex }) })
  }
  return { files, sentBytes }
}

/** Of a file that an interrupted run completed, and that is still what it should be. */
async function finishedBefore(target: string, file: HubFile): Promise<string | undefined> {
  const info = await lstat(target).catch(() => undefined)
  if (!info?.isFile() || info.size !== file.size) return undefined
  const { sha256, declared } = await hashFile(target, file)
  return declared === file.hash.hex ? sha256 : undefined
}

/** An earlier run may have been asked for other files. */
async function keepOnly(folder: string, wanted: ReadonlySet<string>): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const full = join(entry.parentPath, entry.name)
    const path = full.slice(folder.length + 1).replaceAll('\\', '/')
    if (!entry.isDirectory() && !wanted.has(path)) await rm(full, { force: true })
  }
}

/** By its content: of another version under the same name nothing is gone on with. */
function partialOf(stage: string, { hash }: HubFile): string {
  return join(stage, 'parts', `${hash.hex}.partial`)
}

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}
