/** @file Trainers on ONNX Runtime: of a whole model or an adapter (`ModelTrainer`), and of one adapter after another (`AdapterTrainer`). */
import { PalignError } from '../errors.ts'
import type { LlamaConfig } from '../graph/llama-config.ts'
import type { Weights } from '../graph/weights.ts'
import { seededRandom } from '../math/random.ts'
import type { AdapterConfig } from '../model/adapter.ts'
import type { ModelShape } from '../model/shape.ts'
import {
  type AdapterTrainer,
  type OptimiserOptions,
  rowsOf,
  type StepResult,
  type TrainingBatch,
  type TrainingRow,
} from '../model/trainer.ts'
import { type AdamW, adamW, type Tensors } from './adamw.ts'
import { LOG_PROBABILITIES, type LossSpec, VALUES } from './losses.ts'
import { adapterShapes, initialAdapter, toAdapter, valueHeadShapes } from './low-rank.ts'
import type { ModelTrainer, StepOptions } from './model-trainer.ts'
import { completionBatch, likelihoodBatch, type PaddedBatch, policyBatch, preferenceBatch } from './padded-batch.ts'
import { gradientName, LOSS, type Trained } from './training-graph.ts'
import { type TrainingRuntime, type TrainingSessions, trainingSessions } from './training-sessions.ts'

export interface TrainerOptions {
  readonly config: LlamaConfig
  readonly shape: ModelShape
  readonly runtime: TrainingRuntime
  /** Whether each layer is computed again in the backward pass, which needs less memory and a third more time; default false. */
  readonly checkpointing?: boolean | undefined
}

export interface ModelTrainerOptions extends TrainerOptions {
  readonly trained: Trained
  /** Where training begins, by tensor name. They are changed in place. */
  readonly parameters: Tensors
  readonly optimiser: OptimiserOptions
  /** Of dropout. */
  readonly seed: number
}

/** @throws PalignError `engine-failed`, `non-finite` from `step` */
export function modelTrainer({ trained, parameters, optimiser, seed, ...options }: ModelTrainerOptions): ModelTrainer {
  const sessions = trainingSessions(options)
  let moving = optimiserOf(parameters, optimiser)
  return {
    parameterCount: sizeOf(parameters),
    step: (batches, stepOptions) => takeStep({ sessions, trained, parameters, moving, seed, ...stepOptions }, batches),
    async state() {
      const { step, firstMoments, secondMoments } = moving
      return { step, parameters: copyOf(parameters), firstMoments: copyOf(firstMoments), secondMoments: copyOf(secondMoments) }
    },
    async restore(state) {
      for (const [name, values] of parameters) values.set(state.parameters.get(name)!)
      const { step } = state
      const [firstMoments, secondMoments] = [copyOf(state.firstMoments), copyOf(state.secondMoments)]
      moving = optimiserOf(parameters, optimiser, { step, firstMoments, secondMoments })
    },
    dispose: () => sessions.dispose(),
  }
}

export interface AdapterTrainerOptions extends TrainerOptions {
  readonly weights: Weights
  readonly adapter: AdapterConfig
}

/** A trainer of one adapter after another over the same frozen weights. Sessions stay open between persons. */
export function adapterTrainer({ weights, adapter, ...options }: AdapterTrainerOptions): AdapterTrainer {
  const { config, shape } = options
  const sessions = trainingSessions(options)
  const shapes = new Map([...adapterShapes(config, adapter), ...valueHeadShapes(config)])
  const trainedWith = (dropout: number, valueHead: boolean): Trained => ({
    kind: 'adapter',
    weights,
    adapter,
    dropout,
    valueHead,
  })
  let parameters = initialAdapter(shapes, 0)
  let begun: { readonly moving: AdamW; readonly dropout: number; readonly seed: number } | undefined
  let usage = { forwardTokens: 0, trainedTokens: 0, steps: 0 }

  const forward = async (rows: readonly TrainingRow[], output: string, scale?: number): Promise<Float32Array[]> => {
    const results: Float32Array[] = []
    for (let begin = 0; begin < rows.length; begin += ROWS_AT_ONCE) {
      const part = rows.slice(begin, begin + ROWS_AT_ONCE)
      const batch = completionBatch(part)
      const trained = trainedWith(0, true)
      const outputs = await sessions.run({ batch, trained, loss: { kind: 'none' }, parameters, scale })
      usage = { ...usage, forwardTokens: usage.forwardTokens + batch.tokens }
      part.forEach(({ tokens, completionFrom }, row) => {
        const first = row * batch.slots
        results.push(outputs.get(output)!.slice(first, first + tokens.length - completionFrom))
      })
    }
    return results
  }

  return {
    shape,
    config: adapter,
    trainableParameters: sizeOf(initialAdapter(adapterShapes(config, adapter), 0)),
    async begin({ seed, dropout = 0, ...optimiser }) {
      parameters = initialAdapter(shapes, seed)
      begun = { moving: optimiserOf(parameters, optimiser), dropout, seed }
      usage = { forwardTokens: 0, trainedTokens: 0, steps: 0 }
    },
    logProbabilities: (rows, { reference = false } = {}) => forward(rows, LOG_PROBABILITIES, reference ? 0 : undefined),
    values: (rows) => forward(rows, VALUES),
    async step(batches) {
      if (begun === undefined) throw new PalignError('invalid-input', 'trainer was not begun', { hint: 'call begin first' })
      const { moving, dropout, seed } = begun
      const trained = trainedWith(
        dropout,
        batches.some(({ kind }) => kind === 'policy'),
      )
      const result = await takeStep({ sessions, trained, parameters, moving, seed }, batches)
      const tokens = batches.reduce((sum, batch) => sum + tokensOf(batch), 0)
      usage = { ...usage, trainedTokens: usage.trainedTokens + tokens, steps: usage.steps + 1 }
      return result
    },
    adapter: async () => toAdapter(config, adapter, parameters),
    usage: () => usage,
    dispose: () => sessions.dispose(),
  }
}

