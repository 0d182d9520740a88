/**
 * @file What personas cost a server: many distinct ones at once against none, in one run of one server; one stream against the plain engine; a prompt that is known
 * against one that is not; and how long the server's event loop stands still meanwhile.
 */
import { tokenModel } from '../src/engine/token-model.ts'
import { median } from '../src/math/statistics.ts'
import type { TokenModel } from '../src/model/language-model.ts'
import { nodeRuntime, openDecoder } from '../test/engine/open-model.ts'
import { type ServedModel, servedModel } from './served-model.ts'

export interface ServeResult {
  readonly throughput: readonly ThroughputResult[]
  readonly singleStream: {
    /** Tokens per second after the first, served over those of the plain engine; median over rounds. */
    readonly ratio: number
    readonly perRound: readonly number[]
    readonly servedTokensPerSecond: number
    readonly plainTokensPerSecond: number
  }
  readonly firstToken: {
    readonly promptTokens: number
    /** Seconds to the first token of a prompt whose beginning is kept, over those of one that is new; median over rounds. */
    readonly ratio: number
    readonly perRound: readonly number[]
    readonly coldSeconds: number
    readonly keptSeconds: number
  }
  /** Longest gap of the server's event loop during everything above, seconds. */
  readonly longestEventLoopGap: number
}

export interface ThroughputResult {
  /** Requests at once, each under a persona of its own. */
  readonly personas: number
  /** Tokens per second with personas over those without, at the same number of requests; median over rounds. */
  readonly ratio: number
  readonly perRound: readonly number[]
  readonly steeredTokensPerSecond: number
  readonly unsteeredTokensPerSecond: number
}

const CONCURRENCY = [
  { personas: 1, tokens: 48, rounds: 12 },
  { personas: 8, tokens: 32, rounds: 8 },
  { personas: 64, tokens: 24, rounds: 11 },
  { personas: 256, tokens: 16, rounds: 5 },
] as const

export async function benchServe(): Promise<ServeResult> {
  const served = await servedModel()
  try {
    await gap(served)
    const gaps: number[] = []
    const throughput: ThroughputResult[] = []
    for (const level of CONCURRENCY) {
      throughput.push(await benchThroughput(served, level))
      gaps.push(await gap(served))
      console.error(`${level.personas} at once: ${throughput.at(-1)!.ratio.toFixed(3)}`)
    }
    const singleStream = await benchSingleStream(served)
    const firstToken = await benchFirstToken(served)
    return { throughput, singleStream, firstToken, longestEventLoopGap: Math.max(...gaps, await gap(served)) }
  } finally {
    await served.close()
  }
}

async function benchThroughput(
  { url }: ServedModel,
  { personas, tokens, rounds }: (typeof CONCURRENCY)[number],
): Promise<ThroughputResult> {
  const speedOf = async (isSteered: boolean) => {
    const start = performance.now()
    const counts = await Promise.all(
      Array.from({ length: personas }, (_, i) => answer(url, { persona: isSteered ? `p${i}` : 'none', tokens })),
    )
    return counts.reduce((sum, count) => sum + count, 0) / ((performance.now() - start) / 1000)
  }
  await speedOf(true)
  const speeds = { steered: [] as number[], unsteered: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    for (const isSteered of round % 2 === 0 ? [true, false] : [false, true])
      speeds[isSteered ? 'steered' : 'unsteered'].push(await speedOf(isSteered))
  }
  const perRound = speeds.steered.map((speed, round) => speed / speeds.unsteered[round]!)
  return {
    personas,
    ratio: median(perRound),
    perRound,
    steeredTokensPerSecond: median(speeds.steered),
    unsteeredTokensPerSecond: median(speeds.unsteered),
  }
}

interface AnswerOptions {
  readonly persona: string
  readonly tokens: number
}

/** Tokens of one whole answer. Temperature 0: what is drawn costs the same for all. */
async function answer(url: string, { persona, tokens }: AnswerOptions): Promise<number> {
  const response = await post(url, {
    persona,
    max_tokens: tokens,
    messages: [{ role: 'user', content: 'What do you do today?' }],
  })
  const { usage } = (await response.json()) as { usage: { completion_tokens: number } }
  return usage.completion_tokens
}

