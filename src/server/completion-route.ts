/** @file POST /v1/completions: every prompt continued as often as asked, whole or as a stream; or only scored, with `echo` and `logprobs`. */
import { randomInt, randomUUID } from 'node:crypto'
import type { Handler } from 'hono'
import { addressed } from './addressed.ts'
import { completionLogprobs, type Entry } from './completion-logprobs.ts'
import { DEFAULT_COMPLETION_TOKENS, type Prompt, promptsOf } from './completion-prompts.ts'
import { type CompletionRequest, parseCompletionRequest } from './completion-request.ts'
import { sendAnswer } from './event-stream.ts'
import { finishReason, type Interleaved, interleaved, piecesOf, rankedTokens } from './pieces.ts'
import { readBody } from './read-body.ts'
import { MOST_CHOICES, seedOf, settingsOf } from './request-fields.ts'
import type { TokenText } from './token-text.ts'
import { beginWork, type Services, type Work } from './work.ts'

/** What a choice is made of; the last piece has a reason. */
interface ChoicePiece {
  readonly text: string
  readonly entries: readonly Entry[]
  readonly reason: 'stop' | 'length' | null
  readonly generated: number
}

export function completionRoute(services: Services & { readonly textOf: TokenText }): Handler {
  return async (c) => {
    const request = parseCompletionRequest(await readBody(c))
    const { system, steering, label, ids } = await addressed(c, request, services)
    const prompts = promptsOf(request, system, services.model)
    const promptTokens = prompts.reduce((sum, { tokens }) => sum + tokens.length, 0)
    const work = await beginWork(c, services, { promptTokens, personas: ids })
    const seed = request.seed ?? randomInt(2 ** 31)
    const count = request.n ?? 1
    const choices = prompts.flatMap((prompt) => {
      const scored = onceOnly(() => scoresOf(prompt, request, steering, services, work))
      return Array.from({ length: count }, (_, choice) => () => {
        const generation = { request, prompt, scored, steering, seed: seedOf(seed, choice), work }
        return choicePieces(generation, services)
      })
    })
    const answer: Answer = {
      head: {
        id: `cmpl-${randomUUID()}`,
        object: 'text_completion',
        created: Math.floor(Date.now() / 1000),
        model: request.model,
        persona: label,
      },
      request,
      choices: choices.length,
      promptTokens,
      pieces: interleaved(choices, MOST_CHOICES),
      textOf: services.textOf,
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

type Steering = Awaited<ReturnType<typeof addressed>>['steering']

interface ChoiceGeneration {
  readonly request: CompletionRequest
  readonly prompt: Prompt
  readonly scored: () => Promise<readonly Entry[]>
  readonly steering: Steering
  readonly seed: number
  readonly work: Work
}

async function* choicePieces(
  { request, prompt, scored, steering, seed, work }: ChoiceGeneration,
  { model }: Pick<Services, 'model'>,
): AsyncGenerator<ChoicePiece> {
  const room = model.shape.contextLength - prompt.tokens.length
  const maxTokens = Math.min(request.max_tokens ?? DEFAULT_COMPLETION_TOKENS, room)
  const isOnlyEcho = maxTokens === 0
  if (request.echo === true) {
    yield { text: prompt.text, entries: await scored(), reason: isOnlyEcho ? 'length' : null, generated: 0 }
  }
  if (isOnlyEcho) return
  const events = model.generate({
    ...settingsOf(request),
    tokens: prompt.tokens,
    ...steering,
    maxTokens,
    seed,
    ...(request.logprobs !== null && request.logprobs !== undefined && { topLogprobs: request.logprobs }),
    signal: work.signal,
  })
  for await (const piece of piecesOf(events, work.countToken)) {
    if (piece.kind === 'text') {
      yield { text: piece.text, entries: rankedTokens(piece.tokens), reason: null, generated: piece.tokens.length }
      continue
    }
    const { endToken } = piece.finish
    // What ends a text was generated too: clients that take the last entry for the generated one would lose one of the prompt.
    const entries = rankedTokens([...piece.tokens, ...(endToken === undefined ? [] : [endToken])])
    yield { text: piece.text, entries, reason: finishReason(piece.finish), generated: piece.tokens.length }
  }
}

/** One entry for each token of the prompt; none where nobody asked. */
async function scoresOf(
  { tokens }: Prompt,
  { logprobs }: CompletionRequest,
  steering: Steering,
  { model }: Pick<Services, 'model'>,
  { signal }: Work,
): Promise<readonly Entry[]> {
  if (logprobs === null || logprobs === undefined) return []
  const after = await model.promptLogprobs({ tokens, topLogprobs: logprobs, ...steering, signal })
  return [{ token: tokens[0]!, logprob: null }, ...after]
}

function onceOnly<T>(compute: () => Promise<T>): () => Promise<T> {
  let computed: Promise<T> | undefined
  return () => {
    computed ??= compute()
    return computed
  }
}

interface Answer {
  readonly head: object
  readonly request: CompletionRequest
  readonly choices: number
  readonly promptTokens: number
  readonly pieces: AsyncIterable<Interleaved<ChoicePiece>>
  readonly textOf: TokenText
}

async function wholeAnswer({ head, request, choices: count, promptTokens, pieces, textOf }: Answer) {
  const gathered = Array.from({ length: count }, () => ({ text: '', entries: [] as Entry[], reason: '' }))
  let generated = 0
  for await (const { index, value } of pieces) {
    const choice = gathered[index]!
    choice.text += value.text
    choice.entries.push(...value.entries)
    choice.reason = value.reason ?? choice.reason
    generated += value.generated
  }
  const choices = gathered.map(({ text, entries, reason }, index) => ({
    index,
    text,
    logprobs: wantsLogprobs(request) ? completionLogprobs(entries, textOf, 0) : null,
    finish_reason: reason,
  }))
  return { ...head, choices, usage: usageOf(promptTokens, generated) }
}

async function* chunksOf({ head, request, choices, promptTokens, pieces, textOf }: Answer): AsyncGenerator<object> {
  const withUsage = request.stream_options?.include_usage === true
  /** Characters of the tokens that were sent, by choice. */
  const offsets = new Array<number>(choices).fill(0)
  let generated = 0
  for await (const { index, value } of pieces) {
    const { text, entries, reason } = value
    generated += value.generated
    const logprobs = wantsLogprobs(request) ? completionLogprobs(entries, textOf, offsets[index]!) : null
    offsets[index]! += entries.reduce((sum, { token }) => sum + textOf(token).length, 0)
    yield { ...head, choices: [{ index, text, logprobs, finish_reason: reason }], ...(withUsage && { usage: null }) }
  }
  if (withUsage) yield { ...head, choices: [], usage: usageOf(promptTokens, generated) }
}

const wantsLogprobs = ({ logprobs }: CompletionRequest) => logprobs !== null && logprobs !== undefined

function usageOf(prompt: number, completion: number) {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion }
}
