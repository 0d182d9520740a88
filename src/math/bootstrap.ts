/**
 * @file Confidence interval of a mean, or of any statistic, by the bootstrap over its units, bias-corrected and accelerated (BCa):
 * Efron (1987), "Better bootstrap confidence intervals". The ends are quantiles of the resampled values at the levels
 *
 *     Phi(z0 + (z0 + z) / (1 - a (z0 + z)))    z0 the bias, a the acceleration, z the normal quantile of the end
 *
 * For a mean the jackknife acceleration is sum d^3 / (6 (sum d^2)^1.5), d the deviations from the mean;
 * for other statistics d is the mean of the values without one unit less the value without this one.
 */
import { checkCount, checkFinite, checkLevel, checkPaired } from './checks.ts'
import { normalCdf, normalQuantile } from './normal.ts'
import { seededRandom } from './random.ts'
import { isConstant, mean, quantile } from './statistics.ts'

/** Share of resamples without a value above which an interval of the others would mislead. */
const UNDEFINED_AT_MOST = 0.01

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
 * Refuses fewer than two values and values that are not finite. Of equal values it is that value.
 */
export function bootstrapInterval(
  values: ArrayLike<number>,
  { resamples = 10_000, level = 0.95, seed = 0 }: BootstrapOptions = {},
): Interval {
  checkFinite('units', values, 2)
  checkOptions(resamples, level)
  if (isConstant(values)) return [values[0]!, values[0]!]
  const means = resampledMeans(values, resamples, seededRandom(seed))
  const centre = mean(values)
  const deviations = Float64Array.from({ length: values.length }, (_, i) => values[i]! - centre)
  return acceleratedInterval(means, centre, accelerationOf(deviations), level)
}

/** Interval of the mean of first - second over the same units, at least two. */
export function pairedBootstrapInterval(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  options: BootstrapOptions = {},
): Interval {
  checkPaired(first, second, 2)
  return bootstrapInterval(
    Float64Array.from({ length: first.length }, (_, i) => first[i]! - second[i]!),
    options,
  )
}

/**
 * Interval of a statistic of `count` units, at least two. `statistic` gets the numbers of the units of a resample, from 0, repeats included;
 * the array is reused. Resamples without a value (NaN) are left out; where they are more than one in a hundred, or the statistic of
 * all units or without one of them has no value, the ends are NaN.
 */
export function bootstrapIntervalOf(
  count: number,
  statistic: (units: Int32Array) => number,
  { resamples = 10_000, level = 0.95, seed = 0 }: BootstrapOptions = {},
): Interval {
  checkCount('units', count, 2)
  checkOptions(resamples, level)
  const all = Int32Array.from({ length: count }, (_, unit) => unit)
  const centre = statistic(all.slice())
  const withoutOne = Float64Array.from({ length: count }, (_, left) => statistic(all.filter((unit) => unit !== left)))
  const random = seededRandom(seed)
  const drawn = new Int32Array(count)
  const resampled = Float64Array.from({ length: resamples }, () => {
    for (let draw = 0; draw < count; draw++) drawn[draw] = Math.floor(random() * count)
    return statistic(drawn)
  })

  const values = resampled.filter(Number.isFinite).sort()
  const undefinedShare = 1 - values.length / resamples
  if (!Number.isFinite(centre) || !withoutOne.every(Number.isFinite) || undefinedShare > UNDEFINED_AT_MOST) {
    return [Number.NaN, Number.NaN]
  }
  if (isConstant(values)) return [values[0]!, values[0]!]
  const middle = mean(withoutOne)
  return acceleratedInterval(values, centre, accelerationOf(withoutOne.map((value) => middle - value)), level)
}

/** The percentile interval of resampled values, where no jackknife tells an acceleration. NaN as for `bootstrapIntervalOf`. */
export function percentileInterval(resampled: Float64Array, level: number): Interval {
  const values = resampled.filter(Number.isFinite).sort()
  if (values.length < (1 - UNDEFINED_AT_MOST) * resampled.length) return [Number.NaN, Number.NaN]
  return [quantile(values, (1 - level) / 2), quantile(values, (1 + level) / 2)]
}

export function checkOptions(resamples: number, level: number): void {
  checkCount('resamples', resamples, 1)
  checkLevel('level', level)
}

/** `ascending` are the resampled values, `centre` is the value of all units. */
function acceleratedInterval(ascending: Float64Array, centre: number, acceleration: number, level: number): Interval {
  const bias = biasOf(ascending, centre)
  const end = (z: number) => quantile(ascending, normalCdf(bias + (bias + z) / (1 - acceleration * (bias + z))))
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

/** 0 where no deviation differs from 0. */
function accelerationOf(deviations: Float64Array): number {
  let squares = 0
  let cubes = 0
  for (const deviation of deviations) {
    squares += deviation ** 2
    cubes += deviation ** 3
  }
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5)
}
