/** @file POST /v1/chat/completions: one answer or several, whole or as a stream of chunks. */
import { randomInt, randomUUID } from 'node:crypto'
import type { Handler } from 'hono'
import { addressed, contextExceeded, refuseLongText } from './addressed.ts'
import { chatLogprobs } from './chat-logprobs.ts'
import { messagesOf } from './chat-messages.ts'
import { type ChatRequest, parseChatRequest } from './chat-request.ts'
import { sendAnswer } from './event-stream.ts'
import { type Finish, finishReason, type Interleaved, interleaved, type Piece, piecesOf, rankedTokens } from './pieces.ts'
import { readBody } from './read-body.ts'
import { MOST_CHOICES, seedOf, settingsOf } from './request-fields.ts'
import type { TokenText } from './token-text.ts'
import { beginWork, type Services } from './work.ts'

export function chatRoute(services: Services & { readonly textOf: TokenText }): Handler {
  const { model, textOf } = services
  return async (c) => {
    const request = parseChatRequest(await readBody(c))
    const { system, steering, label, ids } = await addressed(c, request, services)
    const messages = messagesOf(request.messages, system)
    const { contextLength } = model.shape
    refuseLongText(
      messages.reduce((sum, { content }) => sum + content.length, 0),
      'messages',
      contextLength,
    )
    const tokens = await model.render(messages)
    if (tokens.length >= contextLength) {
      throw contextExceeded('messages', `messages have ${tokens.length} tokens`, contextLength)
    }
    const work = await beginWork(c, services, { promptTokens: tokens.length, personas: ids })
    const seed = request.seed ?? randomInt(2 ** 31)
    const choices = Array.from({ length: request.n ?? 1 }, (_, choice) => () => {
      const events = model.generate({
        ...settingsOf(request),
        tokens,
        ...steering,
        // An answer that ends where the context does says so by its reason.
        maxTokens: Math.min(request.max_completion_tokens ?? request.max_tokens ?? contextLength, contextLength - tokens.length),
        seed: seedOf(seed, choice),
        ...(request.logprobs === true && { topLogprobs: request.top_logprobs ?? 0 }),
        signal: work.signal,
      })
      return piecesOf(events, work.countToken)
    })
    const answer: Answer = {
      head: { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: request.model, persona: label },
      request,
      pieces: interleaved(choices, MOST_CHOICES),
      textOf,
    }
    return sendAnswer(c, {
      isStream: request.stream === true,
      chunks: () => chunksOf(answer),
      whole: () => wholeAnswer(answer),
      work,
      services,
    })
  }
}

interface Answer {
  readonly head: { readonly id: string; readonly created: number; readonly model: string; readonly persona: string }
  readonly request: ChatRequest
  readonly pieces: AsyncIterable<Interleaved<Piece>>
  readonly textOf: TokenText
}

async function wholeAnswer({ head, request, pieces, textOf }: Answer) {
  const count = request.n ?? 1
  const tokens = Array.from({ length: count }, (): Piece['tokens'][number][] => [])
  const finishes: Finish[] = []
  for await (const { index, value } of pieces) {
    tokens[index]!.push(...value.tokens)
    if (value.kind === 'end') finishes[index] = value.finish
  }
  const choices = finishes.map((finish, index) => ({
    index,
    message: { role: 'assistant', content: finish.text, refusal: null },
    logprobs:
      request.logprobs === true ? (chatLogprobs(rankedTokens(tokens[index]!), textOf) ?? { content: [], refusal: null }) : null,
    finish_reason: finishReason(finish),
  }))
  return { ...head, object: 'chat.completion', choices, usage: usageOf(finishes) }
}

/** For every choice a role, then content, then exactly one chunk with a reason; where usage is wanted one more without choices. */
async function* chunksOf({ head, request, pieces, textOf }: Answer): AsyncGenerator<object> {
  const withUsage = request.stream_options?.include_usage === true
  const chunk = (index: number, delta: object, { tokens = [], reason = null }: ChunkRest = {}) => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [
      {
        index,
        delta,
        logprobs: request.logprobs === true ? chatLogprobs(rankedTokens(tokens), textOf) : null,
        finish_reason: reason,
      },
    ],
    ...(withUsage && { usage: null }),
  })
  const begun = new Set<number>()
  const finishes: Finish[] = []
  for await (const { index, value } of pieces) {
    if (!begun.has(index)) yield chunk(index, { role: 'assistant', content: '' })
    begun.add(index)
    const { text, tokens } = value
    if (text !== '' || (request.logprobs === true && tokens.length > 0)) yield chunk(index, { content: text }, { tokens })
    if (value.kind === 'text') continue
    finishes.push(value.finish)
    yield chunk(index, {}, { reason: finishReason(value.finish) })
  }
  if (withUsage) yield { ...head, object: 'chat.completion.chunk', choices: [], usage: usageOf(finishes) }
}

interface ChunkRest {
  readonly tokens?: Piece['tokens']
  readonly reason?: string | null
}

function usageOf(finishes: readonly Finish[]) {
  const prompt = finishes[0]!.promptTokens
  const completion = finishes.reduce((sum, { generatedTokens }) => sum + generatedTokens, 0)
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion }
}
