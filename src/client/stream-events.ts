/** @file From the chunks of a stream to its events, and the promise that none is taken for whole that was cut. */
import type { FinishReason, StreamEvent, Usage } from './common-types.ts'
import { bodyFacts, headerFacts, isObject, PalignApiError, parsedJson } from './error.ts'
import { readEvents } from './sse.ts'
import { broken } from './transport.ts'

export interface StreamOptions {
  readonly response: Response
  readonly signal: AbortSignal | undefined
  readonly maxEventLength: number
  /** Choices that were asked for: each must end. */
  readonly choices: number
}

/** A choice of a chunk: chat has its text in `delta`, the other route in `text`. */
interface WireChoice<Logprobs> {
  readonly index: number
  readonly delta?: { readonly content?: string | null }
  readonly text?: string
  readonly logprobs?: Logprobs | null
  readonly finish_reason?: FinishReason | null
}

interface WireChunk<Logprobs> {
  readonly id: string
  readonly model: string
  readonly persona: string
  readonly choices: readonly WireChoice<Logprobs>[]
  readonly usage?: Usage | null
}

/** @throws PalignApiError for an error in the stream, a connection that broke, and an end without a reason for every choice */
export async function* streamEvents<Logprobs>(options: StreamOptions): AsyncGenerator<StreamEvent<Logprobs>, void, void> {
  const finished = new Set<number>()
  let hasStarted = false
  for await (const { id, model, persona, choices, usage } of readChunks<Logprobs>(options)) {
    if (!hasStarted) yield { kind: 'start', id, model, persona }
    hasStarted = true
    for (const { index: choice, delta, text = delta?.content ?? '', logprobs = null, finish_reason: reason } of choices) {
      if (text !== '' || logprobs !== null) yield { kind: 'text', choice, text, logprobs }
      if (reason === null || reason === undefined) continue
      finished.add(choice)
      yield { kind: 'finish', choice, reason }
    }
    if (usage) yield { kind: 'usage', usage }
  }
  if (finished.size < options.choices) {
    const message = `stream ended with ${finished.size} of ${options.choices} choices complete`
    throw new PalignApiError({ ...headerFacts(options.response), code: 'stream_incomplete', message })
  }
}

async function* readChunks<Logprobs>(options: StreamOptions): AsyncGenerator<WireChunk<Logprobs>, void, void> {
  for await (const chunk of readJsonEvents(options)) {
    if (isChunk<Logprobs>(chunk)) yield chunk
    else {
      const message = 'stream has an event that is no chunk'
      throw new PalignApiError({ ...headerFacts(options.response), code: 'invalid_response', message })
    }
  }
}

/** The values of the events of a stream, until it says that it is done. @throws PalignApiError for an error in it, and for a connection that broke */
export async function* readJsonEvents({
  response,
  signal,
  maxEventLength,
}: Omit<StreamOptions, 'choices'>): AsyncGenerator<unknown, void, void> {
  const wrong = (message: string) => new PalignApiError({ ...headerFacts(response), code: 'invalid_response', message })
  if (response.body === null || !/^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')) {
    await response.body?.cancel()
    throw wrong('server answered with something else than a stream')
  }
  try {
    for await (const data of readEvents(response.body, { maxEventLength })) {
      if (data === '[DONE]') return
      const chunk = parsedJson(data)
      const failure = bodyFacts(chunk)
      if (failure !== undefined) throw new PalignApiError({ ...headerFacts(response), ...failure })
      yield chunk
    }
  } catch (error) {
    throw broken(error, signal, response)
  }
}

const isChunk = <Logprobs>(value: unknown): value is WireChunk<Logprobs> =>
  isObject(value) && Array.isArray(value.choices) && typeof value.persona === 'string'
