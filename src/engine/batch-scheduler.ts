/**
 * @file Continuous batching: requests join and leave between tokens. A round computes a few chunks of prompts and then one token of every text in
 * progress, so that a long prompt delays the others by some chunks at a time. A request's tokens do not depend on what else is computed.
 */
import { PalignError, throwIfAborted } from '../errors.ts'
import type { Displacement } from '../model/displacement.ts'
import type { GeneratedToken, GenerationLoad, Tokens } from '../model/language-model.ts'
import type { BatchDecoder, BatchText } from './batch-decoder.ts'
import { capacityFor, kvBytes } from './kv-rows.ts'
import { prefixCache } from './prefix-cache.ts'
import { sliceTokens } from './shared-prefix.ts'

export interface BatchLimits {
  /** Texts computed at once; default 256. */
  readonly mostRows?: number | undefined
  /** Keys and values of all texts at once, at the length they may reach; default 2 GiB. One text is always let in. */
  readonly mostRowBytes?: number | undefined
  /** Keys and values kept for prompts to come; default 512 MiB, 0 keeps none. */
  readonly mostPrefixBytes?: number | undefined
}

export interface BatchRequest {
  /** At least one, all valid. */
  readonly tokens: Tokens
  readonly displacement: Displacement | undefined
  /** Draws the next token. */
  readonly sample: (logits: Float32Array) => GeneratedToken
  /** At least one; together with the prompt no more than the context. */
  readonly mostTokens: number
  readonly signal: AbortSignal | undefined
}

export interface BatchScheduler {
  generate(request: BatchRequest): AsyncGenerator<GeneratedToken>
  load(): GenerationLoad
  /** Fails what is under way and what comes; resolves when nothing is computed any more. */
  stop(): Promise<void>
}

export interface BatchSchedulerOptions extends BatchLimits {
  readonly decoder: BatchDecoder
  readonly endTokens: ReadonlySet<number>
}

/** Tokens of a prompt that are computed in one pass, and of a block that is kept: short beside a pause that a reader sees. */
const CHUNK_TOKENS = 64
/** Of all prompts, between two tokens of the others. */
const MOST_CHUNKS = 4

interface Job extends BatchRequest {
  readonly bytes: number
  readonly channel: Channel
  text: BatchText | undefined
  /** Tokens of the prompt that the text holds. */
  prefilled: number
  generated: number
  /** The token that the text does not hold yet; undefined before the first one. */
  last: number | undefined
}

