/** @file What steering costs while decoding, and what a shared prefix saves while scoring a questionnaire. */
import type { Decoder, DecoderState } from '../src/engine/decoder.ts'
import { tokenModel } from '../src/engine/token-model.ts'
import { bootstrapInterval, type Interval } from '../src/math/bootstrap.ts'
import { gaussian, seededRandom } from '../src/math/random.ts'
import { type Displacement, zeroDisplacement } from '../src/model/displacement.ts'
import { openDecoder } from '../test/engine/open-model.ts'
import { median, model135m } from './model-135m.ts'

export interface DecodeResult {
  readonly unsteeredTokensPerSecond: number
  readonly steeredTokensPerSecond: number
  /** Steered over unsteered: 1 is free. Median over pairs of neighbouring blocks, so that slow drift of the machine cancels. */
  readonly ratio: number
  /** 95 % bootstrap interval of the mean ratio of a pair: what the noise of the machine leaves open. */
  readonly interval: Interval
}

/** Blocks of steered and unsteered decoding in turn, the order within a pair alternating, on one 135M-shaped model. */
export async function benchDecode({ pairs = 80, tokensPerBlock = 16, promptTokens = 64 } = {}): Promise<DecodeResult> {
  const { files, runtime } = model135m()
  const unsteered = await openDecoder(files, runtime, { steering: false, record: false })
  const steered = await openDecoder(files, runtime, { record: false })
  const random = seededRandom(1)
  const displacement = zeroDisplacement(steered.shape).map(() => 0.1 * gaussian(random))

  const start = async (decoder: Decoder, shift?: Displacement) => {
    const { state } = await decoder.forward({ tokens: tokensOf(promptTokens), displacement: shift })
    const block = () => secondsPerToken(decoder, state, tokensPerBlock, shift)
    await block()
    return block
  }
  const blocks = { unsteered: await start(unsteered), steered: await start(steered, displacement) }
  const seconds = { unsteered: [] as number[], steered: [] as number[] }
  for (let pair = 0; pair < pairs; pair++) {
    const order = pair % 2 === 0 ? (['unsteered', 'steered'] as const) : (['steered', 'unsteered'] as const)
    for (const kind of order) seconds[kind].push(await blocks[kind]())
  }
  await Promise.all([unsteered.dispose(), steered.dispose()])
  runtime.close()
  const ratios = seconds.unsteered.map((value, pair) => value / seconds.steered[pair]!)
  return {
    unsteeredTokensPerSecond: 1 / median(seconds.unsteered),
    steeredTokensPerSecond: 1 / median(seconds.steered),
    ratio: median(ratios),
    interval: bootstrapInterval(ratios),
  }
}

export interface PrefixResult {
  readonly items: number
  readonly scoreSeconds: number
  /** Of a few prompts computed from their first token, times the number of items. */
  readonly extrapolatedPrefillSeconds: number
  /** How many times faster the shared prefix is. */
  readonly ratio: number
}

/** `items` suffixes on one prefix through `score`, against computing every prompt whole (a few measured, extrapolated linearly). */
export async function benchPrefix({
  items = 180,
  prefixTokens = 1500,
  suffixTokens = 60,
  prefills = 4,
} = {}): Promise<PrefixResult> {
  const { files, runtime } = model135m()
  const model = tokenModel(await openDecoder(files, runtime, { record: false }))
  const random = seededRandom(1)
  const displacement = zeroDisplacement(model.shape).map(() => 0.1 * gaussian(random))
  const prefix = tokensOf(prefixTokens)
  const requests = Array.from({ length: items }, (_, item) => ({
    tokens: [...prefix, item, ...tokensOf(suffixTokens - 1)],
    continuations: [[1], [2], [3], [4], [5]],
  }))
  await model.logits({ tokens: tokensOf(16) })
  const scoreSeconds = await secondsOf(() => model.score(requests, { displacement }))
  const single: number[] = []
  for (const request of requests.slice(0, prefills)) {
    single.push(await secondsOf(() => model.logits({ tokens: request.tokens, displacement })))
  }
  await model.dispose()
  runtime.close()
  const extrapolatedPrefillSeconds = median(single) * items
  return { items, scoreSeconds, extrapolatedPrefillSeconds, ratio: extrapolatedPrefillSeconds / scoreSeconds }
}

/** Decodes from `start` token by token, as generation does, and hands the states back. */
async function secondsPerToken(
  decoder: Decoder,
  start: DecoderState,
  count: number,
  displacement?: Displacement,
): Promise<number> {
  const states: DecoderState[] = []
  const seconds = await secondsOf(async () => {
    let past = start
    for (const token of tokensOf(count)) {
      const { state } = await decoder.forward({ tokens: [token], past, displacement, logitsAt: [0] })
      states.push(state)
      past = state
    }
  })
  for (const state of states.reverse()) state.release()
  return seconds / count
}

async function secondsOf(run: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await run()
  return (performance.now() - begin) / 1000
}

function tokensOf(count: number): number[] {
  return Array.from({ length: count }, (_, i) => (i * 7919) % 49_152)
}
