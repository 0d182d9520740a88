/** @file Models of a hub that are here: one folder for each commit below the cache folder, and which commit a branch or tag was when it was last pulled. */
import { readdir, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { PalignError } from '../errors.ts'
import { parseStrictJson } from '../formats/strict-json.ts'
import { writeFileAtomic } from './atomic-write.ts'
import { type ExclusiveLockOptions, withExclusiveLock } from './exclusive-lock.ts'
import { COMMIT, type HubId, parseHubId } from './hub-names.ts'
import { type ModelLock, readModelLock } from './model-lock.ts'
import { decodeText, ifExists, readFileBounded } from './read-file.ts'

const MAX_REFS_BYTES = 1 << 20
const COMMIT_DIGITS = 12

export interface PulledModel extends Pick<ModelLock, 'id' | 'hub' | 'revision' | 'commit' | 'licence'> {
  readonly folder: string
  readonly bytes: number
}

export interface PulledModels {
  readonly models: readonly PulledModel[]
  /** Folders whose lock cannot be read. */
  readonly damaged: readonly string[]
}

/** Where the commits of a model lie. */
export function folderOfModel(cache: string, { owner, name }: Pick<HubId, 'owner' | 'name'>): string {
  return join(cache, 'models', `${owner}--${name}`)
}

export function folderOfCommit(cache: string, id: Pick<HubId, 'owner' | 'name'>, commit: string): string {
  return join(folderOfModel(cache, id), commit.slice(0, COMMIT_DIGITS))
}

/** What is on its way to a folder, and the lock of whoever brings it: beside it, since only there a rename makes it whole at once. */
export function besideFolder(folder: string, what: 'partial' | 'lock'): string {
  const target = resolve(folder)
  return join(dirname(target), `.${basename(target)}.${what}`)
}

/**
 * Folder of a model that was pulled, as `loadModel` takes it. No request is made.
 * @throws PalignError `invalid-input` for no name of a hub, `not-found` where it was not pulled
 */
export async function pulledFolderOf(
  text: string,
  { cache, hub }: { readonly cache: string; readonly hub: string },
): Promise<{ readonly folder: string; readonly lock: ModelLock }> {
  const id = parseHubId(text)
  const commit = COMMIT.test(id.revision) ? id.revision : (await readRefs(cache, id))[refOf(hub, id.revision)]
  const folder = commit === undefined ? undefined : folderOfCommit(cache, id, commit)
  const lock = folder === undefined ? undefined : await readModelLock(folder)
  if (folder === undefined || lock === undefined || lock.commit !== commit) {
    throw new PalignError('not-found', `model ${id.owner}/${id.name} was not pulled at revision ${id.revision}`, {
      hint: `palign pull ${id.owner}/${id.name}${id.revision === 'main' ? '' : `@${id.revision}`}, with a network`,
    })
  }
  return { folder, lock }
}

/** Notes what a revision was, for when there is no network. */
export async function writeRef(cache: string, id: HubId, hub: string, commit: string): Promise<void> {
  const refs = { ...(await readRefs(cache, id)), [refOf(hub, id.revision)]: commit }
  await writeFileAtomic(refsPath(cache, id), `${JSON.stringify(refs, null, 2)}\n`)
}

export async function listPulledModels(cache: string): Promise<PulledModels> {
  const models: PulledModel[] = []
  const damaged: string[] = []
  for (const model of await namesIn(join(cache, 'models'), /^[\w.-]+--[\w.-]+$/)) {
    for (const commit of await namesIn(join(cache, 'models', model), /^[0-9a-f]{12}$/)) {
      const folder = join(cache, 'models', model, commit)
      const lock = await readModelLock(folder).catch(() => undefined)
      if (lock === undefined) damaged.push(folder)
      else models.push(pulledModel(folder, lock))
    }
  }
  return { models, damaged }
}

/**
 * Deletes a model: all commits, or the one of the revision that stands in the text.
 * @returns the folders that were deleted, unfinished ones too
 * @throws PalignError `not-found`, `invalid-input`
 */
export async function removePulledModel(
  text: string,
  { cache, hub, ...lockOptions }: ExclusiveLockOptions & { readonly cache: string; readonly hub: string },
): Promise<readonly string[]> {
  const id = parseHubId(text)
  const home = folderOfModel(cache, id)
  const only = text.includes('@') ? (await pulledFolderOf(text, { cache, hub })).lock.commit.slice(0, COMMIT_DIGITS) : undefined
  const names = await namesIn(home, /^(\.[0-9a-f]{12}\.partial|[0-9a-f]{12})$/)
  const commits = [...new Set(names.map((name) => name.replace(/^\.|\.partial$/g, '')))]
  const removed: string[] = []
  for (const commit of commits.filter((name) => only === undefined || name === only)) {
    const folder = join(home, commit)
    await withExclusiveLock(besideFolder(folder, 'lock'), () => removeWhole(folder), lockOptions)
    removed.push(folder)
  }
  if (removed.length === 0) {
    throw new PalignError('not-found', `model ${id.owner}/${id.name} was not pulled`, {
      hint: 'palign models shows those that were',
    })
  }
  if (only === undefined) await rm(refsPath(cache, id), { force: true })
  // Stays where another commit does.
  await rmdir(home).catch(() => undefined)
  return removed
}

/** Under another name first: half a model has never its own. */
async function removeWhole(folder: string): Promise<void> {
  const partial = besideFolder(folder, 'partial')
  await rm(partial, { recursive: true, force: true })
  await rename(folder, partial).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  await rm(partial, { recursive: true, force: true })
}

function pulledModel(folder: string, { id, hub, revision, commit, licence, files }: ModelLock): PulledModel {
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  return { id, hub, revision, commit, licence, folder, bytes }
}

async function namesIn(folder: string, pattern: RegExp): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.filter((name) => pattern.test(name)).sort()
}

async function readRefs(cache: string, id: HubId): Promise<Record<string, string>> {
  const path = refsPath(cache, id)
  const bytes = await ifExists(readFileBounded(path, MAX_REFS_BYTES))
  if (bytes === undefined) return {}
  const parsed = z
    .record(z.string(), z.string().regex(COMMIT))
    .safeParse(parseStrictJson(decodeText(bytes, path), `file ${path}`))
  if (parsed.success) return parsed.data
  throw new PalignError('malformed-file', `file ${path} does not name commits`, { hint: 'delete it and pull the model again' })
}

const refsPath = (cache: string, id: HubId) => join(folderOfModel(cache, id), 'refs.json')
const refOf = (hub: string, revision: string) => `${hub} ${revision}`
