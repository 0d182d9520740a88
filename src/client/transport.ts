/** @file One request over fetch: headers, errors, and further tries where they are wanted and may help. */
import { bodyFacts, headerFacts, PalignApiError, parsedJson } from './error.ts'

/** The part of fetch that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface TransportOptions {
  /** Without /v1 and without a slash at the end. */
  readonly root: string
  readonly apiKey: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly fetch: Fetch
  readonly retries: number
  /** @throws the signal's reason */
  readonly wait: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>
}

export interface CallOptions {
  /** Ends the request; the server stops generating. */
  readonly signal?: AbortSignal | undefined
}

export interface TransportRequest extends CallOptions {
  readonly path: string
  /** Default: POST with a body, GET without one. */
  readonly method?: 'DELETE' | 'PATCH' | 'POST' | undefined
  /** Sent as JSON. */
  readonly body?: object | undefined
  readonly accept?: string | undefined
}

export type Transport = (request: TransportRequest) => Promise<Response>

const FIRST_WAIT_MS = 500
/** Who has to wait longer than this is told so and may do it himself. */
const LONGEST_WAIT_MS = 60_000
const WORTH_ANOTHER_TRY = [408, 429, 500, 502, 503, 504]

export function transport({ root, apiKey, headers, fetch, retries, wait }: TransportOptions): Transport {
  const once = async ({ path, method, body, signal, accept = 'application/json' }: TransportRequest): Promise<Response> => {
    const init: RequestInit = {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...headers,
        accept,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal !== undefined && { signal }),
    }
    const response = await fetch(root + path, init).catch((cause: unknown) => {
      throw broken(cause, signal)
    })
    if (response.ok) return response
    throw await errorOf(response, signal)
  }
  return async (request) => {
    for (let failed = 0; ; failed++) {
      try {
        return await once(request)
      } catch (error) {
        const milliseconds = failed < retries ? waitBefore(error, failed) : undefined
        if (milliseconds === undefined) throw error
        await wait(milliseconds, request.signal)
      }
    }
  }
}

/** A failure of the connection as our error; an abort stays what its signal says. */
export function broken(cause: unknown, signal: AbortSignal | undefined, response?: Response): unknown {
  if (signal?.aborted) return signal.reason
  if (cause instanceof PalignApiError) return cause
  const seen = response === undefined ? 'server cannot be reached' : 'connection broke before the answer was whole'
  const facts = response === undefined ? {} : headerFacts(response)
  return new PalignApiError({ ...facts, code: 'connection_failed', message: seen, cause })
}

async function errorOf(response: Response, signal: AbortSignal | undefined): Promise<unknown> {
  const text = await response.text().catch(() => '')
  if (signal?.aborted) return signal.reason
  const facts = bodyFacts(parsedJson(text)) ?? {
    message: `server answered ${response.status} without saying why`,
    code: 'invalid_response',
  }
  return new PalignApiError({ ...headerFacts(response), ...facts })
}

/** Milliseconds before another try; undefined where none is worth it. */
function waitBefore(error: unknown, failed: number): number | undefined {
  if (!(error instanceof PalignApiError)) return undefined
  const { status, shouldRetry, retryAfter } = error
  const mayHelp = shouldRetry ?? (status === undefined || WORTH_ANOTHER_TRY.includes(status))
  const milliseconds = retryAfter === undefined ? FIRST_WAIT_MS * 2 ** failed : retryAfter * 1000
  return mayHelp && milliseconds <= LONGEST_WAIT_MS ? milliseconds : undefined
}

export function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error)
    const stop = () => {
      clearTimeout(timer)
      reject(signal!.reason as Error)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    signal?.addEventListener('abort', stop, { once: true })
  })
}
