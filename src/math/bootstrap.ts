/**
 * @file Confidence interval of a mean by the bootstrap over its units, bias-corrected and accelerated (BCa):
 * Efron (1987), "Better bootstrap confidence intervals". The ends are quantiles of the resampled means at the levels
 *
 *     Phi(z0 + (z0 + z) / (1 - a (z0 + z)))    z0 the bias, a the acceleration, z the normal quantile of the end
 *
 * For a mean the jackknife acceleration is sum d^3 / (6 (sum d^2)^1.5), d the deviations from the mean.
 */
import { normalCdf, normalQuantile } from './normal.ts'
import { seededRandom } from './random.ts'
import { isConstant, mean, quantile } from './statistics.ts'

/** Low and high end. */
export type Interval = readonly [low: number, high: number]

export interface BootstrapOptions {
  /** Default 10,000. */
  readonly resamples?: number | undefined
  /** Coverage, default .95. */
  readonly level?: number | undefined
  /** Default 0. The same seed resamples the same units, so intervals of several statistics of the same persons are paired. */
  readonly seed?: number | undefined
}

/**
 * Interval of the mean of `values`, one for each unit (person). For a paired comparison give the differences.
 * A RangeError where there are fewer than two values.
 */
export function bootstrapInterval(
  values: ArrayLike<number>,
  { resamples = 10_000, level = 0.95, seed = 0 }: BootstrapOptions = {},
): Interval {
  if (values.length < 2) throw new RangeError(`units number ${values.length}, expected at least 2`)
  if (isConstant(values)) return [values[0]!, values[0]!]
  const means = resampledMeans(values, resamples, seededRandom(seed))
  const bias = biasOf(means, mean(values))
  const acceleration = accelerationOf(values)
  const end = (z: number) => quantile(means, normalCdf(bias + (bias + z) / (1 - acceleration * (bias + z))))
  const z = normalQuantile((1 + level) / 2)
  return [end(-z), end(z)]
}

/** Means of resamples drawn with replacement, in ascending order. */
function resampledMeans(values: ArrayLike<number>, resamples: number, random: () => number): Float64Array {
  const means = new Float64Array(resamples)
  for (let r = 0; r < resamples; r++) {
    let sum = 0
    for (let draw = 0; draw < values.length; draw++) sum += values[Math.floor(random() * values.length)]!
    means[r] = sum / values.length
  }
  return means.sort()
}

/** Normal quantile of the share of resampled means below the mean; equals count half, and the share stays off 0 and 1. */
function biasOf(means: Float64Array, centre: number): number {
  let below = 0
  for (const value of means) below += value < centre ? 1 : value === centre ? 0.5 : 0
  const half = 0.5 / means.length
  return normalQuantile(Math.min(1 - half, Math.max(half, below / means.length)))
}

function accelerationOf(values: ArrayLike<number>): number {
  const centre = mean(values)
  let squares = 0
  let cubes = 0
  for (let i = 0; i < values.length; i++) {
    const deviation = values[i]! - centre
    squares += deviation ** 2
    cubes += deviation ** 3
  }
  return cubes / (6 * squares ** 1.5)
}
