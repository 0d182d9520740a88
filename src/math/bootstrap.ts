/** @file Confidence intervals of a mean over persons: bias-corrected and accelerated bootstrap (Efron 1987). */
import { normalCdf, normalQuantile } from './normal.ts'

export type Interval = readonly [low: number, high: number]

export interface BootstrapOptions {
  /** Uniform numbers in [0, 1). */
  readonly random: () => number
  readonly resamples?: number | undefined
  readonly confidence?: number | undefined
}

/**
 * Interval of the mean of `values`, one value a person. For a paired difference give the differences.
 * One value, or equal ones, give an interval of no width: nothing is known of its width then.
 */
export function bootstrapMean(
  values: ArrayLike<number>,
  { random, resamples = 10_000, confidence = 0.95 }: BootstrapOptions,
): Interval {
  const n = values.length
  let mean = 0
  for (let i = 0; i < n; i++) mean += values[i]! / n
  let squares = 0
  let cubes = 0
  for (let i = 0; i < n; i++) {
    squares += (values[i]! - mean) ** 2
    cubes += (values[i]! - mean) ** 3
  }
  if (squares < 1e-24 * Math.max(1, mean * mean)) return [mean, mean]

  const means = new Float64Array(resamples)
  let below = 0
  for (let b = 0; b < resamples; b++) {
    let sum = 0
    for (let i = 0; i < n; i++) sum += values[Math.floor(random() * n)]!
    means[b] = sum / n
    if (means[b]! < mean) below++
  }
  means.sort()
  // The jackknife acceleration of a mean is a sixth of the skewness of its values over sqrt(n).
  const acceleration = cubes / (6 * squares ** 1.5)
  const share = Math.min(Math.max(below / resamples, 1 / resamples), 1 - 1 / resamples)
  const bias = normalQuantile(share)
  const end = (probability: number): number => {
    const z = bias + normalQuantile(probability)
    const corrected = normalCdf(bias + z / (1 - acceleration * z))
    return means[Math.min(resamples - 1, Math.max(0, Math.round(corrected * (resamples - 1))))]!
  }
  const tail = (1 - confidence) / 2
  return [end(tail), end(1 - tail)]
}
