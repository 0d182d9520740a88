/**
 * @file Tests of a paired mean difference by Student's t, standard error s / sqrt(n), n - 1 degrees of freedom: that it is zero, that it is
 * within a margin (two one-sided tests, TOST: Schuirmann 1987), that it is not below minus a margin (non-inferiority).
 * Where all differences are equal there is no t: p values are NaN, which is below no threshold, and the interval is that one value.
 */
import type { Interval } from './bootstrap.ts'
import { checkLevel, checkPaired, checkPositive } from './checks.ts'
import { studentCdf, studentQuantile, studentTwoSided } from './distributions.ts'
import { isConstant, mean, sampleDeviation } from './statistics.ts'

export interface PairedDifference {
  /** Mean of first - second, in their units. */
  readonly difference: number
  readonly standardError: number
  /** n - 1. */
  readonly degrees: number
  readonly interval: Interval
}

export interface PairedTTest extends PairedDifference {
  readonly t: number
  /** Two-sided. */
  readonly p: number
}

export interface MarginTest extends PairedDifference {
  /** Small where the claim (equivalent, not inferior) holds. */
  readonly p: number
}

export interface MarginOptions {
  /** In the units of the values; above 0. Stated before looking. */
  readonly margin: number
  /** Significance level of each one-sided test, default .05. */
  readonly significance?: number | undefined
}

/** Whether two means differ; at least two pairs. */
export function pairedTTest(first: ArrayLike<number>, second: ArrayLike<number>, level = 0.95): PairedTTest {
  const difference = pairedDifference(first, second, level)
  const t = difference.standardError === 0 ? Number.NaN : difference.difference / difference.standardError
  return { ...difference, t, p: unlessNaN(t, () => studentTwoSided(t, difference.degrees)) }
}

/**
 * Whether the means differ by less than the margin. p is the larger of the two one-sided ones; it is below `significance` exactly where
 * the interval, of coverage 1 - 2 `significance`, lies inside the margin.
 */
export function pairedEquivalence(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  { margin, significance = 0.05 }: MarginOptions,
): MarginTest {
  const difference = marginDifference(first, second, margin, significance)
  // The end that is nearer is the harder to exclude.
  return { ...difference, p: upperTail(margin - Math.abs(difference.difference), difference) }
}

/** Whether the first mean is not lower than the second by the margin or more, where higher is better. Interval as for equivalence. */
export function pairedNonInferiority(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  { margin, significance = 0.05 }: MarginOptions,
): MarginTest {
  const difference = marginDifference(first, second, margin, significance)
  return { ...difference, p: upperTail(margin + difference.difference, difference) }
}

function marginDifference(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  margin: number,
  significance: number,
): PairedDifference {
  checkPositive('margin', margin)
  checkLevel('twice the significance', 2 * significance)
  return pairedDifference(first, second, 1 - 2 * significance)
}

function pairedDifference(first: ArrayLike<number>, second: ArrayLike<number>, level: number): PairedDifference {
  checkPaired(first, second, 2)
  checkLevel('level', level)
  const differences = Array.from(first, (value, i) => value - second[i]!)
  const degrees = differences.length - 1
  if (isConstant(differences)) {
    return { difference: differences[0]!, standardError: 0, degrees, interval: [differences[0]!, differences[0]!] }
  }
  const difference = mean(differences)
  const standardError = sampleDeviation(differences) / Math.sqrt(differences.length)
  const reach = studentQuantile((1 + level) / 2, degrees) * standardError
  return { difference, standardError, degrees, interval: [difference - reach, difference + reach] }
}

/** Share of t beyond distance / standard error. */
function upperTail(distance: number, { standardError, degrees }: PairedDifference): number {
  const t = standardError === 0 ? Number.NaN : distance / standardError
  return unlessNaN(t, () => studentCdf(-t, degrees))
}

function unlessNaN(t: number, p: () => number): number {
  return Number.isNaN(t) ? Number.NaN : p()
}