const ROWS_AT_ONCE = 16

interface Moving {
  readonly sessions: TrainingSessions
  readonly trained: Trained
  readonly parameters: Tensors
  readonly moving: AdamW
  readonly seed: number
}

/** One update from the mean gradient of the batches. The parameters stay as they were where it is not finite. */
async function takeStep(
  { sessions, trained, parameters, moving, seed, learningRate }: Moving & StepOptions,
  batches: readonly TrainingBatch[],
): Promise<StepResult> {
  if (batches.length === 0) throw new PalignError('invalid-input', 'step has no batches, expected at least one')
  const { step } = moving
  // The draw depends on the seed and the step alone, so that a resumed run goes on as it would have.
  const random = seededRandom(seed * 1_000_003 + step)
  const dropout = trained.kind === 'adapter' ? trained.dropout : 0
  let loss = 0
  let sum: Map<string, Float32Array> | undefined
  for (const batch of batches) {
    const { padded, spec } = pad(batch)
    const outputs = await sessions.run({
      batch: padded,
      trained,
      loss: spec,
      parameters,
      drawMask: (mask) => drawKept(mask, dropout, random),
    })
    loss += outputs.get(LOSS)![0]! / batches.length
    const first = sum === undefined
    sum ??= new Map()
    for (const name of parameters.keys()) {
      const gradient = outputs.get(gradientName(name))
      // A value head has no gradient where the loss has no values: it stays as it is.
      if (gradient === undefined) continue
      if (first) sum.set(name, gradient)
      else addTo(sum.get(name)!, gradient)
    }
  }
  const result = moving.update(sum!, 1 / batches.length, learningRate)
  if (!Number.isFinite(loss) || !Number.isFinite(result.gradientNorm)) {
    throw new PalignError('non-finite', `step ${step + 1} gives loss ${loss} and gradient norm ${result.gradientNorm}`, {
      hint: 'the parameters are as they were; a smaller learning rate may help',
    })
  }
  return { loss, ...result }
}

function pad(batch: TrainingBatch): { readonly padded: PaddedBatch; readonly spec: LossSpec } {
  switch (batch.kind) {
    case 'likelihood':
      return { padded: likelihoodBatch(batch.rows), spec: { kind: 'likelihood' } }
    case 'preference':
      return { padded: preferenceBatch(batch.pairs, batch.beta), spec: { kind: 'preference' } }
    case 'policy':
      return { padded: policyBatch(batch.rollouts, batch.valueCoefficient), spec: { kind: 'policy', clip: batch.clip } }
    default:
      return batch satisfies never
  }
}

const tokensOf = (batch: TrainingBatch) => rowsOf(batch).reduce((sum, { tokens }) => sum + tokens.length, 0)

/** Sets to 0 what is dropped. Two bytes decide: the share is right to 1/65,536. */
function drawKept(mask: Uint8Array, dropout: number, random: () => number): void {
  if (dropout === 0) return
  const threshold = Math.round(dropout * 65_536)
  for (let i = 0; i < mask.length; i += 2) {
    const bits = Math.floor(random() * 2 ** 32)
    mask[i] = Number((bits & 0xffff) >= threshold)
    mask[i + 1] = Number(bits >>> 16 >= threshold)
  }
}

function optimiserOf(
  parameters: Tensors,
  options: OptimiserOptions,
  state?: Pick<AdamW, 'step' | 'firstMoments' | 'secondMoments'>,
) {
  return adamW({ parameters, ...options, decays: (name) => !/norm|bias|value_head/.test(name), state })
}

function addTo(sum: Float32Array, added: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += added[i]!
}

const sizeOf = (tensors: Tensors) => [...tensors.values()].reduce((sum, { length }) => sum + length, 0)
const copyOf = (tensors: Tensors): Map<string, Float32Array> =>
  new Map([...tensors].map(([name, values]) => [name, values.slice()]))
