/** @file The client: the routes as functions. It keeps no state and sends nothing that it was not given. */
import type { ChatCompletion, ChatEvent, ChatLogprobs, ChatRequest } from './chat-types.ts'
import type { Health, Model, Props } from './common-types.ts'
import type { Completion, CompletionEvent, CompletionLogprobs, CompletionRequest } from './completion-types.ts'
import { headerFacts, isObject, PalignApiError, parsedJson } from './error.ts'
import { lifeCalls } from './life.ts'
import type { Jobs, Personas, Respondents } from './life-types.ts'
import { streamEvents } from './stream-events.ts'
import {
  broken,
  type CallOptions,
  type Fetch,
  sleep,
  type TransportOptions,
  type TransportRequest,
  transport,
} from './transport.ts'

export interface PalignClientOptions {
  /** Where the server is, with or without /v1: `http://localhost:8080/v1`. Empty on a page that the server itself delivers. */
  readonly baseUrl: string
  readonly apiKey?: string | undefined
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Default: the runtime's own. */
  readonly fetch?: Fetch | undefined
  /** Further tries where none reached the server, or it is overloaded or failed; default 0. `retry-after` and `x-should-retry` are obeyed. */
  readonly retries?: number | undefined
  /** How to wait between them. */
  readonly wait?: TransportOptions['wait'] | undefined
  /** Most characters of one event of a stream; default 8 Mi. */
  readonly maxEventLength?: number | undefined
}

/** All throw `PalignApiError`, or the reason of their signal. A stream sends its request when it is first asked for an event; leaving its loop ends the request. */
export interface PalignClient {
  readonly chat: {
    readonly complete: (request: ChatRequest, options?: CallOptions) => Promise<ChatCompletion>
    readonly stream: (request: ChatRequest, options?: CallOptions) => AsyncGenerator<ChatEvent, void, void>
  }
  readonly completions: {
    readonly complete: (request: CompletionRequest, options?: CallOptions) => Promise<Completion>
    readonly stream: (request: CompletionRequest, options?: CallOptions) => AsyncGenerator<CompletionEvent, void, void>
  }
  readonly models: {
    /** The base model and every persona. */
    readonly list: (options?: CallOptions) => Promise<readonly Model[]>
    readonly get: (id: string, options?: CallOptions) => Promise<Model>
  }
  /** What `palign serve --store` keeps: answers, jobs, and personas made by them. */
  readonly respondents: Respondents
  readonly jobs: Jobs
  readonly personas: Personas
  readonly health: (options?: CallOptions) => Promise<Health>
  readonly props: (options?: CallOptions) => Promise<Props>
  /** Ids of the tokens of a text; spellings of special tokens stay plain text. */
  readonly tokenize: (text: string, options?: CallOptions) => Promise<readonly number[]>
  readonly detokenize: (tokens: readonly number[], options?: CallOptions) => Promise<string>
}

const MAX_EVENT_LENGTH = 8 << 20

export function palignClient({
  baseUrl,
  apiKey,
  headers = {},
  // A call without the global object before it fails in browsers.
  fetch = (url, init) => globalThis.fetch(url, init),
  retries = 0,
  wait = sleep,
  maxEventLength = MAX_EVENT_LENGTH,
}: PalignClientOptions): PalignClient {
  const send = transport({ root: rootOf(baseUrl), apiKey, headers, fetch, retries, wait })

  const json = async <T>(
    request: TransportRequest,
    isWhole: (body: Readonly<Record<string, unknown>>) => boolean,
  ): Promise<T> => {
    const response = await send(request)
    const text = await response.text().catch((cause: unknown) => {
      throw broken(cause, request.signal, response)
    })
    const body = parsedJson(text)
    if (isObject(body) && isWhole(body)) return body as T
    throw new PalignApiError({
      ...headerFacts(response),
      code: 'invalid_response',
      message: `server answered ${request.path} with something else than the route promises`,
    })
  }

  async function* stream<Logprobs>({ path, body, choices, signal }: StreamRequest) {
    const streamed = { ...body, stream: true, stream_options: { include_usage: true } }
    const response = await send({ path, body: streamed, signal, accept: 'text/event-stream' })
    yield* streamEvents<Logprobs>({ response, signal, maxEventLength, choices })
  }

  const chat = '/v1/chat/completions'
  const completions = '/v1/completions'
  return {
    chat: {
      complete: (body, { signal } = {}) => json({ path: chat, body, signal }, hasWholeChoices),
      stream: (body, { signal } = {}) => stream<ChatLogprobs>({ path: chat, body, choices: body.n ?? 1, signal }),
    },
    completions: {
      complete: (body, { signal } = {}) => json({ path: completions, body, signal }, hasWholeChoices),
      stream: (body, { signal } = {}) => {
        const choices = promptsOf(body.prompt) * (body.n ?? 1)
        return stream<CompletionLogprobs>({ path: completions, body, choices, signal })
      },
    },
    models: {
      list: async ({ signal } = {}) => {
        const { data } = await json<{ data: readonly Model[] }>({ path: '/v1/models', signal }, ({ data }) => Array.isArray(data))
        return data
      },
      get: (id, { signal } = {}) =>
        json({ path: `/v1/models/${encodeURIComponent(id)}`, signal }, (body) => typeof body.id === 'string'),
    },
    ...lifeCalls({ json, send, maxEventLength }),
    health: ({ signal } = {}) => json({ path: '/health', signal }, ({ status }) => typeof status === 'string'),
    props: ({ signal } = {}) => json({ path: '/props', signal }, ({ model }) => isObject(model)),
    tokenize: async (content, { signal } = {}) => {
      const isWhole = ({ tokens }: { tokens?: unknown }) => Array.isArray(tokens)
      return (await json<{ tokens: readonly number[] }>({ path: '/tokenize', body: { content }, signal }, isWhole)).tokens
    },
    detokenize: async (tokens, { signal } = {}) => {
      const isWhole = ({ content }: { content?: unknown }) => typeof content === 'string'
      return (await json<{ content: string }>({ path: '/detokenize', body: { tokens }, signal }, isWhole)).content
    },
  }
}

interface StreamRequest extends CallOptions {
  readonly path: string
  readonly body: object
  readonly choices: number
}

function rootOf(baseUrl: string): string {
  let end = baseUrl.length
  while (end > 0 && baseUrl[end - 1] === '/') end--
  const url = baseUrl.slice(0, end)
  return url.endsWith('/v1') ? url.slice(0, -'/v1'.length) : url
}

/** One text or one list of ids is one prompt. */
function promptsOf(prompt: CompletionRequest['prompt']): number {
  return typeof prompt === 'string' || typeof prompt[0] === 'number' ? 1 : prompt.length
}

/** An answer without a reason to end may have been cut anywhere, and one that does not say who answers may be nobody's: another server passes personas over. */
function hasWholeChoices({ choices, persona }: Readonly<Record<string, unknown>>): boolean {
  return (
    typeof persona === 'string' &&
    Array.isArray(choices) &&
    choices.length > 0 &&
    choices.every((choice: unknown) => isObject(choice) && typeof choice.finish_reason === 'string')
  )
}
