/** @file What a hub says of a repository: its commit, its files with sizes and hashes, its licence; and small files of it, read into memory. */
import { z } from 'zod'
import { PalignError, throwIfAborted } from '../errors.ts'
import { parseStrictJson } from '../formats/strict-json.ts'
import { type AskAgainOptions, type Attempt, askAgain, readBounded, reasonOf, retryAfter } from './asking-again.ts'
import { COMMIT, type HubId, isTraversal, shown } from './hub-names.ts'
import { askHub, type Hub, type HubRequest, type ResolveHost } from './hub-request.ts'

export interface HubFile {
  readonly path: string
  readonly size: number
  /** Of the content; of files that lie in git itself, the id of the blob. */
  readonly hash: { readonly kind: 'sha256' | 'git-sha1'; readonly hex: string }
}

export interface ListedFile extends Omit<HubFile, 'size' | 'hash'> {
  readonly size: number | undefined
  readonly hash: HubFile['hash'] | undefined
}

export interface HubRepository {
  /** Owner and name. */
  readonly id: string
  /** 40 hexadecimal digits. */
  readonly commit: string
  /** As the publisher states it. */
  readonly licence: string | undefined
  readonly files: readonly ListedFile[]
}

export interface AskHubOptions extends AskAgainOptions {
  readonly resolveHost?: ResolveHost | undefined
  /** Longest time without a byte; default a minute. */
  readonly stallMilliseconds?: number | undefined
}

const MAX_LISTING_BYTES = 8 << 20
const MAX_FILES = 1000
const DEADLINE_MILLISECONDS = 120_000

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`))
const listing = z.looseObject({
  id: z.string(),
  sha: z.string().regex(COMMIT),
  tags: z.array(z.string()).optional(),
  siblings: z.array(
    z.looseObject({
      rfilename: z.string().max(1024),
      size: z.int().nonnegative().nullish(),
      blobId: hex(40).nullish(),
      lfs: z.looseObject({ sha256: hex(64), size: z.int().nonnegative() }).nullish(),
    }),
  ),
})

/**
 * The revision is resolved here, once; everything after asks for the commit.
 * @throws PalignError `not-found`, `invalid-input` where the hub wants a token, `malformed-file` for a listing that is none, has more than 1,000 files or names
 * that lead elsewhere, `engine-failed` and `deadline-exceeded` for a hub that does not answer
 */
export async function readHubRepository(hub: Hub, id: HubId, options: AskHubOptions = {}): Promise<HubRepository> {
  const path = ['api', 'models', id.owner, id.name, 'revision', id.revision]
  const what = `${id.owner}/${id.name}@${id.revision}`
  const text = await readText(hub, { path, query: '?blobs=true' }, { ...options, what, maxBytes: MAX_LISTING_BYTES })
  const refuse = (rule: string) => new PalignError('malformed-file', `listing of ${what} ${rule}`)
  const parsed = listing.safeParse(parseStrictJson(text, `listing of ${what}`))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw refuse(`is not that of a hub: ${issue?.path.join('.')}: ${issue?.message}`)
  }
  const { id: name, sha, siblings, tags = [] } = parsed.data
  if (name !== `${id.owner}/${id.name}`) {
    throw new PalignError('not-found', `model ${id.owner}/${id.name} has another name now: ${shown(name)}`, {
      hint: 'look at who publishes it, then pull it by that name',
    })
  }
  if (siblings.length > MAX_FILES) throw refuse(`has ${siblings.length} files, at most ${MAX_FILES} are read`)
  const hostile = siblings.find(({ rfilename }) => isTraversal(rfilename))
  if (hostile !== undefined) throw refuse(`has a file that leads elsewhere: ${shown(hostile.rfilename)}`)
  const licence = tags.find((tag) => /^license:[\w.+-]{1,64}$/.test(tag))?.slice('license:'.length)
  return {
    id: name,
    commit: sha,
    licence,
    files: siblings.map(({ rfilename, size, blobId, lfs }) => ({
      path: rfilename,
      size: lfs?.size ?? size ?? undefined,
      hash: lfs ? { kind: 'sha256', hex: lfs.sha256 } : blobId ? { kind: 'git-sha1', hex: blobId } : undefined,
    })),
  }
}

/** Path of a file of a commit below the hub's address. */
export function pathOfFile(id: string, commit: string, path: string): string[] {
  return [...id.split('/'), 'resolve', commit, ...path.split('/')]
}

/** A small text file of the hub. */
export async function readText(
  hub: Hub,
  request: HubRequest,
  options: AskHubOptions & { readonly what: string; readonly maxBytes: number },
): Promise<string> {
  const { what, maxBytes, signal, resolveHost } = options
  return askAgain<string>(async () => {
    const deadline = AbortSignal.timeout(Math.min(DEADLINE_MILLISECONDS, options.stallMilliseconds ?? DEADLINE_MILLISECONDS))
    try {
      const both = signal === undefined ? deadline : AbortSignal.any([signal, deadline])
      const response = await askHub(hub, { ...request, signal: both, resolveHost })
      if (response.status !== 200) return await refusal(hub, what, response)
      const text = await readBounded(response, maxBytes)
      if (text !== undefined) return { kind: 'done', value: text }
      throw new PalignError('malformed-file', `reply of ${hostOf(hub)} for ${what} has more than ${maxBytes} bytes`)
    } catch (error) {
      return failedAttempt(hub, what, error, deadline.aborted, signal)
    }
  }, options)
}

/** A reply that is none of the expected: to be asked again, or thrown. */
export async function refusal(hub: Hub, what: string, response: Response): Promise<Attempt<never>> {
  await response.body?.cancel()
  const { status } = response
  const said = `hub ${hostOf(hub)} answered ${status} for ${what}`
  if (status === 429 || status >= 500) {
    return { kind: 'again', error: new PalignError('engine-failed', said), afterMilliseconds: retryAfter(response) }
  }
  if (status === 404) throw new PalignError('not-found', said, { hint: 'check owner, name and revision' })
  if (status === 401 || status === 403) {
    const hint =
      hub.token === undefined
        ? 'it does not exist, or wants a token: accept its conditions on its page, then set HF_TOKEN or give --token-file'
        : 'the token may not read it: accept its conditions on its page, or check the token'
    throw new PalignError('invalid-input', said, { hint })
  }
  throw new PalignError('engine-failed', `${said}, expected 200`)
}

/** An attempt that threw: cuts and timeouts are asked again, what we refused ourselves is not. */
export function failedAttempt(
  hub: Hub,
  what: string,
  error: unknown,
  hasStalled: boolean,
  signal: AbortSignal | undefined,
): Attempt<never> {
  throwIfAborted(signal)
  if (error instanceof PalignError || isOfDisk(error)) throw error
  const failure = hasStalled
    ? new PalignError('deadline-exceeded', `hub ${hostOf(hub)} sent nothing for ${what} in time`, { cause: error })
    : new PalignError('engine-failed', `hub ${hostOf(hub)} cannot be read for ${what}: ${reasonOf(error)}`, {
        cause: error,
        hint: 'check the network and the address; the same command goes on where this one stopped',
      })
  return { kind: 'again', error: failure }
}

/** Our own disk fails, and would fail again. */
function isOfDisk(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return ['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EIO', 'EACCES', 'EBADF'].includes(code ?? '')
}

export function hostOf(hub: Hub): string {
  return new URL(hub.address).host
}
