/**
 * @file Wilcoxon's signed-rank test (1945) of paired values. Pairs without a difference are dropped, as Wilcoxon did.
 * Exact for up to 50 differences of different size; otherwise normal, with variance (n (n + 1) (2n + 1) - sum (t^3 - t) / 2) / 24 for
 * ties of size t, without continuity correction. Sizes tie where the floating-point numbers are equal.
 */
import { checkPaired } from './checks.ts'
import { normalCdf } from './normal.ts'
import { rank } from './ranks.ts'

const EXACT_UP_TO = 50

export interface SignedRankTest {
  /** Sum of the ranks of positive differences, first - second. */
  readonly positive: number
  /** Sum of the ranks of negative differences; the smaller of the two is the W of the tables. */
  readonly negative: number
  /** Pairs that differ. */
  readonly differing: number
  /** Two-sided; 1 where no pair differs. */
  readonly p: number
  readonly exact: boolean
}

export function wilcoxonSignedRank(first: ArrayLike<number>, second: ArrayLike<number>): SignedRankTest {
  checkPaired(first, second)
  const differences = Array.from(first, (value, i) => value - second[i]!).filter((difference) => difference !== 0)
  const differing = differences.length
  const { ranks, ties } = rank(differences.map(Math.abs))
  let positive = 0
  for (let i = 0; i < differing; i++) if (differences[i]! > 0) positive += ranks[i]!
  const negative = (differing * (differing + 1)) / 2 - positive
  const smaller = Math.min(positive, negative)
  const exact = ties.length === 0 && differing <= EXACT_UP_TO
  const p = exact ? exactTwoSided(smaller, differing) : normalTwoSided(smaller, differing, ties)
  return { positive, negative, differing, p, exact }
}

/** Twice the share of the 2^n sign patterns whose ranks sum to at most `sum`. */
function exactTwoSided(sum: number, count: number): number {
  // patterns[s]: share of the sign patterns of the ranks so far with sum s.
  const patterns = new Float64Array(sum + 1)
  patterns[0] = 1
  for (let next = 1; next <= count; next++) {
    for (let s = sum; s >= 0; s--) patterns[s] = (patterns[s]! + (s >= next ? patterns[s - next]! : 0)) / 2
  }
  return Math.min(1, 2 * patterns.reduce((total, share) => total + share, 0))
}

function normalTwoSided(sum: number, count: number, ties: readonly number[]): number {
  const lost = ties.reduce((total, size) => total + size ** 3 - size, 0) / 2
  const variance = (count * (count + 1) * (2 * count + 1) - lost) / 24
  return Math.min(1, 2 * normalCdf((sum - (count * (count + 1)) / 4) / Math.sqrt(variance)))
}
