/** @file AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) with clipping by the norm of the whole gradient, and its learning rate. */
import type { OptimiserOptions } from '../model/trainer.ts'

export type Tensors = ReadonlyMap<string, Float32Array>

export interface AdamW {
  /** Updates taken so far. */
  readonly step: number
  readonly firstMoments: Tensors
  readonly secondMoments: Tensors
  /**
   * Changes `parameters` in place by one step along their gradients; one without a gradient stays.
   * @param share every gradient is multiplied by it first (one over the batches that were summed)
   * @param rate in place of the learning rate of the schedule
   * @returns the norm of the gradient before clipping; where it is not finite nothing was changed
   */
  update(gradients: Tensors, share: number, rate?: number): { readonly gradientNorm: number; readonly learningRate: number }
}

export interface AdamWOptions extends OptimiserOptions {
  readonly parameters: Tensors
  /** Matrices decay, vectors do not. */
  readonly decays: (name: string) => boolean
  /** To go on from. */
  readonly state?: Pick<AdamW, 'step' | 'firstMoments' | 'secondMoments'> | undefined
}

const EPSILON = 1e-8

/** Rises linearly over the warm-up, then falls by half a cosine to `finalFraction` of its peak; steps count from 0. */
export function learningRateAt(
  step: number,
  { learningRate, warmupSteps = 0, totalSteps, finalFraction = 0 }: OptimiserOptions,
): number {
  if (step < warmupSteps) return (learningRate * (step + 1)) / warmupSteps
  if (totalSteps === undefined) return learningRate
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps))
  return learningRate * (finalFraction + (1 - finalFraction) * 0.5 * (1 + Math.cos(Math.PI * progress)))
}

export function adamW({ parameters, decays, state, ...options }: AdamWOptions): AdamW {
  const { weightDecay = 0, clipNorm = 1, betas = [0.9, 0.999] } = options
  const zeros = (like: Tensors) => new Map([...like].map(([name, values]) => [name, new Float32Array(values.length)]))
  const firstMoments = state?.firstMoments ?? zeros(parameters)
  const secondMoments = state?.secondMoments ?? zeros(parameters)
  let step = state?.step ?? 0

  return {
    get step() {
      return step
    },
    firstMoments,
    secondMoments,
    update(gradients, share, rate = learningRateAt(step, options)) {
      const gradientNorm = share * Math.sqrt([...gradients.values()].reduce((sum, values) => sum + squares(values), 0))
      const learningRate = rate
      if (!Number.isFinite(gradientNorm)) return { gradientNorm, learningRate }
      step++
      const factor = share * (gradientNorm > clipNorm ? clipNorm / gradientNorm : 1)
      // The bias corrections of both moments, folded into the step size and epsilon.
      const root = Math.sqrt(1 - betas[1] ** step)
      const size = (learningRate * root) / (1 - betas[0] ** step)
      for (const [name, values] of parameters) {
        const gradient = gradients.get(name)
        if (gradient === undefined) continue
        const kept = decays(name) ? 1 - learningRate * weightDecay : 1
        const moments = [firstMoments.get(name)!, secondMoments.get(name)!] as const
        updateTensor(values, gradient, moments, { factor, betas, size, epsilon: EPSILON * root, kept })
      }
      return { gradientNorm, learningRate }
    },
  }
}

function squares(values: Float32Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!
  return sum
}

interface Update {
  readonly factor: number
  readonly betas: readonly [number, number]
  readonly size: number
  readonly epsilon: number
  /** What weight decay leaves of a parameter. */
  readonly kept: number
}

function updateTensor(
  values: Float32Array,
  gradient: Float32Array,
  [first, second]: readonly [Float32Array, Float32Array],
  { factor, betas: [beta1, beta2], size, epsilon, kept }: Update,
): void {
  for (let i = 0; i < values.length; i++) {
    const g = gradient[i]! * factor
    const m = beta1 * first[i]! + (1 - beta1) * g
    const v = beta2 * second[i]! + (1 - beta2) * g * g
    first[i] = m
    second[i] = v
    values[i] = values[i]! * kept - (size * m) / (Math.sqrt(v) + epsilon)
  }
}
