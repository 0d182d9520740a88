/** @file What proximal policy optimisation is run with: the paper's values (section 3) and, where it has none, the usual ones of its library then. */
import type { AdapterConfig } from '../model/adapter.ts'
import type { KlControl } from './advantages.ts'
import { adapterHyperparameters, PAPER_ADAPTER } from './dpo-recipe.ts'

export interface PpoRecipe {
  readonly adapter: AdapterConfig
  readonly steps: number
  /** Completions sampled for one step. */
  readonly batch: number
  /** Completions in one pass; the passes of an update are averaged. */
  readonly microBatch: number
  /** Updates on one batch of completions. */
  readonly epochs: number
  readonly maxTokens: number
  readonly temperature: number
  readonly learningRate: number
  readonly clip: number
  readonly valueCoefficient: number
  readonly gamma: number
  readonly lambda: number
  readonly kl: KlControl
  /** Training stops when the divergence of a completion, nats either way, has been above this bound so many steps in a row. */
  readonly divergence: { readonly kl: number; readonly steps: number }
}

/**
 * Given by the paper: learning rate, batch, steps, length, KL coefficient. No dropout: the first update must start at a ratio of 1.
 * The usual value coefficient of .1 is of half the squared error; the trainer's is of the whole one, hence .05. Values are not clipped.
 */
export const PPO: PpoRecipe = {
  adapter: PAPER_ADAPTER,
  steps: 250,
  batch: 16,
  microBatch: 4,
  epochs: 4,
  maxTokens: 15,
  temperature: 1,
  learningRate: 1.41e-5,
  clip: 0.2,
  valueCoefficient: 0.05,
  gamma: 1,
  lambda: 0.95,
  kl: { initial: 0.2, target: 6, horizon: 10_000 },
  divergence: { kl: 60, steps: 5 },
}

export function ppoHyperparameters({ adapter, kl, divergence, ...rest }: PpoRecipe): Record<string, number | string> {
  return {
    ...adapterHyperparameters(adapter),
    ...rest,
    klInitial: kl.initial,
    klTarget: kl.target,
    klHorizon: kl.horizon,
    schedule: 'constant',
    optimiser: 'AdamW',
    divergenceKl: divergence.kl,
    divergenceSteps: divergence.steps,
  }
}
