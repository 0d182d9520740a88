/** @file Spearman's rank correlation, and the interval of a correlation by Fisher's z = atanh r, standard error 1 / sqrt(n - 3). */

import { PalignError } from '../errors.ts'
import type { Interval } from './bootstrap.ts'
import { checkCount, checkLevel, checkPaired } from './checks.ts'
import { normalQuantile } from './normal.ts'
import { rank } from './ranks.ts'
import { pearson } from './statistics.ts'

/** Pearson correlation of the ranks; undefined where one of the lists does not vary. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number | undefined {
  checkPaired(a, b, 2)
  return pearson(rank(a).ranks, rank(b).ranks)
}

/** Interval of a Pearson correlation of `pairs` pairs, at least 4. A correlation of -1 or 1 is its own interval. */
export function correlationInterval(correlation: number, pairs: number, level = 0.95): Interval {
  checkCount('pairs', pairs, 4)
  checkLevel('level', level)
  if (!(Math.abs(correlation) <= 1)) {
    throw new PalignError('invalid-input', `correlation is ${correlation}, expected a number from -1 to 1`)
  }
  const reach = normalQuantile((1 + level) / 2) / Math.sqrt(pairs - 3)
  return [Math.tanh(Math.atanh(correlation) - reach), Math.tanh(Math.atanh(correlation) + reach)]
}
