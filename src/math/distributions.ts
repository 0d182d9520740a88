/**
 * @file Student's t, Fisher's F and the binomial distribution, all from the regularised incomplete beta function
 *
 *     I_x(a, b) = integral from 0 to x of t^(a-1) (1 - t)^(b-1) dt / B(a, b),
 *
 * Abramowitz and Stegun 26.5.24, 26.6.2, 26.7.1. Its continued fraction (DLMF 8.17.22) is summed by the method of Lentz, log gamma
 * by the series of Lanczos (g = 7, nine terms). Relative error about 1e-13. No other file knows how these numbers come about.
 */
import { PalignError } from '../errors.ts'
import { checkCount, checkLevel, checkNumber, checkPositive, checkProbability } from './checks.ts'

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const
const MAX_TERMS = 10_000

/** Share of Student's t distribution below t; `degrees` of freedom above 0, not necessarily whole. */
export function studentCdf(t: number, degrees: number): number {
  checkNumber('t', t)
  checkPositive('degrees of freedom', degrees)
  const tail = 0.5 * incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5)
  return t < 0 ? tail : 1 - tail
}

/** Share beyond |t| on both sides: the two-sided p value, exact also where it is tiny. */
export function studentTwoSided(t: number, degrees: number): number {
  return 2 * studentCdf(-Math.abs(t), degrees)
}

/** Value below which a share `p`, between 0 and 1, of Student's t distribution lies. */
export function studentQuantile(p: number, degrees: number): number {
  checkLevel('probability', p)
  checkPositive('degrees of freedom', degrees)
  if (p === 0.5) return 0
  const size = invertRising((t) => 1 - studentCdf(-t, degrees), Math.max(p, 1 - p))
  return p < 0.5 ? -size : size
}

/** Share of the F distribution below f >= 0, with `numerator` and `denominator` degrees of freedom. */
export function fisherCdf(f: number, numerator: number, denominator: number): number {
  checkNumber('F', f)
  checkPositive('degrees of freedom', numerator)
  checkPositive('degrees of freedom', denominator)
  if (f <= 0) return 0
  return incompleteBeta((numerator * f) / (numerator * f + denominator), numerator / 2, denominator / 2)
}

/** Value below which a share `p`, between 0 and 1, of the F distribution lies. */
export function fisherQuantile(p: number, numerator: number, denominator: number): number {
  checkLevel('probability', p)
  return invertRising((f) => fisherCdf(f, numerator, denominator), p)
}

/** Probability of exactly `successes` in `trials` independent trials. */
export function binomialProbability(successes: number, trials: number, probability: number): number {
  checkBinomial(successes, trials, probability)
  if (probability === 0 || probability === 1) return successes === trials * probability ? 1 : 0
  const ways = logGamma(trials + 1) - logGamma(successes + 1) - logGamma(trials - successes + 1)
  return Math.exp(ways + successes * Math.log(probability) + (trials - successes) * Math.log1p(-probability))
}

/** Probability of at most `successes` in `trials` independent trials. */
export function binomialCdf(successes: number, trials: number, probability: number): number {
  checkBinomial(successes, trials, probability)
  if (successes === trials) return 1
  return incompleteBeta(1 - probability, trials - successes, successes + 1)
}

function checkBinomial(successes: number, trials: number, probability: number): void {
  checkCount('trials', trials)
  checkCount('successes', successes, 0, trials)
  checkProbability('probability', probability)
}

/** Where a distribution of positive numbers reaches `p`: doubled until above, then halved until no number lies between. */
function invertRising(cdf: (x: number) => number, p: number): number {
  let high = 1
  while (cdf(high) < p && high < Number.MAX_VALUE / 2) high *= 2
  let low = 0
  for (;;) {
    const middle = low + (high - low) / 2
    if (middle === low || middle === high) return middle
    if (cdf(middle) < p) low = middle
    else high = middle
  }
}

/** Regularised; x from 0 to 1, a and b above 0. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const factor = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  // The fraction converges fast on the lower side of the mean only.
  if (x < (a + 1) / (a + b + 2)) return (factor * betaFraction(x, a, b)) / a
  return 1 - (factor * betaFraction(1 - x, b, a)) / b
}

function betaFraction(x: number, a: number, b: number): number {
  const awayFromZero = (value: number) => (Math.abs(value) < 1e-300 ? 1e-300 : value)
  let c = 1
  let d = 1 / awayFromZero(1 - ((a + b) * x) / (a + 1))
  let value = d
  const multiplyBy = (numerator: number) => {
    d = 1 / awayFromZero(1 + numerator * d)
    c = awayFromZero(1 + numerator / c)
    value *= c * d
  }
  for (let m = 1; m <= MAX_TERMS; m++) {
    multiplyBy((m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)))
    multiplyBy((-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)))
    if (Math.abs(c * d - 1) < 1e-15) return value
  }
  throw new PalignError(
    'invalid-input',
    `parameters ${a} and ${b} of the beta function are too large, expected at most about 1e7`,
  )
}

/** Natural logarithm of the gamma function, x >= 1/2. */
function logGamma(x: number): number {
  let sum: number = LANCZOS[0]
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i]! / (x - 1 + i)
  const t = x + 6.5
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum)
}
