/** @file What direct preference optimisation is run with: the paper's values (section 3), where the paper has any. */
import type { AdapterConfig } from '../model/adapter.ts'

/** The adapter of both training methods. The paper puts it on a base model in NF4; ours is the model as loaded, in full precision. */
export const PAPER_ADAPTER: AdapterConfig = {
  rank: 16,
  alpha: 100,
  targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj'],
}

export interface DpoRecipe {
  readonly adapter: AdapterConfig
  readonly dropout: number
  readonly beta: number
  readonly steps: number
  /** Pairs in one pass. */
  readonly batch: number
  /** Passes in one step. */
  readonly accumulation: number
  readonly learningRate: number
  readonly warmupSteps: number
  readonly weightDecay: number
  /** Training stops when the loss has been above this bound (nats) so many steps in a row. An untrained adapter has ln 2. */
  readonly divergence: { readonly loss: number; readonly steps: number }
}

/**
 * After the warm-up the learning rate falls to 0 by a cosine: the schedule of the public script whose other values the paper has.
 * The paper's limits of 512 and 384 tokens cut nothing: rows are trained whole.
 */
export const DPO: DpoRecipe = {
  adapter: PAPER_ADAPTER,
  dropout: 0.05,
  beta: 0.1,
  steps: 250,
  batch: 4,
  accumulation: 4,
  learningRate: 5e-4,
  warmupSteps: 100,
  weightDecay: 0.05,
  divergence: { loss: 4 * Math.LN2, steps: 10 },
}

/** A shorter (or longer) run, its warm-up the same share of it. */
export function dpoWithSteps(recipe: DpoRecipe, steps: number): DpoRecipe {
  return { ...recipe, steps, warmupSteps: Math.round((recipe.warmupSteps * steps) / recipe.steps) }
}

export function dpoHyperparameters({ adapter, divergence, ...rest }: DpoRecipe): Record<string, number | string> {
  return {
    ...adapterHyperparameters(adapter),
    ...rest,
    schedule: 'linear warm-up, then cosine to 0',
    optimiser: 'AdamW',
    divergenceLoss: divergence.loss,
    divergenceSteps: divergence.steps,
  }
}

export function adapterHyperparameters({ rank, alpha, targets }: AdapterConfig): Record<string, number | string> {
  return { rank, alpha, targets: targets.join(' '), quantisation: 'none' }
}
