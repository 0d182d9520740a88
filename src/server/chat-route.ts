/** @file POST /v1/chat/completions: one answer, several, or a stream of chunks. */
import { randomInt, randomUUID } from 'node:crypto'
import type { Handler } from 'hono'
import type { GenerateRequest, GenerationEvent, LanguageModel } from '../model/language-model.ts'
import type { Message } from '../model/messages.ts'
import { withPersonaPrompt } from '../persona/system-prompt.ts'
import type { Admission } from './admission.ts'
import { type ChatRequest, parseChatRequest } from './chat-request.ts'
import { applyPersonas, chosenPersonas, type PersonaShelf } from './persona-shelf.ts'
import { problemBody, problemOf, refusal } from './problems.ts'

export interface ChatRouteOptions {
  readonly model: LanguageModel
  /** What the base model is called. */
  readonly name: string
  readonly shelf: PersonaShelf
  readonly admission: Admission
  /** Told of failures that the client is not told of. */
  readonly onFailure: (error: unknown) => void
}

type Finish = Extract<GenerationEvent, { kind: 'finish' }>

export function chatRoute({ model, name, shelf, admission, onFailure }: ChatRouteOptions): Handler {
  return async (c) => {
    const request = parseChatRequest(await jsonOf(c.req.raw))
    const [base, modelSuffix] = splitAt(request.model)
    if (base !== name)
      throw refusal({ code: 'model_not_found', param: 'model', message: `model ${JSON.stringify(base)} does not exist` })
    const chosen = chosenPersonas({ body: request.persona, header: c.req.header('x-persona'), modelSuffix })
    const { system, steering, label } = applyPersonas(chosen, shelf, model)
    const tokens = await model.render(messagesOf(request, system))
    if (tokens.length >= model.shape.contextLength) {
      throw refusal({
        code: 'context_length_exceeded',
        param: 'messages',
        message: `messages have ${tokens.length} tokens, the context holds ${model.shape.contextLength}`,
      })
    }
    const controller = new AbortController()
    const signal = AbortSignal.any([controller.signal, c.req.raw.signal])
    const seed = request.seed ?? randomInt(2 ** 31)
    const generate = (choice: number) =>
      model.generate({
        ...settingsOf(request),
        tokens,
        ...steering,
        maxTokens: roomOf(request, tokens.length, model),
        seed: seed + choice,
        signal,
      })
    const head = {
      id: `chatcmpl-${randomUUID()}`,
      created: Math.floor(Date.now() / 1000),
      model: request.model,
      persona: label,
    }
    c.header('x-persona-id', label)
    const leave = await admission.enter(signal)
    if (request.stream !== true) {
      try {
        const finishes: Finish[] = []
        for (let choice = 0; choice < (request.n ?? 1); choice++) finishes.push(await lastOf(generate(choice)))
        return c.json({ ...head, object: 'chat.completion', choices: finishes.map(choiceOf), usage: usageOf(finishes) })
      } finally {
        leave()
      }
    }
    if ((request.n ?? 1) > 1) {
      leave()
      throw refusal({ code: 'unsupported_value', param: 'n', message: 'n above 1 is not supported in a stream' })
    }
    const events = generate(0)[Symbol.asyncIterator]()
    // The first event is computed before the status goes out: what fails until then is a plain error.
    const first = await events.next().catch((error: unknown) => {
      leave()
      throw error
    })
    const chunks = chunksOf(first, events, head, request.stream_options?.include_usage === true)
    return new Response(streamOf(chunks, { onFailure, end: leave, abort: () => controller.abort() }), {
      headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-persona-id': label },
    })
  }
}

async function jsonOf(request: Request): Promise<unknown> {
  const type = request.headers.get('content-type') ?? ''
  if (!/^application\/json(?:\s*;|$)/i.test(type)) {
    throw refusal({ code: 'unsupported_media_type', message: 'body has another type than application/json' })
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await request.arrayBuffer()))
  } catch {
    throw refusal({ code: 'invalid_json', message: 'body is not valid JSON' })
  }
}

/** `base@persona`; an @ inside the base's own name does not exist. */
function splitAt(model: string): [string, string | undefined] {
  const at = model.indexOf('@')
  return at < 0 ? [model, undefined] : [model.slice(0, at), model.slice(at + 1)]
}

function messagesOf({ messages }: ChatRequest, system: string | undefined): Message[] {
  const plain = messages.map(
    ({ role, content }): Message => ({ role: role === 'developer' ? 'system' : role, content: textOf(content) }),
  )
  return withPersonaPrompt(plain, system)
}

function textOf(content: ChatRequest['messages'][number]['content']): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('')
}

function settingsOf({ temperature, top_p, stop }: ChatRequest): Pick<GenerateRequest, 'temperature' | 'topP' | 'stop'> {
  return { temperature: temperature ?? 1, topP: top_p ?? 1, stop: stop === null || stop === undefined ? [] : [stop].flat() }
}

/** As many tokens as were asked for, and no more than the context has room for. */
function roomOf({ max_tokens, max_completion_tokens }: ChatRequest, prompt: number, { shape }: LanguageModel): number {
  return Math.min(max_completion_tokens ?? max_tokens ?? shape.contextLength, shape.contextLength - prompt)
}

async function lastOf(events: AsyncIterable<GenerationEvent>): Promise<Finish> {
  for await (const event of events) if (event.kind === 'finish') return event
  throw new TypeError('generation ended without a finish')
}

const finishReason = ({ reason }: Finish) => (reason === 'length' || reason === 'context' ? 'length' : 'stop')

function choiceOf(finish: Finish, index: number) {
  return {
    index,
    message: { role: 'assistant', content: finish.text, refusal: null },
    logprobs: null,
    finish_reason: finishReason(finish),
  }
}

function usageOf(finishes: readonly Finish[]) {
  const prompt = finishes[0]!.promptTokens
  const completion = finishes.reduce((sum, { generatedTokens }) => sum + generatedTokens, 0)
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion }
}

/** A role, then content, then exactly one chunk with a reason; where usage is wanted one more without choices. */
async function* chunksOf(
  first: IteratorResult<GenerationEvent>,
  events: AsyncIterator<GenerationEvent>,
  head: object,
  withUsage: boolean,
): AsyncGenerator<object> {
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    ...(withUsage && { usage: null }),
  })
  yield chunk({ role: 'assistant', content: '' })
  for (let next = first; !next.done; next = await events.next()) {
    const event = next.value
    if (event.kind === 'token') {
      if (event.text !== '') yield chunk({ content: event.text })
      continue
    }
    yield chunk({}, finishReason(event))
    if (withUsage) yield { ...head, object: 'chat.completion.chunk', choices: [], usage: usageOf([event]) }
  }
}

interface StreamEnds {
  readonly onFailure: (error: unknown) => void
  /** Called once, however the stream ends. */
  readonly end: () => void
  /** Stops the work where the client has gone. */
  readonly abort: () => void
}

/** Server-sent events; a failure after the first byte is an event of its own, so that no client takes half an answer for a whole one. */
function streamOf(chunks: AsyncGenerator<object>, { onFailure, end, abort }: StreamEnds): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const event = (data: string) => encoder.encode(`data: ${data}\n\n`)
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await chunks.next()
        controller.enqueue(event(done ? '[DONE]' : JSON.stringify(value)))
        if (!done) return
      } catch (error) {
        onFailure(error)
        controller.enqueue(event(JSON.stringify(problemBody(problemOf(error)))))
        controller.enqueue(event('[DONE]'))
      }
      end()
      controller.close()
    },
    cancel() {
      abort()
      end()
    },
  })
}
