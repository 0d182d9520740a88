/** @file What steering costs while decoding, and what a shared prefix saves while scoring a questionnaire. */
import type { Decoder, DecoderState } from '../src/engine/decoder.ts'
import { tokenModel } from '../src/engine/token-model.ts'
import { gaussian, seededRandom } from '../src/math/random.ts'
import { median } from '../src/math/statistics.ts'
import { type Displacement, zeroDisplacement } from '../src/model/displacement.ts'
import { openDecoder } from '../test/engine/open-model.ts'
import { model135m } from './model-135m.ts'

export interface DecodeResult {
  readonly unsteeredTokensPerSecond: number
  readonly steeredTokensPerSecond: number
  /** Steered over unsteered: 1 is free. Median over rounds. */
  readonly ratio: number
  /** Median over the pairs of neighbouring blocks of each round: their scatter is what the measurement leaves open. */
  readonly perRound: readonly number[]
}

const KINDS = ['unsteered', 'steered'] as const
type Kind = (typeof KINDS)[number]

/**
 * Blocks of steered and unsteered decoding in turn, the order within a pair alternating, on one 135M-shaped model. Two sessions of
 * the same graph differ by a few percent, by where their weights happen to lie; so both are opened anew, in the other order, every round.
 */
export async function benchDecode({
  rounds = 6,
  pairsPerRound = 14,
  tokensPerBlock = 16,
  promptTokens = 64,
} = {}): Promise<DecodeResult> {
  const { files, runtime } = model135m()
  const seconds = { unsteered: [] as number[], steered: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? KINDS : KINDS.toReversed()
    const blocks = new Map<Kind, DecodeBlock>()
    for (const kind of order) {
      const decoder = await openDecoder(files, runtime, { steering: kind === 'steered', record: false })
      blocks.set(kind, await startBlock(decoder, kind, { tokensPerBlock, promptTokens }))
    }
    for (let pair = 0; pair < pairsPerRound; pair++) {
      for (const kind of pair % 2 === 0 ? order : order.toReversed()) seconds[kind].push(await blocks.get(kind)!.run())
    }
    for (const { dispose } of blocks.values()) await dispose()
  }
  runtime.close()
  const ratios = seconds.unsteered.map((value, pair) => value / seconds.steered[pair]!)
  const perRound = Array.from({ length: rounds }, (_, round) =>
    median(ratios.slice(round * pairsPerRound, (round + 1) * pairsPerRound)),
  )
  return {
    unsteeredTokensPerSecond: 1 / median(seconds.unsteered),
    steeredTokensPerSecond: 1 / median(seconds.steered),
    ratio: median(perRound),
    perRound,
  }
}

interface DecodeBlock {
  /** Seconds per token of one block. */
  run(): Promise<number>
  dispose(): Promise<void>
}

async function startBlock(
  decoder: Decoder,
  kind: Kind,
  { tokensPerBlock, promptTokens }: { readonly tokensPerBlock: number; readonly promptTokens: number },
): Promise<DecodeBlock> {
  const random = seededRandom(1)
  const displacement = kind === 'steered' ? zeroDisplacement(decoder.shape).map(() => 0.1 * gaussian(random)) : undefined
  const { state } = await decoder.forward({ tokens: tokensOf(promptTokens), displacement })
  const run = () => secondsPerToken(decoder, state, tokensPerBlock, displacement)
  await run()
  return { run, dispose: () => decoder.dispose() }
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
