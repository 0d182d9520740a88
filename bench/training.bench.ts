/**
 * @file Training speed and memory against torch: same weights, batch, optimiser, machine and number of threads, in two processes that
 * take turns. Before anything is timed both sides must show the same losses and gradient norms over a few steps.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '../src/math/random.ts'
import { median } from '../src/math/statistics.ts'
import { type AdapterConfig, LINEAR_LAYERS } from '../src/model/adapter.ts'
import type { PreferencePair } from '../src/model/trainer.ts'
import { configJson, randomModel } from '../test/fixtures/random-model.ts'
import {
  type BenchBatch,
  type Memory,
  type Opened,
  type OpenRequest,
  ourSide,
  type Side,
  type Steps,
  torchSide,
} from './training-process.ts'

interface Case {
  readonly name: string
  readonly model: Readonly<Record<string, unknown>>
  readonly adapter?: AdapterConfig
  readonly checkpointing?: boolean
  readonly kind: BenchBatch['kind']
  readonly rows: number
  readonly stepsPerRound: number
  readonly learningRate: number
}

const LENGTH = 128
/** Of a preference row: the last quarter is its completion. */
const COMPLETION_FROM = 96

const shape = (vocab: number, hidden: number, layers: number, heads: number, kvHeads: number, ffn: number) => ({
  vocab_size: vocab,
  hidden_size: hidden,
  num_hidden_layers: layers,
  num_attention_heads: heads,
  num_key_value_heads: kvHeads,
  intermediate_size: ffn,
  max_position_embeddings: 256,
  tie_word_embeddings: true,
})
const SHAPE_1M = shape(512, 128, 4, 4, 2, 384)
const SHAPE_5M = shape(2048, 256, 6, 8, 4, 704)
const SHAPE_135M = shape(49_152, 576, 30, 9, 3, 1536)
const lora = (rank: number): AdapterConfig => ({ rank, alpha: 2 * rank, targets: LINEAR_LAYERS })

// At 1e-3 four steps on two pairs bring the loss to 1e-7, where no two sums agree.
const PREFERENCE_135M = {
  model: SHAPE_135M,
  adapter: lora(16),
  kind: 'preference',
  rows: 4,
  stepsPerRound: 1,
  learningRate: 1e-5,
} as const

const CASES: readonly Case[] = [
  { name: '1M', model: SHAPE_1M, kind: 'likelihood', rows: 16, stepsPerRound: 8, learningRate: 1e-3 },
  { name: '5M', model: SHAPE_5M, kind: 'likelihood', rows: 8, stepsPerRound: 4, learningRate: 1e-3 },
  { name: '5M LoRA', model: SHAPE_5M, adapter: lora(8), kind: 'likelihood', rows: 8, stepsPerRound: 4, learningRate: 1e-3 },
  { name: '135M LoRA-DPO', ...PREFERENCE_135M },
  { name: '135M LoRA-DPO, layers computed again', ...PREFERENCE_135M, checkpointing: true },
]

const OPTIMISER = { weightDecay: 0.01, clipNorm: 1 } as const
const CHECKED_STEPS = 4

interface SideResult extends Memory {
  /** Medians over rounds; tokens are those of the batch, padding and prompts included. */
  readonly tokensPerSecond: number
  readonly tokensPerProcessorSecond: number
}

export interface TrainingResult {
  readonly name: string
  readonly threads: number
  readonly parameters: number
  readonly ours: SideResult
  readonly torch: SideResult & Pick<Opened, 'torch' | 'blas'>
  /** Ours over torch, median over rounds of neighbouring blocks: more is faster. */
  readonly speedRatio: number
  readonly processorSpeedRatio: number
  readonly perRound: readonly number[]
  /** Ours over torch: less is smaller. */
  readonly memoryRatio: number
  /** Largest relative difference of losses and gradient norms over the first steps. */
  readonly largestDifference: number
}

export interface TrainingOptions {
  readonly rounds?: number
  readonly threads?: readonly number[]
  readonly cases?: readonly string[]
}