export function batchScheduler({
  decoder,
  endTokens,
  mostRows = 256,
  mostRowBytes = 2 * 2 ** 30,
  mostPrefixBytes = 512 * 2 ** 20,
}: BatchSchedulerOptions): BatchScheduler {
  const { shape } = decoder
  const cache = prefixCache({ blockTokens: CHUNK_TOKENS, mostBytes: mostPrefixBytes })
  const waiting: Job[] = []
  const running: Job[] = []
  let rowBytes = 0
  let round = 0
  let working: Promise<void> | undefined
  let isStopped = false

  function close(job: Job, error?: unknown): void {
    if (running.includes(job)) {
      running.splice(running.indexOf(job), 1)
      rowBytes -= job.bytes
    } else if (waiting.includes(job)) waiting.splice(waiting.indexOf(job), 1)
    else return
    job.channel.close(error)
    if (job.text !== undefined) decoder.end(job.text, error !== undefined)
  }

  /** A failure of one job ends that job. */
  function guarded(job: Job, act: () => void): void {
    try {
      act()
    } catch (error) {
      close(job, error)
    }
  }

  function dropAborted(): void {
    for (const job of [...running, ...waiting]) guarded(job, () => throwIfAborted(job.signal))
  }

  /** In the order of arrival: nobody is overtaken because he needs more room. */
  function admit(): void {
    while (waiting.length > 0 && running.length < mostRows) {
      const job = waiting[0]!
      if (running.length > 0 && rowBytes + job.bytes > mostRowBytes) return
      waiting.shift()
      running.push(job)
      rowBytes += job.bytes
      guarded(job, () => {
        const text = decoder.begin(job.displacement)
        job.text = text
        for (const block of cache.find(job.tokens, job.displacement)) decoder.restore(text, block)
        job.prefilled = text.length
      })
    }
  }

  /** One; more where prompts outnumber the texts in progress, that passes may be full. */
  function chunksOfRound(): number {
    const prompts = running.filter(({ last }) => last === undefined).length
    return Math.min(MOST_CHUNKS, Math.ceil(prompts / (running.length - prompts + 1)))
  }

  /** In turn the prompt that came first and the one that is done soonest: short ones need not wait for long ones, and none waits for ever. */
  function nextPrompt(): Job | undefined {
    const prompts = running.filter(({ last }) => last === undefined)
    if (round++ % 2 === 0) return prompts[0]
    const left = ({ tokens, prefilled }: Job) => tokens.length - prefilled
    return prompts.reduce<Job | undefined>((best, job) => (best === undefined || left(job) < left(best) ? job : best), undefined)
  }

  async function prefill(job: Job): Promise<void> {
    const { tokens, prefilled, displacement } = job
    const end = Math.min(prefilled + CHUNK_TOKENS, tokens.length)
    const { logits, block } = await decoder.extend(job.text!, sliceTokens(tokens, prefilled, end))
    job.prefilled = end
    if (end % CHUNK_TOKENS === 0) cache.keep(tokens, displacement, end / CHUNK_TOKENS, block)
    if (end === tokens.length) take(job, logits)
  }

  function take(job: Job, logits: Float32Array): void {
    const next = job.sample(logits)
    const isEnd = endTokens.has(next.token)
    job.channel.push(isEnd ? { ...next, isEnd } : next)
    job.last = next.token
    job.generated++
    if (isEnd || job.generated === job.mostTokens) close(job)
  }

  async function step(): Promise<void> {
    const jobs = running.filter(({ last }) => last !== undefined)
    if (jobs.length === 0) return
    let logits: readonly Float32Array[]
    try {
      logits = await decoder.step(
        jobs.map(({ text }) => text!),
        jobs.map(({ last }) => last!),
      )
    } catch (error) {
      // One pass holds them all: none of them can go on.
      for (const job of jobs) close(job, error)
      return
    }
    jobs.forEach((job, index) => {
      guarded(job, () => take(job, logits[index]!))
    })
  }

  async function work(): Promise<void> {
    while (running.length + waiting.length > 0) {
      if (isStopped) for (const job of [...running, ...waiting]) close(job, stopped())
      dropAborted()
      admit()
      for (let chunks = chunksOfRound(); chunks > 0; chunks--) {
        const job = nextPrompt()
        if (job !== undefined) await prefill(job).catch((error: unknown) => close(job, error))
      }
      await step()
    }
  }

  return {
    async *generate(request) {
      throwIfAborted(request.signal)
      if (isStopped) throw stopped()
      const left = new AbortController()
      const signal = request.signal === undefined ? left.signal : AbortSignal.any([request.signal, left.signal])
      const { tokens, mostTokens } = request
      const bytes = kvBytes(capacityFor(tokens.length + mostTokens, shape), shape)
      const channel = tokenChannel()
      waiting.push({ ...request, signal, bytes, channel, text: undefined, prefilled: 0, generated: 0, last: undefined })
      working ??= work().finally(() => {
        working = undefined
      })
      try {
        yield* channel.tokens()
      } finally {
        // Whoever stops reading needs no more tokens.
        left.abort()
      }
    },
    async stop() {
      isStopped = true
      await working
    },
    load: () => ({
      running: running.length,
      waiting: waiting.length,
      rowBytes,
      mostRowBytes,
      prefixBytes: cache.bytes(),
    }),
  }
}

const stopped = () => new PalignError('aborted', 'model was disposed while it generated', { hint: 'load the model again' })

interface Channel {
  push(token: GeneratedToken): void
  close(error?: unknown): void
  tokens(): AsyncGenerator<GeneratedToken>
}

/** Tokens from the work to whoever reads them. */
function tokenChannel(): Channel {
  const arrived: GeneratedToken[] = []
  let end: { readonly error: unknown } | undefined
  let wake = () => {}
  return {
    push(token) {
      arrived.push(token)
      wake()
    },
    close(error) {
      end = { error }
      wake()
    },
    async *tokens() {
      while (true) {
        while (arrived.length > 0) yield arrived.shift()!
        if (end !== undefined) break
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      if (end.error !== undefined) throw end.error
    },
  }
}
