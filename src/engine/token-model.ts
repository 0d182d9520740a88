/** @file A TokenModel over any decoder: validation, prefix reuse, scoring and generation. */
import { PalignError, throwIfAborted } from '../errors.ts'
import { seededRandom } from '../math/random.ts'
import { assertDisplacement, type Displacement } from '../model/displacement.ts'
import {
  DEFAULT_MAX_TOKENS,
  type GeneratedToken,
  type RunOptions,
  type ScoreRequest,
  type TokenGenerateRequest,
  type TokenModel,
  type Tokens,
} from '../model/language-model.ts'
import { type ModelShape, zWidth } from '../model/shape.ts'
import type { Decoder, DecoderState } from './decoder.ts'
import { logSumExp } from './log-probabilities.ts'
import { sampler } from './sampler.ts'
import { forEachPrompt, sliceTokens } from './shared-prefix.ts'

export interface TokenModelOptions {
  /** Tokens that end a generation; default none. */
  readonly endTokens?: readonly number[] | undefined
  /** Opens the decoder that can record z, when it is first needed; default: `decoder` itself can. */
  readonly openRecorder?: (() => Promise<Decoder>) | undefined
}

export function tokenModel(decoder: Decoder, { endTokens = [], openRecorder }: TokenModelOptions = {}): TokenModel {
  const { shape } = decoder
  const ends = new Set(endTokens)
  let recorder: Promise<Decoder> | undefined

  /** Next-token logits `[vocabSize]` after `tokens`, and the state they lead to. */
  async function extend(tokens: Tokens, past: DecoderState | undefined, displacement: Displacement | undefined) {
    return decoder.forward({ tokens, past, displacement, logitsAt: [tokens.length - 1] })
  }

  /** Opened once; a failure is not remembered, so that the next call tries again. */
  function recordingDecoder(): Promise<Decoder> {
    recorder ??= (openRecorder?.() ?? Promise.resolve(decoder)).catch((error) => {
      recorder = undefined
      throw error
    })
    return recorder
  }

  async function logits({ tokens, displacement }: Parameters<TokenModel['logits']>[0]): Promise<Float32Array> {
    checkTokens('prompt', tokens, shape)
    checkDisplacement(displacement, shape)
    const result = await extend(tokens, undefined, displacement)
    return result.logits
  }

  async function record(prompts: readonly { readonly tokens: Tokens }[], options: RunOptions = {}): Promise<Float32Array> {
    for (const { tokens } of prompts) checkTokens('prompt', tokens, shape)
    checkDisplacement(options.displacement, shape)
    const recording = await recordingDecoder()
    const size = shape.layers * zWidth(shape)
    const out = new Float32Array(prompts.length * size)
    const texts = prompts.map(({ tokens }) => tokens)
    await forEachPrompt(recording, texts, options, async (tokens, past, index) => {
      const { z, state } = await recording.forward({ tokens, past, displacement: options.displacement, record: true })
      out.set(z!, index * size)
      state.release()
    })
    return out
  }

  async function score(requests: readonly ScoreRequest[], options: RunOptions = {}): Promise<Float64Array[]> {
    for (const request of requests) checkScoreRequest(request, shape)
    checkDisplacement(options.displacement, shape)
    const scores: Float64Array[] = []
    const prompts = requests.map(({ tokens }) => tokens)
    await forEachPrompt(decoder, prompts, options, async (rest, past, index) => {
      const prompt = await extend(rest, past, options.displacement)
      const normaliser = logSumExp(prompt.logits)
      const { continuations } = requests[index]!
      const logprobs = new Float64Array(continuations.length)
      for (const [i, continuation] of continuations.entries()) {
        throwIfAborted(options.signal)
        const first = prompt.logits[continuation[0]!]! - normaliser
        logprobs[i] = first + (await scoreAfterFirst(continuation, prompt.state, options.displacement))
      }
      scores.push(logprobs)
      prompt.state.release()
    })
    return scores
  }

  /** Log-probability of a continuation's tokens from its second on: the pass over all but the last token predicts them. */
  async function scoreAfterFirst(
    continuation: Tokens,
    past: DecoderState,
    displacement: Displacement | undefined,
  ): Promise<number> {
    if (continuation.length === 1) return 0
    const tokens = sliceTokens(continuation, 0, continuation.length - 1)
    const logitsAt = Array.from(tokens, (_, position) => position)
    const { logits, state } = await decoder.forward({ tokens, past, displacement, logitsAt })
    state.release()
    return logitsAt.reduce((sum, position) => {
      const next = logits.subarray(position * shape.vocabSize, (position + 1) * shape.vocabSize)
      return sum + next[continuation[position + 1]!]! - logSumExp(next)
    }, 0)
  }

  async function* generateTokens(request: TokenGenerateRequest): AsyncGenerator<GeneratedToken> {
    const { tokens: prompt, displacement, maxTokens = DEFAULT_MAX_TOKENS, temperature, topP, seed = 0, signal } = request
    checkTokens('prompt', prompt, shape)
    checkDisplacement(displacement, shape)
    checkMaxTokens(maxTokens)
    const sample = sampler({ temperature, topP, random: seededRandom(seed) })
    const most = Math.min(maxTokens, shape.contextLength - prompt.length)
    let tokens = prompt
    let past: DecoderState | undefined
    for (let count = 0; count < most; count++) {
      throwIfAborted(signal)
      const { logits, state } = await extend(tokens, past, displacement)
      const next = sample(logits)
      if (ends.has(next.token)) return
      yield next
      tokens = [next.token]
      past = state
    }
  }

  async function dispose(): Promise<void> {
    const opened = await recorder
    await decoder.dispose()
    if (opened !== undefined && opened !== decoder) await opened.dispose()
  }

  return { shape, logits, record, score, generateTokens, dispose }
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

function checkDisplacement(displacement: Displacement | undefined, shape: ModelShape): void {
  if (displacement !== undefined) assertDisplacement(displacement, shape)
}

function checkMaxTokens(maxTokens: number): void {
  if (!Number.isInteger(maxTokens) || maxTokens < 0) {
    throw new PalignError('invalid-input', `maxTokens is ${maxTokens}, expected an integer of at least 0`)
  }
}