/** Undefined, with a message, where there is no torch to compare with. */
export async function benchTraining({
  rounds = 7,
  threads = [1, 2],
  cases = CASES.map(({ name }) => name),
}: TrainingOptions = {}): Promise<TrainingResult[] | undefined> {
  const results: TrainingResult[] = []
  for (const benchCase of CASES.filter(({ name }) => cases.includes(name))) {
    const folder = modelFolder(benchCase.model)
    try {
      for (const count of threads) {
        const result = await compare(benchCase, folder, { threads: count, rounds })
        if (result === undefined) {
          console.error('torch is not installed, nothing was measured: see bench/README.md')
          return undefined
        }
        console.error(JSON.stringify(result))
        results.push(result)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
  return results
}

/** A folder with config.json and model.safetensors of random float32 weights. */
function modelFolder(model: Case['model']): string {
  const folder = mkdtempSync(join(tmpdir(), 'palign-bench-'))
  const { json, files } = randomModel({ json: configJson(model) })
  writeFileSync(join(folder, 'config.json'), JSON.stringify(json))
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes)
  return folder
}

async function compare(
  { name, model, adapter, checkpointing = false, kind, rows, stepsPerRound, learningRate }: Case,
  folder: string,
  { threads, rounds }: { readonly threads: number; readonly rounds: number },
): Promise<TrainingResult | undefined> {
  const torch = torchSide(threads)
  if (torch === undefined) return undefined
  const ours = ourSide()
  // Not among the model's own weight files.
  const adapterFolder = join(folder, 'adapter')
  mkdirSync(adapterFolder, { recursive: true })
  const file = join(adapterFolder, 'adapter.safetensors')
  const request: OpenRequest = {
    folder,
    adapter: adapter === undefined ? null : { ...adapter, file, checkpointing },
    optimiser: { ...OPTIMISER, learningRate },
    threads,
  }
  const batch = randomBatch(kind, { rows, vocabulary: Number(model.vocab_size) })
  // Ours first: it draws the first values of the adapter.
  const { parameters } = await ours.open(request)
  const opened = await torch.open(request)
  if (opened.parameters !== parameters) throw new Error(`${name} trains ${parameters} parameters, torch ${opened.parameters}`)
  const checked = [await ours.step(batch, CHECKED_STEPS), await torch.step(batch, CHECKED_STEPS)] as const
  const largestDifference = differenceOf(...checked)
  if (!(largestDifference < TOLERANCE))
    throw new Error(`${name} differs from torch by ${largestDifference}: ${JSON.stringify(checked)}`)

  const blocks = { ours: [] as Steps[], torch: [] as Steps[] }
  for (let round = 0; round < rounds; round++) {
    const order: readonly [keyof typeof blocks, Side][] = [
      ['ours', ours],
      ['torch', torch],
    ]
    for (const [which, side] of round % 2 === 0 ? order : order.toReversed()) {
      blocks[which].push(await side.step(batch, stepsPerRound))
    }
  }
  const tokens = rows * LENGTH * stepsPerRound
  const result = (steps: readonly Steps[], memory: Memory): SideResult => ({
    tokensPerSecond: tokens / median(steps.map(({ seconds }) => seconds)),
    tokensPerProcessorSecond: tokens / median(steps.map(({ processorSeconds }) => processorSeconds)),
    ...memory,
  })
  const [own, other] = [result(blocks.ours, ours.memory()), result(blocks.torch, torch.memory())]
  await ours.close()
  await torch.close()
  const ratios = (of: (steps: Steps) => number) => blocks.torch.map((steps, round) => of(steps) / of(blocks.ours[round]!))
  const perRound = ratios(({ seconds }) => seconds)
  return {
    name,
    threads,
    parameters,
    ours: own,
    torch: { ...other, torch: opened.torch, blas: opened.blas },
    speedRatio: median(perRound),
    processorSpeedRatio: median(ratios(({ processorSeconds }) => processorSeconds)),
    perRound,
    memoryRatio: own.peakMb / other.peakMb,
    largestDifference,
  }
}

/** Float32 sums in another order, through a few steps of an optimiser that divides small gradients by their own size. */
const TOLERANCE = 1e-3

function differenceOf(ours: Steps, torch: Steps): number {
  const relative = (a: readonly number[], b: readonly number[]) =>
    a.map((value, i) => Math.abs(value - b[i]!) / Math.max(Math.abs(value), Math.abs(b[i]!)))
  return Math.max(...relative(ours.losses, torch.losses), ...relative(ours.gradientNorms, torch.gradientNorms))
}

function randomBatch(
  kind: BenchBatch['kind'],
  { rows, vocabulary }: { readonly rows: number; readonly vocabulary: number },
): BenchBatch {
  const random = seededRandom(1)
  const tokens = () => Array.from({ length: LENGTH }, () => Math.floor(random() * vocabulary))
  switch (kind) {
    case 'likelihood':
      return { kind, rows: Array.from({ length: rows }, tokens) }
    case 'preference': {
      const row = () => ({ tokens: tokens(), completionFrom: COMPLETION_FROM })
      const pair = (): PreferencePair => ({ chosen: row(), rejected: row(), referenceMargin: 0 })
      return { kind, beta: 0.1, pairs: Array.from({ length: rows / 2 }, pair) }
    }
    default:
      return kind satisfies never
  }
}
