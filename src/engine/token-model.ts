/** @file A TokenModel over any decoder: validation, prefix reuse, scoring and generation. */
import { PalignError, throwIfAborted } from '../errors.ts'
import { seededRandom } from '../math/random.ts'
import { assertAdapter } from '../model/adapter.ts'
import { assertDisplacement } from '../model/displacement.ts'
import {
  DEFAULT_MAX_TOKENS,
  type GeneratedToken,
  type PromptLogprobsRequest,
  type RankedToken,
  type RunOptions,
  type ScoreRequest,
  type Steering,
  type TokenGenerateRequest,
  type TokenModel,
  type Tokens,
} from '../model/language-model.ts'
import { type ModelShape, zWidth } from '../model/shape.ts'
import type { BatchDecoder } from './batch-decoder.ts'
import { type BatchLimits, batchScheduler } from './batch-scheduler.ts'
import type { Decoder, DecoderState } from './decoder.ts'
import { normaliserOf, rankedToken } from './log-probabilities.ts'
import { type RowDecoder, rowBatches } from './row-decoder.ts'
import { checkTopLogprobs, sampler } from './sampler.ts'
import { forEachPrompt, sharedPrefixLength, sliceTokens } from './shared-prefix.ts'
import { usageCounter } from './usage-counter.ts'

export interface TokenModelOptions {
  /** Tokens that end a generation; default none. */
  readonly endTokens?: readonly number[] | undefined
  /** Opens the decoder that can record z, when it is first needed; default: `decoder` itself can. */
  readonly openRecorder?: (() => Promise<Decoder>) | undefined
  /** Opens the decoder that scores many rows in one pass, when it is first needed; default: one row after the other. */
  readonly openRows?: (() => Promise<RowDecoder>) | undefined
  /** Opens the decoder that generates many texts at once, when the first is asked for; default: one text after the other. */
  readonly openBatch?: (() => Promise<BatchDecoder>) | undefined
  readonly batchLimits?: BatchLimits | undefined
  /** Weights of all matrices of all layers; absent where not known. */
  readonly layerWeights?: number | undefined
}

/** Rows of logits of one pass over a text: a whole one would need tokens x vocabulary numbers. */
const LOGIT_ROWS = 128

