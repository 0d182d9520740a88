/**
 * @file The port through which methods that train (dpo, ppo) reach the engine: one adapter over a frozen model, a few losses, an
 * optimiser. Tokens are plain ids; what they mean, and which loss makes a persona of them, is the caller's.
 */
import type { Adapter, AdapterConfig } from './adapter.ts'
import type { Tokens } from './language-model.ts'
import type { ModelShape } from './shape.ts'

/** A prompt and what follows it. Only the tokens of the completion count in a loss. */
export interface TrainingRow {
  readonly tokens: Tokens
  /** Index of the first completion token, at least 1. */
  readonly completionFrom: number
}

/** Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290), equation 7. */
export interface PreferencePair {
  readonly chosen: TrainingRow
  readonly rejected: TrainingRow
  /** log p(chosen) - log p(rejected) under the model without the adapter, in nats, summed over the completions. */
  readonly referenceMargin: number
}

/** One sampled completion with what PPO needs of each of its tokens (Schulman et al. 2017, arXiv 1707.06347). */
export interface Rollout {
  readonly row: TrainingRow
  /** `[completion]`: log-probabilities under the policy that sampled it, nats. */
  readonly logProbabilities: Float32Array
  /** `[completion]` */
  readonly advantages: Float32Array
  /** `[completion]`: what the value head should have said. */
  readonly returns: Float32Array
}

export type TrainingBatch =
  /** Mean over weighted tokens of -log p, `weights[i]` for predicting token i from those before it; weights[0] is ignored. */
  | { readonly kind: 'likelihood'; readonly rows: readonly { readonly tokens: Tokens; readonly weights: ArrayLike<number> }[] }
  /** Mean over pairs of -log sigmoid(beta (margin - referenceMargin)). */
  | { readonly kind: 'preference'; readonly pairs: readonly PreferencePair[]; readonly beta: number }
  /** Mean over tokens of the clipped surrogate plus `valueCoefficient` times the squared value error. */
  | {
      readonly kind: 'policy'
      readonly rollouts: readonly Rollout[]
      readonly clip: number
      readonly valueCoefficient: number
    }

/** The rows that go through the model for a batch. */
export function rowsOf(batch: TrainingBatch): readonly { readonly tokens: Tokens }[] {
  switch (batch.kind) {
    case 'likelihood':
      return batch.rows
    case 'preference':
      return batch.pairs.flatMap(({ chosen, rejected }) => [chosen, rejected])
    case 'policy':
      return batch.rollouts.map(({ row }) => row)
    default:
      return batch satisfies never
  }
}

export interface OptimiserOptions {
  readonly learningRate: number
  /** Steps of linear warm-up; default 0. */
  readonly warmupSteps?: number | undefined
  /** Steps after which the learning rate, falling by a cosine, has reached `finalFraction` of its peak; default: it stays constant. */
  readonly totalSteps?: number | undefined
  /** Default 0. */
  readonly finalFraction?: number | undefined
  /** Decoupled weight decay of matrices; default 0. */
  readonly weightDecay?: number | undefined
  /** Largest norm of the whole gradient; default 1. */
  readonly clipNorm?: number | undefined
  /** Default .9 and .999. */
  readonly betas?: readonly [number, number] | undefined
}

export interface StepResult {
  /** Mean over the batches of the step, before the update. */
  readonly loss: number
  /** Before clipping. */
  readonly gradientNorm: number
  readonly learningRate: number
}

/** What training has cost since the trainer was opened or begun anew. */
export interface TrainingUsage {
  /** Tokens through a forward pass only (reference and policy log-probabilities). */
  readonly forwardTokens: number
  /** Tokens through forward and backward. */
  readonly trainedTokens: number
  readonly steps: number
}

export interface BeginOptions extends OptimiserOptions {
  readonly seed: number
  /** Share of the adapter's inputs that is dropped in training; default 0. */
  readonly dropout?: number | undefined
}

/** Trains one adapter after another over the same frozen model. */
export interface AdapterTrainer {
  readonly shape: ModelShape
  readonly config: AdapterConfig
  readonly trainableParameters: number
  /** A fresh adapter (B = 0), value head and optimiser: the next person. Must be called before anything else. */
  begin(options: BeginOptions): Promise<void>
  /** Log-probability (nats) of every completion token of each row; `reference` leaves the adapter out (scale 0). No dropout. */
  logProbabilities(rows: readonly TrainingRow[], options?: { readonly reference?: boolean }): Promise<Float32Array[]>
  /** What the value head says before every completion token of each row. */
  values(rows: readonly TrainingRow[]): Promise<Float32Array[]>
  /** Gradients summed over the batches (accumulation), divided by their number; then one update. Throws `non-finite`, with the adapter as it was. */
  step(batches: readonly TrainingBatch[]): Promise<StepResult>
  /** A copy of the adapter as it is now. */
  adapter(): Promise<Adapter>
  usage(): TrainingUsage
  dispose(): Promise<void>
}
