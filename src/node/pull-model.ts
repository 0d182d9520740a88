/** @file A model of a hub becomes a folder here: resolved to a commit once, files chosen and told of, then brought. Without a network: what is here already. */
import { resolve } from 'node:path'
import { PalignError } from '../errors.ts'
import { type BringOptions, bringModel } from './bring-model.ts'
import { type ExclusiveLockOptions, withExclusiveLock } from './exclusive-lock.ts'
import { COMMIT, type HubId, parseHubId } from './hub-names.ts'
import { type HubRepository, hostOf, pathOfFile, readHubRepository, readText } from './hub-repository.ts'
import type { Hub } from './hub-request.ts'
import { needsShardIndex, type Selection, selectFiles } from './hub-selection.ts'
import { type ModelLock, readModelLock, verifyFolder } from './model-lock.ts'
import { besideFolder, folderOfCommit, pulledFolderOf, writeRef } from './pulled-models.ts'

export interface PullPlan {
  readonly hub: string
  readonly id: string
  readonly revision: string
  readonly commit: string
  readonly publisher: string
  readonly licence: string | undefined
  readonly folder: string
  readonly files: readonly { readonly path: string; readonly size: number }[]
  readonly bytes: number
  readonly leftOut: Selection['leftOut']
}

export interface PulledFolder extends PullPlan {
  /** Sent by the hub just now. */
  readonly downloadedBytes: number
}

interface Place {
  /** Folder of everything that palign keeps. */
  readonly cache: string
  /** In place of a folder below it. */
  readonly out?: string | undefined
  /** Weights in place of those that are chosen otherwise. */
  readonly files?: readonly string[] | undefined
}

export interface PullOptions extends Place, BringOptions, Pick<ExclusiveLockOptions, 'onWait'> {
  /** Nothing is written. */
  readonly dryRun?: boolean | undefined
  /** Called before the first byte of a file is asked for. */
  readonly onPlan?: ((plan: PullPlan) => void) | undefined
}

const MAX_INDEX_BYTES = 16 << 20

/**
 * @param text `owner/name` or `owner/name@revision`
 * @throws PalignError `malformed-file` where anything differs from what the hub or an earlier lock declares; `not-found`, `invalid-input`, `engine-failed`,
 * `deadline-exceeded`, `aborted`: what has come stays, and the next call goes on
 */
export async function pullModel(text: string, options: PullOptions): Promise<PulledFolder> {
  const id = parseHubId(text)
  const { hub, out, cache, dryRun = false, onPlan, onWait, signal, wait } = options
  const repository = await readHubRepository(hub, id, options)
  if (COMMIT.test(id.revision) && id.revision !== repository.commit) {
    throw new PalignError('malformed-file', `hub ${hostOf(hub)} answers commit ${repository.commit}, asked for ${id.revision}`)
  }
  const selection = selectFiles(repository, options.files ?? [], await readShardIndex(repository, options))
  const folder = resolve(out ?? folderOfCommit(cache, id, repository.commit))
  const plan = planOf(id, repository, selection, hub, folder)
  onPlan?.(plan)
  if (dryRun) return { ...plan, downloadedBytes: 0 }
  const downloadedBytes = await withExclusiveLock(
    besideFolder(folder, 'lock'),
    () => bringModel(plan, selection.files, options),
    {
      signal,
      wait,
      onWait,
    },
  )
  if (out === undefined) await writeRef(cache, id, hub.address, repository.commit)
  return { ...plan, downloadedBytes }
}

/**
 * What was pulled before, without any request: sizes are compared with the lock, and hashes if asked.
 * @throws PalignError `not-found` for what was not pulled, `malformed-file` for what differs from the lock
 */
export async function pulledModel(
  text: string,
  options: Place & { readonly hub: string; readonly verify?: boolean | undefined },
): Promise<PulledFolder> {
  const { out, files = [], verify = false } = options
  const { folder, lock } = out === undefined ? await pulledFolderOf(text, options) : await lockedFolder(text, resolve(out))
  const missing = files.filter((path) => !lock.files.some((file) => file.path === path))
  if (missing.length > 0) {
    const hint = `palign pull ${text} ${missing.map((path) => `--file ${path}`).join(' ')}, with a network`
    throw new PalignError('not-found', `file ${missing[0]} of ${lock.id} was not pulled at commit ${lock.commit}`, { hint })
  }
  await verifyFolder(folder, lock, { hashes: verify })
  const { hub, id, revision, commit, licence } = lock
  const bytes = lock.files.reduce((sum, { size }) => sum + size, 0)
  const publisher = id.split('/')[0]!
  return { hub, id, revision, commit, publisher, licence, folder, files: lock.files, bytes, leftOut: [], downloadedBytes: 0 }
}

async function lockedFolder(text: string, folder: string): Promise<{ folder: string; lock: ModelLock }> {
  const { owner, name, revision } = parseHubId(text)
  const lock = await readModelLock(folder)
  if (lock === undefined || lock.id !== `${owner}/${name}` || ![lock.revision, lock.commit].includes(revision)) {
    const seen = lock === undefined ? 'no model of a hub' : `${lock.id} at revision ${lock.revision}`
    throw new PalignError('not-found', `folder ${folder} holds ${seen}, expected ${owner}/${name} at ${revision}`, {
      hint: 'pull it with a network',
    })
  }
  return { folder, lock }
}

async function readShardIndex(repository: HubRepository, options: PullOptions): Promise<string | undefined> {
  const index = needsShardIndex(repository, options.files ?? [])
  if (index === undefined) return undefined
  const what = `${repository.id}/${index.path}`
  const path = pathOfFile(repository.id, repository.commit, index.path)
  return readText(options.hub, { path }, { ...options, what, maxBytes: MAX_INDEX_BYTES })
}

function planOf(
  id: HubId,
  { id: name, commit, licence }: HubRepository,
  { files, leftOut }: Selection,
  hub: Hub,
  folder: string,
): PullPlan {
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  if (!Number.isSafeInteger(bytes))
    throw new PalignError('malformed-file', `listing of ${name} declares more bytes than can be counted`)
  const sizes = files.map(({ path, size }) => ({ path, size }))
  const { owner: publisher, revision } = id
  return { hub: hub.address, id: name, revision, commit, publisher, licence, folder, files: sizes, bytes, leftOut }
}