export function tokenModel(uncounted: Decoder, options: TokenModelOptions = {}): TokenModel {
  const { endTokens = [], openRecorder, openRows, openBatch, batchLimits, layerWeights } = options
  const counter = usageCounter()
  const decoder = counter.counted(uncounted)
  const { shape } = decoder
  const ends = new Set(endTokens)
  const recorder = openedOnce(async () => (openRecorder === undefined ? decoder : counter.counted(await openRecorder())))
  const rowDecoder = openRows && openedOnce(async () => counter.countedRows(await openRows()))
  const batch =
    openBatch &&
    openedOnce(async () => {
      const batchDecoder = counter.countedBatch(await openBatch())
      const scheduler = batchScheduler({ ...batchLimits, decoder: batchDecoder, endTokens: ends })
      return {
        scheduler,
        async dispose() {
          await scheduler.stop()
          await batchDecoder.dispose()
        },
      }
    })

  /** Next-token logits `[vocabSize]` after `tokens`, and the state they lead to. */
  async function extend(tokens: Tokens, past: DecoderState | undefined, steering: Steering) {
    return decoder.forward({ tokens, past, ...steering, logitsAt: [tokens.length - 1] })
  }

  async function logits({ tokens, ...request }: Parameters<TokenModel['logits']>[0]): Promise<Float32Array> {
    checkTokens('prompt', tokens, shape)
    checkSteering(request, decoder)
    const result = await extend(tokens, undefined, steeringOf(request))
    return result.logits
  }

  async function record(prompts: readonly { readonly tokens: Tokens }[], options: RunOptions = {}): Promise<Float32Array> {
    for (const { tokens } of prompts) checkTokens('prompt', tokens, shape)
    checkSteering(options, decoder)
    const steering = steeringOf(options)
    const recording = await recorder.get()
    const size = shape.layers * zWidth(shape)
    const out = new Float32Array(prompts.length * size)
    const texts = prompts.map(({ tokens }) => tokens)
    await forEachPrompt(recording, texts, options, async (tokens, past, index) => {
      const { z, state } = await recording.forward({ tokens, past, ...steering, record: true })
      out.set(z!, index * size)
      state.release()
    })
    return out
  }

  async function score(requests: readonly ScoreRequest[], options: RunOptions = {}): Promise<Float64Array[]> {
    for (const request of requests) checkScoreRequest(request, shape)
    checkSteering(options, decoder)
    const ofOneToken = requests.every(({ continuations }) => continuations.every(({ length }) => length === 1))
    if (rowDecoder !== undefined && options.adapter === undefined && ofOneToken)
      return scoreRows(await rowDecoder.get(), requests, options)
    const steering = steeringOf(options)
    const scores: Float64Array[] = []
    const prompts = requests.map(({ tokens }) => tokens)
    await forEachPrompt(decoder, prompts, options, async (rest, past, index) => {
      const prompt = await extend(rest, past, steering)
      const normaliser = normaliserOf(prompt.logits)
      const { continuations } = requests[index]!
      const logprobs = new Float64Array(continuations.length)
      for (const [i, continuation] of continuations.entries()) {
        throwIfAborted(options.signal)
        const first = prompt.logits[continuation[0]!]! - normaliser
        logprobs[i] = first + (await scoreAfterFirst(continuation, prompt.state, steering))
      }
      scores.push(logprobs)
      prompt.state.release()
    })
    return scores
  }

  /** Log-probability of a continuation's tokens from its second on: the pass over all but the last token predicts them. */
  async function scoreAfterFirst(continuation: Tokens, past: DecoderState, steering: Steering): Promise<number> {
    if (continuation.length === 1) return 0
    const tokens = sliceTokens(continuation, 0, continuation.length - 1)
    const logitsAt = Array.from(tokens, (_, position) => position)
    const { logits, state } = await decoder.forward({ tokens, past, ...steering, logitsAt })
    state.release()
    return logitsAt.reduce((sum, position) => {
      const next = logits.subarray(position * shape.vocabSize, (position + 1) * shape.vocabSize)
      return sum + next[continuation[position + 1]!]! - normaliserOf(next)
    }, 0)
  }

  async function promptLogprobs({
    tokens,
    topLogprobs = 0,
    signal,
    ...request
  }: PromptLogprobsRequest): Promise<readonly RankedToken[]> {
    checkTokens('prompt', tokens, shape)
    checkSteering(request, decoder)
    checkTopLogprobs(topLogprobs)
    const steering = steeringOf(request)
    const ranked: RankedToken[] = []
    let past: DecoderState | undefined
    // The last token predicts nothing that is asked for.
    for (let start = 0; start < tokens.length - 1; start += LOGIT_ROWS) {
      throwIfAborted(signal)
      const chunk = sliceTokens(tokens, start, Math.min(start + LOGIT_ROWS, tokens.length - 1))
      const logitsAt = Array.from(chunk, (_, position) => position)
      const { logits, state } = await decoder.forward({ tokens: chunk, past, ...steering, logitsAt })
      for (const row of logitsAt) {
        const next = logits.subarray(row * shape.vocabSize, (row + 1) * shape.vocabSize)
        ranked.push(rankedToken(next, tokens[start + row + 1]!, topLogprobs))
      }
      past = state
    }
    past?.release()
    return ranked
  }

  async function* generateTokens(request: TokenGenerateRequest): AsyncGenerator<GeneratedToken> {
    const { tokens: prompt, maxTokens = DEFAULT_MAX_TOKENS, temperature, topP, topLogprobs, seed = 0, signal } = request
    checkTokens('prompt', prompt, shape)
    checkSteering(request, decoder)
    const steering = steeringOf(request)
    checkMaxTokens(maxTokens)
    const sample = sampler({ temperature, topP, topLogprobs, random: seededRandom(seed) })
    const most = Math.min(maxTokens, shape.contextLength - prompt.length)
    // An adapter is a matter of the session: texts under one are computed apart.
    if (batch !== undefined && request.adapter === undefined && most > 0) {
      const { scheduler } = await batch.get()
      yield* scheduler.generate({ tokens: prompt, displacement: request.displacement, sample, mostTokens: most, signal })
      return
    }
    let tokens = prompt
    let past: DecoderState | undefined
    for (let count = 0; count < most; count++) {
      throwIfAborted(signal)
      const { logits, state } = await extend(tokens, past, steering)
      const next = sample(logits)
      if (ends.has(next.token)) {
        yield { ...next, isEnd: true }
        return
      }
      yield next
      tokens = [next.token]
      past = state
    }
  }

  async function dispose(): Promise<void> {
    const opened = new Set([decoder, await recorder.opened(), await rowDecoder?.opened(), await batch?.opened()])
    for (const each of opened) await each?.dispose()
  }

  const usage = async () => counter.usage()
  const idle = { running: 0, waiting: 0, rowBytes: 0, mostRowBytes: 0, prefixBytes: 0 }
  const generationLoad = batch && (async () => (await batch.opened())?.scheduler.load() ?? idle)

  return { shape, layerWeights, logits, record, score, promptLogprobs, generateTokens, generationLoad, usage, dispose }
}

