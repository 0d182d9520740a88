/**
 * @file The port between the training run (data, order, checkpoints) and what computes gradients: a whole model or an adapter whose
 * parameters move. Rows come padded to the fixed shape of their batch, so that a trainer needs one session for each shape.
 */
import type { AdapterConfig } from '../model/adapter.ts'
import type { OptimiserOptions, StepResult, TrainingBatch } from '../model/trainer.ts'

/** Everything a resumed run needs, besides its place in the data. */
export interface TrainerState {
  /** Updates made so far. */
  readonly step: number
  /** By tensor name; those of an adapter are `<module>.lora_A.weight` and `<module>.lora_B.weight`. */
  readonly parameters: ReadonlyMap<string, Float32Array>
  readonly firstMoments: ReadonlyMap<string, Float32Array>
  readonly secondMoments: ReadonlyMap<string, Float32Array>
}

export interface StepOptions {
  /** In place of what the trainer's own schedule says. */
  readonly learningRate?: number | undefined
}

export interface ModelTrainer {
  readonly parameterCount: number
  /** Gradients of all batches, divided by their number, then one update. Throws `non-finite`, with the parameters as they were. */
  step(batches: readonly TrainingBatch[], options?: StepOptions): Promise<StepResult>
  state(): Promise<TrainerState>
  restore(state: TrainerState): Promise<void>
  dispose(): Promise<void>
}

/** What moves: every weight of the model, or an adapter beside the frozen model. */
export type TrainedPart =
  | { readonly kind: 'full' }
  | { readonly kind: 'adapter'; readonly config: AdapterConfig; readonly dropout: number }

export interface OpenTrainerRequest {
  /** Folder with config.json and *.safetensors; its weights are where training begins. */
  readonly folder: string
  readonly part: TrainedPart
  readonly optimiser: OptimiserOptions
  /** Of the adapter's first values and of dropout. */
  readonly seed: number
  readonly threads: number
}

export type OpenTrainer = (request: OpenTrainerRequest) => Promise<ModelTrainer>
