/** @file Requests to servers that may be busy: asked again, later each time, and what is read of a reply is bounded. */
import { type PalignError, throwIfAborted } from '../errors.ts'

/** Of one attempt; what cannot be helped by asking again is thrown. */
export type Attempt<T> =
  | { readonly kind: 'done'; readonly value: T }
  | {
      readonly kind: 'again'
      readonly error: PalignError
      /** What the server asked for. */
      readonly afterMilliseconds?: number | undefined
      /** The next attempt counts as the first. */
      readonly hasProgressed?: boolean
    }

/** Waits, or returns early when the signal says so. */
export type Wait = (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>

export interface AskAgainOptions {
  /** In a row without progress; default 5. */
  readonly attempts?: number | undefined
  /** Between attempts; default a timer that a signal ends. */
  readonly wait?: Wait | undefined
  readonly signal?: AbortSignal | undefined
}

const FIRST_WAIT = 1000
const LONGEST_WAIT = 60_000

/** The first attempt that is done. @throws PalignError that of the last attempt, `aborted` */
export async function askAgain<T>(
  tryOnce: () => Promise<Attempt<T>>,
  { attempts = 5, wait = pause, signal }: AskAgainOptions = {},
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(signal)
    const outcome = await tryOnce()
    if (outcome.kind === 'done') return outcome.value
    throwIfAborted(signal)
    if (outcome.hasProgressed) attempt = 1
    if (attempt >= attempts) throw outcome.error
    const doubled = FIRST_WAIT * 2 ** (attempt - 1)
    await wait(Math.min(LONGEST_WAIT, outcome.afterMilliseconds ?? doubled), signal)
  }
}

/** UTF-8 text; undefined where there is more than is read, packed or not. */
export async function readBounded(response: Response, maxBytes: number): Promise<string | undefined> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of response.body ?? []) {
    bytes += piece.length
    // Leaving the loop cancels the rest.
    if (bytes > maxBytes) return undefined
    pieces.push(piece)
  }
  return new TextDecoder().decode(Buffer.concat(pieces))
}

/** Of the header: seconds, or a date. */
export function retryAfter(response: Response): number | undefined {
  const header = response.headers.get('retry-after')
  if (header === null) return undefined
  const milliseconds = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now()
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds)
}

/** fetch says "fetch failed" and keeps the reason as the cause. */
export function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: { code?: string; message?: string }; message?: string }
  return cause?.code ?? cause?.message ?? message ?? 'no reason given'
}

export function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, milliseconds)
    signal?.addEventListener('abort', finish)
  })
}
