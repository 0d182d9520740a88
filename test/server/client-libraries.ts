/** @file The client libraries that the server has to please, behind one interface. None of them tries again by itself here. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { ChatOpenAI } from '@langchain/openai'
import { APICallError, generateText, streamText } from 'ai'
import OpenAI, { APIError } from 'openai'
import { PalignApiError, palignClient } from '../../src/client/index.ts'

export interface Ask {
  /** With /v1. */
  readonly url: string
  readonly content: string
  readonly model?: string | undefined
  readonly apiKey?: string | undefined
  /** Fields of the body, sent as each library sends what it does not know. */
  readonly fields?: Readonly<Record<string, unknown>> | undefined
  readonly fetch?: typeof fetch | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Answer {
  readonly text: string
  readonly reason: string | undefined
  readonly promptTokens: number | undefined
  readonly completionTokens: number | undefined
}

/** What a library shows of an error; undefined for what it does not show. */
export interface ErrorFacts {
  /** Name of the class of the library that it is an instance of. */
  readonly of: string
  readonly status?: number | undefined
  readonly code?: unknown
  readonly param?: unknown
  readonly message: string
}

export interface ClientLibrary {
  readonly name: string
  complete(ask: Ask): Promise<Answer>
  /** Tells each piece of text; the answer at the end. */
  stream(ask: Ask, onText?: (text: string) => void): Promise<Answer>
  facts(error: unknown): ErrorFacts
}

const KEY = 'none-is-asked-for'

function classOf(error: unknown, known: readonly (readonly [string, abstract new (...args: never[]) => unknown])[]): string {
  return known.find(([, type]) => error instanceof type)?.[0] ?? `no error of the library: ${String(error)}`
}

/** Subclasses first. */
const OPENAI_ERRORS = [
  ['BadRequestError', OpenAI.BadRequestError],
  ['AuthenticationError', OpenAI.AuthenticationError],
  ['PermissionDeniedError', OpenAI.PermissionDeniedError],
  ['NotFoundError', OpenAI.NotFoundError],
  ['RateLimitError', OpenAI.RateLimitError],
  ['InternalServerError', OpenAI.InternalServerError],
  ['APIError', APIError],
] as const

function openaiFacts(error: unknown): ErrorFacts {
  const { status, code, param, message } = error as APIError
  return { of: classOf(error, OPENAI_ERRORS), status, code, param, message }
}

const openai = ({ url, apiKey = KEY, fetch }: Ask) => new OpenAI({ baseURL: url, apiKey, maxRetries: 0, ...(fetch && { fetch }) })
const chatBody = ({ model = 'echo', content, fields }: Ask) => ({
  model,
  messages: [{ role: 'user' as const, content }],
  ...fields,
})

const openaiPackage: ClientLibrary = {
  name: 'openai',
  async complete(ask) {
    const { choices, usage } = await openai(ask).chat.completions.create(chatBody(ask), { signal: ask.signal })
    const [choice] = choices
    return {
      text: choice!.message.content!,
      reason: choice!.finish_reason,
      promptTokens: usage?.prompt_tokens,
      completionTokens: usage?.completion_tokens,
    }
  },
  async stream(ask, onText) {
    const body = { ...chatBody(ask), stream: true, stream_options: { include_usage: true } } as const
    let [text, reason, promptTokens, completionTokens]: [string, string?, number?, number?] = ['']
    for await (const { choices, usage } of await openai(ask).chat.completions.create(body, { signal: ask.signal })) {
      const piece = choices[0]?.delta.content ?? ''
      if (piece !== '') onText?.(piece)
      text += piece
      reason = choices[0]?.finish_reason ?? reason
      promptTokens = usage?.prompt_tokens ?? promptTokens
      completionTokens = usage?.completion_tokens ?? completionTokens
    }
    return { text, reason, promptTokens, completionTokens }
  },
  facts: openaiFacts,
}

const aiSettings = ({ url, apiKey = KEY, model = 'echo', content, fields, fetch, signal }: Ask) => ({
  model: createOpenAICompatible({ name: 'palign', baseURL: url, apiKey, includeUsage: true, ...(fetch && { fetch }) })(model),
  prompt: content,
  maxRetries: 0,
  ...(fields && { providerOptions: { palign: fields as Record<string, never> } }),
  ...(signal && { abortSignal: signal }),
})

