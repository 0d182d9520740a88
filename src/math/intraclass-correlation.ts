/**
 * @file Intraclass correlations of a complete table of targets x raters, from the mean squares of its analysis of variance, with intervals
 * from the F distribution: Shrout and Fleiss (1979), "Intraclass correlations: uses in assessing rater reliability". The first number of
 * a form names the design: 1 other raters for each target, 2 raters drawn from many, 3 these raters only.
 */
import { PalignError } from '../errors.ts'
import type { Interval } from './bootstrap.ts'
import { checkFinite, checkLevel } from './checks.ts'
import { fisherQuantile } from './distributions.ts'
import { mean } from './statistics.ts'

export interface IntraclassCorrelation {
  readonly correlation: number
  readonly interval: Interval
}

/** Of one rater's ratings, and of the mean of all k. */
export interface IntraclassCorrelations {
  /** ICC(1,1) and ICC(1,k). */
  readonly oneWay: Forms
  /** ICC(2,1) and ICC(2,k): absolute agreement. */
  readonly twoWayRandom: Forms
  /** ICC(3,1) and ICC(3,k): consistency. ICC(3,k) is Cronbach's alpha. */
  readonly twoWayMixed: Forms
}

interface Forms {
  readonly single: IntraclassCorrelation
  readonly average: IntraclassCorrelation
}

interface MeanSquares {
  readonly targets: number
  readonly raters: number
  readonly between: number
  readonly within: number
  readonly ofRaters: number
  readonly error: number
}

/**
 * `ratings[target][rater]`, at least two of each, none missing. NaN where a form is not defined: no variance at all, or, for intervals,
 * no error variance.
 */
export function intraclassCorrelations(ratings: readonly (readonly number[])[], level = 0.95): IntraclassCorrelations {
  checkLevel('level', level)
  const squares = meanSquares(ratings)
  const { targets: n, raters: k, between, within, error } = squares
  const p = (1 + level) / 2
  return {
    oneWay: formsOf(between / within, n - 1, n * (k - 1), k, p),
    twoWayRandom: absoluteAgreement(squares, p),
    twoWayMixed: formsOf(between / error, n - 1, (n - 1) * (k - 1), k, p),
  }
}

/** Correlation of the mean of `raters` raters, given that of one (Spearman and Brown). */
export function averageOfRaters(single: number, raters: number): number {
  return (raters * single) / (1 + (raters - 1) * single)
}

function meanSquares(ratings: readonly (readonly number[])[]): MeanSquares {
  const [targets, raters] = [ratings.length, ratings[0]?.length ?? 0]
  if (targets < 2 || raters < 2) {
    throw new PalignError('invalid-input', `ratings are of ${targets} targets by ${raters} raters, expected at least 2 of each`)
  }
  for (const [i, row] of ratings.entries()) {
    if (row.length !== raters) {
      throw new PalignError('invalid-input', `target ${i} has ${row.length} ratings, expected ${raters} as the first`)
    }
    checkFinite(`ratings of target ${i}`, row)
  }
  const grand = mean(ratings.flat())
  const targetMeans = ratings.map(mean)
  const raterMeans = ratings[0]!.map((_, j) => mean(ratings.map((row) => row[j]!)))
  let within = 0
  let error = 0
  for (const [i, row] of ratings.entries()) {
    for (const [j, rating] of row.entries()) {
      within += (rating - targetMeans[i]!) ** 2
      error += (rating - targetMeans[i]! - raterMeans[j]! + grand) ** 2
    }
  }
  const squares = (means: readonly number[]) => means.reduce((sum, value) => sum + (value - grand) ** 2, 0)
  // Squares of rounding errors would pass for variance.
  const rounding = 1e-26 * targets * raters * Math.max(...ratings.flat().map((rating) => rating * rating))
  const cleaned = (sum: number) => (sum <= rounding ? 0 : sum)
  return {
    targets,
    raters,
    between: cleaned(raters * squares(targetMeans)) / (targets - 1),
    within: cleaned(within) / (targets * (raters - 1)),
    ofRaters: cleaned(targets * squares(raterMeans)) / (raters - 1),
    error: cleaned(error) / ((targets - 1) * (raters - 1)),
  }
}

/** Forms 1 and 3, which depend on one ratio F of mean squares: (F - 1) / (F + k - 1), and 1 - 1 / F for the average. */
function formsOf(f: number, numerator: number, denominator: number, k: number, p: number): Forms {
  const single = (ratio: number) => (ratio === Number.POSITIVE_INFINITY ? 1 : (ratio - 1) / (ratio + k - 1))
  const average = (ratio: number) => 1 - 1 / ratio
  const defined = f < Number.POSITIVE_INFINITY
  const low = defined ? f / fisherQuantile(p, numerator, denominator) : Number.NaN
  const high = defined ? f * fisherQuantile(p, denominator, numerator) : Number.NaN
  // Targets that do not differ have F 0; the reliability of their mean has no value then.
  const averaged = (ratio: number) => (ratio === 0 ? Number.NaN : average(ratio))
  return {
    single: { correlation: single(f), interval: [single(low), single(high)] },
    average: { correlation: averaged(f), interval: [averaged(low), averaged(high)] },
  }
}

/** Form 2; its interval has the degrees of freedom of Satterthwaite. */
function absoluteAgreement({ targets: n, raters: k, between, ofRaters, error }: MeanSquares, p: number): Forms {
  const single = overPositive(between - error, between + (k - 1) * error + (k * (ofRaters - error)) / n)
  const average = overPositive(between - error, between + (ofRaters - error) / n)
  const [low, high] = absoluteAgreementInterval({ n, k, between, ofRaters, error, single, p })
  return {
    single: { correlation: single, interval: [low, high] },
    average: { correlation: average, interval: [averageOfRaters(low, k), averageOfRaters(high, k)] },
  }
}

/** Estimated variances may come out negative in tiny tables; a share of such a total means nothing. */
function overPositive(part: number, total: number): number {
  return total > 0 ? part / total : Number.NaN
}

function absoluteAgreementInterval(given: {
  n: number
  k: number
  between: number
  ofRaters: number
  error: number
  single: number
  p: number
}): Interval {
  const { n, k, between, ofRaters, error, single, p } = given
  if (error === 0 || between === 0 || !Number.isFinite(single)) return [Number.NaN, Number.NaN]
  const raterRatio = ofRaters / error
  const weight = n * (1 + (k - 1) * single) - k * single
  const degrees =
    ((k - 1) * (n - 1) * (k * single * raterRatio + weight) ** 2) / ((n - 1) * (k * single * raterRatio) ** 2 + weight ** 2)
  const lowF = fisherQuantile(p, n - 1, degrees)
  const highF = fisherQuantile(p, degrees, n - 1)
  const spread = k * ofRaters + (k * n - k - n) * error
  return [
    (n * (between - lowF * error)) / (lowF * spread + n * between),
    (n * (highF * between - error)) / (spread + n * highF * between),
  ]
}
