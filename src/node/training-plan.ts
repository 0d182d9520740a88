/** @file What a training run will do, known before its first step: documents as tokens, stages with their lengths, settings to compare. */
import { PalignError } from '../errors.ts'
import type { FloatDtype } from '../formats/float-tensor.ts'
import type { JsonValue } from '../formats/strict-json.ts'
import { modelShape } from '../graph/llama-config.ts'
import type { AdapterConfig } from '../model/adapter.ts'
import type { OptimiserOptions } from '../model/trainer.ts'
import type { BatchShapes } from '../train/batches.ts'
import type { TrainedPart } from '../train/model-trainer.ts'
import { stepsOfEpochs, type TrainingStage } from '../train/sft-run.ts'
import { documentEncoder } from './document-encoder.ts'
import { readModelText } from './model-text.ts'
import { readTrainingData } from './read-training-data.ts'
import { type StartingModel, startingModel } from './starting-model.ts'
import { checkStage, type StageRecipe } from './training-recipe.ts'

/** What decides the course of a run, but for `signal` and `onEvent`. */
export interface TrainingSettings {
  /** Folder with config.json, tokenizer and, unless training begins from scratch, weights. */
  readonly model: string
  readonly stages: readonly StageRecipe[]
  readonly part: { readonly kind: 'full'; readonly dtype: FloatDtype } | AdapterPart
  /** Begin with random weights of this standard deviation in place of those of the folder. */
  readonly fromScratch?: { readonly deviation: number } | undefined
  readonly seed?: number | undefined
  /** Of the runtime, 0 for all cores; with 1, the default, the same run gives the same bits. */
  readonly threads?: number | undefined
  /** Longest sequence, tokens; default: that of the model. */
  readonly contextLength?: number | undefined
  /** Most padded tokens that are computed at once, default 4,096; a step with more adds up gradients. */
  readonly batchTokens?: number | undefined
  /** Plain texts share rows of this many tokens, default 512; 0: they do not. */
  readonly packTokens?: number | undefined
  readonly weightDecay?: number | undefined
  readonly clipNorm?: number | undefined
  readonly betas?: readonly [number, number] | undefined
  /** The step that is running is finished and written down first. */
  readonly signal?: AbortSignal | undefined
  readonly onEvent?: ((event: ReadingEvent) => void) | undefined
}

export interface AdapterPart {
  readonly kind: 'adapter'
  readonly config: AdapterConfig
  readonly dropout: number
}

export interface ReadingEvent {
  readonly kind: 'reading'
  /** Bytes. */
  readonly done: number
  readonly total: number
}

export interface TrainingPlan {
  readonly model: StartingModel
  readonly stages: readonly TrainingStage[]
  readonly shapes: BatchShapes
  readonly seed: number
  readonly threads: number
  readonly optimiser: OptimiserOptions
  readonly part: TrainedPart
  /** Everything that decides the course of the run, as plain JSON. */
  readonly settings: JsonValue
}

const DEFAULTS = { tokensPerStep: 4096, learningRate: 3e-4, finalFraction: 0.1, warmupShare: 0.03 } as const
const BATCH_TOKENS = 4096
const PACK_TOKENS = 512

/** @param initialFolder where random weights are written. Errors as `trainModel`. */
export async function planTraining(options: TrainingSettings, initialFolder: string): Promise<TrainingPlan> {
  checkSettings(options)
  const { seed = 0, threads = 1, signal, fromScratch, weightDecay = 0, clipNorm = 1, betas = [0.9, 0.999] as const } = options
  const recipes = options.stages.map(checkStage)
  if (recipes.length === 0) throw new PalignError('invalid-input', 'training has no stages, expected at least one')
  const model = await startingModel(options.model, fromScratch && { ...fromScratch, seed, folder: initialFolder })
  const { vocabSize, contextLength } = modelShape(model.config, { contextLength: options.contextLength })
  const { batchTokens = BATCH_TOKENS, packTokens = PACK_TOKENS } = options
  const shapes = { batchTokens, packTokens, contextLength }
  const encoder = documentEncoder(await readModelText(options.model), { contextLength, vocabSize })
  const stages: TrainingStage[] = []
  const files: JsonValue[] = []
  try {
    // Stages that share their files share their tokens.
    const read = new Map<string, ReturnType<typeof readTrainingData>>()
    for (const [stage, recipe] of recipes.entries()) {
      const key = JSON.stringify(recipe.data)
      const onProgress = (progress: { readonly done: number; readonly total: number }) =>
        options.onEvent?.({ kind: 'reading', ...progress })
      const reading = read.get(key) ?? readTrainingData(recipe.data, { encoder, vocabSize, onProgress, signal })
      read.set(key, reading)
      const data = await reading
      const { learningRate = DEFAULTS.learningRate, finalFraction = DEFAULTS.finalFraction } = recipe
      const { epochs = 1, tokensPerStep = DEFAULTS.tokensPerStep } = recipe
      const steps = recipe.steps ?? stepsOfEpochs(data.store, { epochs, shapes, seed, stage, tokensPerStep })
      const warmupSteps = recipe.warmupSteps ?? Math.ceil(steps * DEFAULTS.warmupShare)
      stages.push({ store: data.store, steps, tokensPerStep, learningRate, warmupSteps, finalFraction })
      files.push(data.files.map(({ name, sha256 }) => ({ name, sha256 })))
    }
  } finally {
    await encoder.dispose()
  }
  const optimiser = { learningRate: DEFAULTS.learningRate, weightDecay, clipNorm, betas }
  const part: TrainedPart =
    options.part.kind === 'full'
      ? { kind: 'full' }
      : { kind: 'adapter', config: options.part.config, dropout: options.part.dropout }
  const settings = plainJson({
    model: model.fingerprint,
    part,
    fromScratch: fromScratch ?? null,
    seed,
    threads,
    ...shapes,
    optimiser: { weightDecay, clipNorm, betas },
    stages: stages.map(({ store: _, ...stage }, i) => ({ data: files[i], ...stage })),
  })
  return { model, stages, shapes, seed, threads, optimiser, part, settings }
}

/** Without what the schemas of files check. */
function checkSettings({
  batchTokens = 1,
  packTokens = 0,
  threads = 0,
  weightDecay = 0,
  clipNorm = 1,
  betas = [0, 0],
  part,
}: TrainingSettings): void {
  const dropout = part.kind === 'adapter' ? part.dropout : 0
  const wrong = Object.entries({
    'batch tokens': [batchTokens, batchTokens >= 1],
    'pack tokens': [packTokens, packTokens >= 0],
    threads: [threads, threads >= 0],
    'weight decay': [weightDecay, weightDecay >= 0 && weightDecay <= 1],
    'clip norm': [clipNorm, clipNorm > 0],
    beta2: [betas[1], betas[1] >= 0 && betas[1] < 1],
    dropout: [dropout, dropout >= 0 && dropout < 1],
  } satisfies Record<string, [number, boolean]>).find(([, [, fits]]) => !fits)
  if (wrong === undefined) return
  const [name, [value]] = wrong
  throw new PalignError('invalid-input', `${name} is ${value}, which is out of range`, { hint: 'see palign train --help' })
}

const plainJson = (value: unknown) => JSON.parse(JSON.stringify(value)) as JsonValue
