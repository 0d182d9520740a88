/**
 * @file What a number of decisive pairs can tell, by the normal approximation with the deviation that no preference has, sqrt(p q) = 1/2:
 *
 *     pairs = ((z(1 - alpha / 2) + z(power)) / 2 / (rate - 1/2))^2
 *
 * The pairs are taken to be independent. Votes of the same rater or on the same prompt are not: they tell less.
 */
import { PalignError } from '../errors.ts'
import { checkCount, checkLevel } from './checks.ts'
import { normalQuantile } from './normal.ts'

export interface PowerOptions {
  /** Chance of finding what is there; default .8. */
  readonly power?: number | undefined
  /** Two-sided level of the test; default .05. */
  readonly alpha?: number | undefined
}

/** Decisive pairs needed to tell a win rate from one half. Refuses one half itself. */
export function pairsForWinRate(rate: number, options: PowerOptions = {}): number {
  if (!(rate > 0 && rate < 1 && rate !== 0.5)) {
    throw new PalignError('invalid-input', `win rate is ${rate}, expected a number between 0 and 1 that is not one half`)
  }
  return Math.ceil((reach(options) / (rate - 0.5)) ** 2)
}

/** The smallest win rate above one half that so many decisive pairs can tell from it; null where they are too few for any. */
export function detectableWinRate(pairs: number, options: PowerOptions = {}): number | null {
  checkCount('pairs', pairs)
  const rate = 0.5 + reach(options) / Math.sqrt(pairs)
  return rate < 1 ? rate : null
}

function reach({ power = 0.8, alpha = 0.05 }: PowerOptions): number {
  checkLevel('power', power)
  checkLevel('alpha', alpha)
  return (normalQuantile(1 - alpha / 2) + normalQuantile(power)) / 2
}