/** Continuations of one token each need one row of logits a prompt: many prompts go through in one pass. */
async function scoreRows(
  decoder: RowDecoder,
  requests: readonly ScoreRequest[],
  { displacement, signal, onProgress }: RunOptions,
): Promise<Float64Array[]> {
  const { shape } = decoder
  const prompts = requests.map(({ tokens }) => tokens)
  const shared = sharedPrefixLength(prompts)
  const rests = prompts.map((tokens) => sliceTokens(tokens, shared))
  const scores = new Array<Float64Array>(requests.length)
  throwIfAborted(signal)
  const begun = await decoder.begin(sliceTokens(prompts[0] ?? [], 0, shared), displacement)
  let done = 0
  for (const batch of rowBatches(rests, shared, shape)) {
    throwIfAborted(signal)
    const logits = await begun.nextLogits(batch.map((index) => rests[index]!))
    batch.forEach((index, row) => {
      const next = logits.subarray(row * shape.vocabSize, (row + 1) * shape.vocabSize)
      const normaliser = normaliserOf(next)
      scores[index] = Float64Array.from(requests[index]!.continuations, (continuation) => next[continuation[0]!]! - normaliser)
    })
    done += batch.length
    onProgress?.({ done, total: requests.length })
  }
  return scores
}

/** Opens on the first call; a failure is not remembered, so that the next call tries again. */
function openedOnce<T>(open: () => Promise<T>) {
  let opening: Promise<T> | undefined
  return {
    get(): Promise<T> {
      opening ??= open().catch((error) => {
        opening = undefined
        throw error
      })
      return opening
    },
    /** Undefined where it was never opened. */
    opened: async (): Promise<T | undefined> => opening,
  }
}

function checkScoreRequest({ tokens, continuations }: ScoreRequest, shape: ModelShape): void {
  checkTokens('prompt', tokens, shape)
  if (continuations.length === 0)
    throw new PalignError('invalid-input', 'score request has no continuations, expected at least one')
  for (const continuation of continuations) {
    checkTokens('continuation', continuation, shape)
    checkLength('prompt with its continuation', tokens.length + continuation.length, shape)
  }
}

function checkTokens(name: string, tokens: Tokens, shape: ModelShape): void {
  checkLength(name, tokens.length, shape)
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!
    if (!Number.isInteger(token) || token < 0 || token >= shape.vocabSize) {
      throw new PalignError(
        'invalid-input',
        `token ${i} of the ${name} is ${token}, expected an integer from 0 to ${shape.vocabSize - 1}`,
      )
    }
  }
}

function checkLength(name: string, length: number, shape: ModelShape): void {
  if (length < 1 || length > shape.contextLength) {
    throw new PalignError('invalid-input', `${name} has ${length} tokens, expected 1 to ${shape.contextLength}`, {
      hint: 'shorten it, or load the model with a longer context',
    })
  }
}

function steeringOf({ displacement, adapter }: Steering): Steering {
  return { displacement, adapter }
}

function checkSteering({ displacement, adapter }: Steering, { shape, modules }: Decoder): void {
  if (displacement !== undefined) assertDisplacement(displacement, shape)
  if (adapter === undefined) return
  if (modules === undefined) throw new PalignError('engine-failed', 'model takes no adapters, one was given')
  assertAdapter(adapter, modules)
}

function checkMaxTokens(maxTokens: number): void {
  if (!Number.isInteger(maxTokens) || maxTokens < 0) {
    throw new PalignError('invalid-input', `maxTokens is ${maxTokens}, expected an integer of at least 0`)
  }
}