async function post(url: string, body: object): Promise<Response> {
  const response = await fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'model', temperature: 0, ...body }),
  })
  if (!response.ok) throw new Error(await response.text())
  return response
}

const STREAM_TOKENS = 96

async function benchSingleStream(served: ServedModel, rounds = 9): Promise<ServeResult['singleStream']> {
  const runtime = nodeRuntime(served.model, { intraOpNumThreads: 2 })
  const plain = tokenModel(await openDecoder(served.model, runtime, { record: false }))
  const measures = {
    plain: () => plainSpeed(plain),
    served: () => servedSpeed(served.url),
  }
  const speeds = { plain: [] as number[], served: [] as number[] }
  for (const measure of Object.values(measures)) await measure()
  for (let round = 0; round < rounds; round++) {
    for (const kind of round % 2 === 0 ? (['plain', 'served'] as const) : (['served', 'plain'] as const))
      speeds[kind].push(await measures[kind]())
  }
  await plain.dispose()
  runtime.close()
  const perRound = speeds.served.map((speed, round) => speed / speeds.plain[round]!)
  return {
    ratio: median(perRound),
    perRound,
    servedTokensPerSecond: median(speeds.served),
    plainTokensPerSecond: median(speeds.plain),
  }
}

/** About as many tokens as the served prompt has. */
const PLAIN_PROMPT = Array.from({ length: 24 }, (_, i) => 20 + i * 7)

async function plainSpeed(model: TokenModel): Promise<number> {
  return speedOf(model.generateTokens({ tokens: PLAIN_PROMPT, maxTokens: STREAM_TOKENS }))
}

async function servedSpeed(url: string): Promise<number> {
  const body = {
    persona: 'p0',
    max_tokens: STREAM_TOKENS,
    messages: [{ role: 'user', content: 'What do you do today?' }],
    logprobs: true,
  }
  return speedOf(tokensOf(await post(url, { ...body, stream: true })))
}

/** Tokens per second after the first. */
async function speedOf(tokens: AsyncIterable<unknown>): Promise<number> {
  let count = -1
  let first = 0
  for await (const _ of tokens) {
    if (++count === 0) first = performance.now()
  }
  return count / ((performance.now() - first) / 1000)
}

/** One value for each token of a stream with log-probabilities. */
async function* tokensOf(response: Response): AsyncGenerator<unknown> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const bytes of response.body!) {
    text += decoder.decode(bytes, { stream: true })
    const events = text.split('\n\n')
    text = events.pop()!
    for (const event of events) {
      if (!event.startsWith('data: {')) continue
      const { choices } = JSON.parse(event.slice('data: '.length)) as { choices: { logprobs: { content: unknown[] } | null }[] }
      yield* choices.flatMap(({ logprobs }) => logprobs?.content ?? [])
    }
  }
}

/** About 1,500 tokens of the demo model's tokenizer. */
const LONG_PROMPT = 'I worry about things, and I like parties with people I know. '.repeat(99)

async function benchFirstToken({ url }: ServedModel, rounds = 5): Promise<ServeResult['firstToken']> {
  let promptTokens = 0
  const secondsTo = async (name: number) => {
    const start = performance.now()
    const content = `${name} ${LONG_PROMPT}`
    const response = await post(url, { persona: 'p1', max_tokens: 1, messages: [{ role: 'user', content }] })
    promptTokens = ((await response.json()) as { usage: { prompt_tokens: number } }).usage.prompt_tokens
    return (performance.now() - start) / 1000
  }
  const cold: number[] = []
  const kept: number[] = []
  for (let round = 0; round < rounds; round++) {
    cold.push(await secondsTo(100 + round))
    kept.push(await secondsTo(100 + round))
  }
  const perRound = kept.map((seconds, round) => seconds / cold[round]!)
  return { promptTokens, ratio: median(perRound), perRound, coldSeconds: median(cold), keptSeconds: median(kept) }
}

/** Longest gap of the server's event loop since it was last asked for, seconds. */
async function gap({ url }: ServedModel): Promise<number> {
  const text = await (await fetch(url.replace('/v1', '/metrics'))).text()
  return Number(/^palign_event_loop_gap_seconds (\S+)$/m.exec(text)![1])
}
