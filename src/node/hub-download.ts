/** @file One file of a hub, whole or absent under its name: ranges after a cut, size and hash as the hub declared them. */
import { rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PalignError, throwIfAborted } from '../errors.ts'
import { type Attempt, askAgain } from './asking-again.ts'
import { makeFolder } from './atomic-write.ts'
import { type AskHubOptions, failedAttempt, type HubFile, pathOfFile, refusal } from './hub-repository.ts'
import { askHub, type Hub } from './hub-request.ts'
import { openPartial, type PartialFile } from './partial-file.ts'

export interface DownloadOptions extends AskHubOptions {
  readonly id: string
  readonly commit: string
  /** Where bytes gather; stays after a failure, so that the next call goes on. */
  readonly partial: string
  readonly target: string
  /** Bytes of this file that are here. */
  readonly onBytes?: (bytes: number) => void
}

const STALL_MILLISECONDS = 60_000
/** So many new bytes count as progress: a server that cuts again and again is given up on all the same. */
const PROGRESS_BYTES = 1 << 20

/**
 * @returns the sha256 of the content, in hexadecimal digits, and the bytes that were sent
 * @throws PalignError `malformed-file` where size or hash are not the declared ones (nothing is kept), `engine-failed` and `deadline-exceeded` after the last
 * attempt, `not-found`, `invalid-input`, `aborted`
 */
export async function downloadFile(
  hub: Hub,
  file: HubFile,
  options: DownloadOptions,
): Promise<{ readonly sha256: string; readonly sentBytes: number }> {
  const partial = await openPartial(options.partial, file)
  const state: State = {
    hub,
    file,
    options,
    partial,
    furthest: partial.length(),
    hasOldBytes: partial.length() > 0,
    isWrong: false,
    sentBytes: 0,
  }
  let sha256: string
  try {
    sha256 = await askAgain(() => tryOnce(state), options)
    await partial.sync()
  } catch (error) {
    if (state.isWrong) await partial.discard()
    else await partial.close()
    throw error
  }
  await partial.close()
  await makeFolder(dirname(options.target))
  await rename(options.partial, options.target)
  await rm(`${options.partial}.etag`, { force: true })
  return { sha256, sentBytes: state.sentBytes }
}

interface State {
  readonly hub: Hub
  readonly file: HubFile
  readonly options: DownloadOptions
  readonly partial: PartialFile
  /** Most bytes that were here since there was progress. */
  furthest: number
  /** Whether bytes of an earlier attempt are part of it. */
  hasOldBytes: boolean
  /** Whether its bytes are of no use. */
  isWrong: boolean
  sentBytes: number
}

async function tryOnce(state: State): Promise<Attempt<string>> {
  const { hub, file, options, partial } = state
  const { id, commit, signal, resolveHost, stallMilliseconds = STALL_MILLISECONDS } = options
  const what = `${id}/${file.path}`
  if (partial.length() === file.size && (file.size > 0 || state.hasOldBytes)) return checked(state)
  const stall = watchStall(stallMilliseconds, signal)
  try {
    const headers = rangeHeaders(partial)
    const response = await askHub(hub, { path: pathOfFile(id, commit, file.path), headers, signal: stall.signal, resolveHost })
    if (response.status === 416 && partial.length() > 0) {
      await response.body?.cancel()
      await partial.restart(undefined)
      return again(state, 'refuses the range')
    }
    if (response.status !== 200 && response.status !== 206) return await refusal(hub, what, response)
    await begin(state, response)
    for await (const piece of response.body ?? []) {
      stall.alive()
      if (partial.length() + piece.length > file.size) throw wrongBytes(state, `has more than the ${file.size} bytes declared`)
      await partial.append(piece)
      state.sentBytes += piece.length
      options.onBytes?.(partial.length())
      throwIfAborted(signal)
    }
    return partial.length() === file.size
      ? await checked(state)
      : again(state, `ended at byte ${partial.length()} of ${file.size}`)
  } catch (error) {
    const failed = failedAttempt(hub, what, error, stall.hasStalled(), signal)
    return failed.kind === 'again' ? { ...failed, hasProgressed: hasProgressed(state) } : failed
  } finally {
    stall.end()
    state.hasOldBytes = partial.length() > 0
  }
}

function rangeHeaders(partial: PartialFile): Record<string, string> {
  // Plain bytes: a packed reply could not be gone on with, nor compared with the declared size.
  const headers: Record<string, string> = { 'accept-encoding': 'identity' }
  if (partial.length() > 0) {
    headers.range = `bytes=${partial.length()}-`
    const etag = partial.etag()
    if (etag !== undefined) headers['if-range'] = etag
  }
  return headers
}

/** Before the first byte: where the reply begins, and whether its length is the one that is missing. */
async function begin(state: State, response: Response): Promise<void> {
  const { file, options, partial } = state
  const refuse = async (rule: string) => {
    await response.body?.cancel()
    throw new PalignError('malformed-file', `file ${file.path} of ${options.id} ${rule}`)
  }
  const encoding = response.headers.get('content-encoding') ?? 'identity'
  if (encoding !== 'identity') await refuse(`comes packed (${encoding.slice(0, 20)}), expected plain bytes`)
  if (response.status === 206) {
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '') ?? []
    if (Number(start) !== partial.length() || (total !== '*' && Number(total) !== file.size)) {
      await refuse(`comes from another place than byte ${partial.length()} of ${file.size}`)
    }
  }
  const declared = response.headers.get('content-length')
  const missing = response.status === 206 ? file.size - partial.length() : file.size
  if (declared !== null && Number(declared) !== missing) await refuse(`comes with ${Number(declared)} bytes, expected ${missing}`)
  if (response.status === 206) return
  // From the start: the server knows no ranges, or has another version.
  const etag = response.headers.get('etag') ?? undefined
  await partial.restart(etag?.startsWith('"') ? etag : undefined)
  state.hasOldBytes = false
}

/** What is complete: its hash, or from the start once where parts of it came at different times. */
async function checked(state: State): Promise<Attempt<string>> {
  const { file, partial } = state
  const { sha256, declared } = partial.hashes()
  if (declared === file.hash.hex) return { kind: 'done', value: sha256 }
  const error = wrongBytes(state, `has the ${file.hash.kind} ${declared}, the hub declares ${file.hash.hex}`)
  if (!state.hasOldBytes) throw error
  state.isWrong = false
  await partial.restart(undefined)
  return { kind: 'again', error, afterMilliseconds: 0 }
}

function wrongBytes(state: State, rule: string): PalignError {
  state.isWrong = true
  return new PalignError('malformed-file', `file ${state.file.path} of ${state.options.id} ${rule}`, {
    hint: 'nothing of it was kept; try again later or tell its publisher',
  })
}

function again(state: State, rule: string): Attempt<never> {
  const error = new PalignError('engine-failed', `download of ${state.options.id}/${state.file.path} ${rule}`, {
    hint: 'the same command goes on where this one stopped',
  })
  return { kind: 'again', error, hasProgressed: hasProgressed(state) }
}

function hasProgressed(state: State): boolean {
  if (state.partial.length() < state.furthest + PROGRESS_BYTES) return false
  state.furthest = state.partial.length()
  return true
}

/** Aborts when nothing came for so long. */
function watchStall(milliseconds: number, signal: AbortSignal | undefined) {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), milliseconds)
  return {
    signal: signal === undefined ? controller.signal : AbortSignal.any([signal, controller.signal]),
    alive: () => void timer.refresh(),
    hasStalled: () => controller.signal.aborted,
    end: () => clearTimeout(timer),
  }
}
