/** @file One proportion: Wilson's score interval (1927) and the exact binomial test. */
import type { Interval } from './bootstrap.ts'
import { checkCount, checkLevel, checkProbability } from './checks.ts'
import { binomialProbability } from './distributions.ts'
import { normalQuantile } from './normal.ts'

/** Probabilities closer than this count as equal; they come from logarithms of gamma functions. */
const EQUAL = 1 + 1e-7

/** Interval of the probability behind `successes` of `trials`, at least one trial. */
export function wilsonInterval(successes: number, trials: number, level = 0.95): Interval {
  checkCount('trials', trials, 1)
  checkCount('successes', successes, 0, trials)
  checkLevel('level', level)
  const z = normalQuantile((1 + level) / 2)
  const share = successes / trials
  const shrink = 1 + (z * z) / trials
  const centre = (share + (z * z) / (2 * trials)) / shrink
  const reach = (z / shrink) * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials))
  return [successes === 0 ? 0 : centre - reach, successes === trials ? 1 : centre + reach]
}

/**
 * Two-sided p value of `successes` of `trials` where each succeeds with `probability`: what all counts weigh that are no likelier than
 * the one observed. 1 for no trials.
 */
export function binomialTest(successes: number, trials: number, probability = 0.5): number {
  checkCount('trials', trials)
  checkCount('successes', successes, 0, trials)
  checkProbability('probability', probability)
  const observed = binomialProbability(successes, trials, probability)
  let sum = 0
  for (let count = 0; count <= trials; count++) {
    const weight = binomialProbability(count, trials, probability)
    if (weight <= observed * EQUAL) sum += weight
  }
  return Math.min(1, sum)
}