const aiSdk: ClientLibrary = {
  name: 'ai with @ai-sdk/openai-compatible',
  async complete(ask) {
    const { text, finishReason, usage } = await generateText(aiSettings(ask))
    return { text, reason: finishReason, promptTokens: usage.inputTokens, completionTokens: usage.outputTokens }
  },
  async stream(ask, onText) {
    // Errors come as parts; the library's own handler would print them.
    const { fullStream } = streamText({ ...aiSettings(ask), onError: () => undefined })
    let [text, reason, promptTokens, completionTokens]: [string, string?, number?, number?] = ['']
    for await (const part of fullStream) {
      if (part.type === 'error') throw part.error
      if (part.type === 'abort') throw new DOMException('aborted', 'AbortError')
      if (part.type === 'text-delta') {
        onText?.(part.text)
        text += part.text
      }
      if (part.type === 'finish') {
        reason = part.finishReason
        promptTokens = part.totalUsage.inputTokens
        completionTokens = part.totalUsage.outputTokens
      }
    }
    return { text, reason, promptTokens, completionTokens }
  },
  facts(error) {
    if (!APICallError.isInstance(error))
      return { of: 'no error of the library', ...(error as { message: string; code: unknown }) }
    const { error: body } = (error.data ?? {}) as { error?: { code?: unknown; param?: unknown } }
    return { of: 'APICallError', status: error.statusCode, code: body?.code, param: body?.param, message: error.message }
  },
}

const langchain = ({ url, apiKey = KEY, model = 'echo', fields, fetch }: Ask) =>
  new ChatOpenAI({
    model,
    apiKey,
    maxRetries: 0,
    streamUsage: true,
    ...(fields && { modelKwargs: fields }),
    configuration: { baseURL: url, ...(fetch && { fetch }) },
  })

type Counts = Pick<Answer, 'promptTokens' | 'completionTokens'>

/** TypeScript 7 infers no type for the field of this library. */
function countsOf(usage: unknown): Counts {
  const { input_tokens, output_tokens } = (usage ?? {}) as { input_tokens?: number; output_tokens?: number }
  return { promptTokens: input_tokens, completionTokens: output_tokens }
}

const langChain: ClientLibrary = {
  name: '@langchain/openai',
  async complete(ask) {
    const { text, response_metadata, usage_metadata } = await langchain(ask).invoke(
      ask.content,
      ask.signal && { signal: ask.signal },
    )
    return {
      text,
      reason: response_metadata.finish_reason as string,
      ...countsOf(usage_metadata),
    }
  },
  async stream(ask, onText) {
    let [text, reason, usage]: [string, string | undefined, Counts] = ['', undefined, countsOf(undefined)]
    for await (const chunk of await langchain(ask).stream(ask.content, ask.signal && { signal: ask.signal })) {
      if (chunk.text !== '') onText?.(chunk.text)
      text += chunk.text
      reason = (chunk.response_metadata.finish_reason as string | undefined) ?? reason
      if (chunk.usage_metadata) usage = countsOf(chunk.usage_metadata)
    }
    return { text, reason, ...usage }
  },
  // It throws the errors of the package `openai`, some with a further field; only what exceeds the context is a class of its own.
  facts(error) {
    const { name, message, cause } = error as Error
    if (name !== 'ContextOverflowError') return openaiFacts(error)
    const { status, code, param } = cause as APIError
    return { of: name, status, code, param, message }
  },
}

const palign = ({ url, apiKey, fetch }: Ask) => palignClient({ baseUrl: url, apiKey, ...(fetch && { fetch }) })

const palignPackage: ClientLibrary = {
  name: 'palign/client',
  async complete(ask) {
    const { choices, usage } = await palign(ask).chat.complete(chatBody(ask), { signal: ask.signal })
    const { message, finish_reason } = choices[0]!
    const { prompt_tokens, completion_tokens } = usage
    return { text: message.content, reason: finish_reason, promptTokens: prompt_tokens, completionTokens: completion_tokens }
  },
  async stream(ask, onText) {
    let [text, reason, promptTokens, completionTokens]: [string, string?, number?, number?] = ['']
    for await (const event of palign(ask).chat.stream(chatBody(ask), { signal: ask.signal })) {
      if (event.kind === 'text') {
        onText?.(event.text)
        text += event.text
      }
      if (event.kind === 'finish') reason = event.reason
      if (event.kind === 'usage') {
        promptTokens = event.usage.prompt_tokens
        completionTokens = event.usage.completion_tokens
      }
    }
    return { text, reason, promptTokens, completionTokens }
  },
  facts(error) {
    const { status, code, param, message } = error as PalignApiError
    return { of: classOf(error, [['PalignApiError', PalignApiError]]), status, code, param, message }
  },
}

export const CLIENT_LIBRARIES: readonly ClientLibrary[] = [openaiPackage, aiSdk, langChain, palignPackage]
