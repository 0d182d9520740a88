/**
 * @file Two yes-or-no outcomes of the same units: McNemar's exact test, and the interval of the difference of the two rates by
 * method 10 of Newcombe (1998), "Improved confidence intervals for the difference between binomial proportions based on paired data".
 */
import type { Interval } from './bootstrap.ts'
import { checkCount } from './checks.ts'
import { binomialTest, wilsonInterval } from './proportions.ts'

/** Units by the outcome of the first and of the second arm. */
export interface PairedCounts {
  readonly both: number
  readonly onlyFirst: number
  readonly onlySecond: number
  readonly neither: number
}

/** Exact two-sided p value: the discordant pairs split like tosses of a coin. 1 where no pair is discordant. */
export function mcnemarTest({ onlyFirst, onlySecond }: Pick<PairedCounts, 'onlyFirst' | 'onlySecond'>): number {
  checkCount('count of onlyFirst', onlyFirst)
  checkCount('count of onlySecond', onlySecond)
  return binomialTest(onlyFirst, onlyFirst + onlySecond)
}

/** Interval of rate of the first - rate of the second, by the Wilson intervals of both and their correlation. At least one unit. */
export function pairedRateInterval({ both, onlyFirst, onlySecond, neither }: PairedCounts, level = 0.95): Interval {
  for (const [name, count] of Object.entries({ both, onlyFirst, onlySecond, neither })) checkCount(`count of ${name}`, count)
  const units = both + onlyFirst + onlySecond + neither
  const [first, second] = [both + onlyFirst, both + onlySecond]
  const [firstLow, firstHigh] = wilsonInterval(first, units, level)
  const [secondLow, secondHigh] = wilsonInterval(second, units, level)
  const [firstRate, secondRate] = [first / units, second / units]

  const product = both * neither - onlyFirst * onlySecond
  const corrected = product > 0 ? Math.max(product - units / 2, 0) : product
  const margins = first * (units - first) * second * (units - second)
  const phi = margins === 0 ? 0 : corrected / Math.sqrt(margins)
  const reach = (a: number, b: number) => Math.sqrt(a * a - 2 * phi * a * b + b * b)
  const difference = (onlyFirst - onlySecond) / units
  return [
    difference - reach(firstRate - firstLow, secondHigh - secondRate),
    difference + reach(firstHigh - firstRate, secondRate - secondLow),
  ]
}
