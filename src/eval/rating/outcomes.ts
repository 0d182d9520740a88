/**
 * @file Which arm people preferred: win rates, Davidson's strengths, and whether longer answers won. Votes of one rater, or on one
 * prompt, are alike: intervals draw raters and prompts at once. Wilson's takes every vote for itself and is the narrower for it.
 */
import type { Interval } from '../../math/bootstrap.ts'
import { type BradleyTerryFit, fitBradleyTerry, type PairRecord, strengthInterval } from '../../math/bradley-terry.ts'
import { clusterBootstrapInterval, twoWayBootstrapInterval, weightedMean } from '../../math/clusters.ts'
import { groupBy } from '../../math/group-by.ts'
import { detectableWinRate } from '../../math/power.ts'
import { wilsonInterval } from '../../math/proportions.ts'
import { mean } from '../../math/statistics.ts'
import { type Measured, measured, UNKNOWN } from './measured.ts'
import type { RatingKey } from './package.ts'
import type { Outcome, Vote } from './ratings.ts'

export interface ResamplingOptions {
  readonly seed: number
  readonly resamples: number
}

export interface PairOutcome {
  readonly first: string
  readonly second: string
  readonly wins: number
  readonly losses: number
  readonly ties: number
  readonly bothBad: number
  /** Of the first arm; ties and both-bad count half. Interval over raters and prompts. */
  readonly winRate: Measured
  /** Wins among decisive votes, with Wilson's interval. */
  readonly decisive: Measured
  /** The smallest win rate that so many decisive votes could tell from one half, if they were independent. */
  readonly detectable: number | null
}

const SCORE: Readonly<Record<Outcome, number>> = { first: 1, second: 0, tie: 0.5, 'both-bad': 0.5 }

/** Of every two arms that were compared, in the order of the key. */
export function pairOutcomes(key: RatingKey, votes: readonly Vote[], options: ResamplingOptions): PairOutcome[] {
  const byPair = groupBy(votes, ({ comparison }) => pairName(key, comparison))
  const pairs = new Map(key.comparisons.map((each, place) => [pairName(key, place), each]))
  return Array.from(pairs, ([name, { first, second }]) => {
    const own = byPair.get(name) ?? []
    const count = (outcome: Outcome) => own.filter((vote) => vote.outcome === outcome).length
    const [wins, losses] = [count('first'), count('second')]
    const decisive = wins + losses
    return {
      first,
      second,
      wins,
      losses,
      ties: count('tie'),
      bothBad: count('both-bad'),
      winRate:
        own.length === 0
          ? UNKNOWN
          : meanOverBoth(
              key,
              own,
              own.map(({ outcome }) => SCORE[outcome]),
              options,
            ),
      decisive: decisive === 0 ? UNKNOWN : measured(wins / decisive, wilsonInterval(wins, decisive)),
      detectable: detectableWinRate(decisive),
    }
  })
}

export interface Strengths {
  readonly strengths: readonly (Measured & { readonly arm: string; readonly normalInterval: Measured['interval'] })[]
  readonly tie: number | null
}

/**
 * In log odds, with sum 0; `normalInterval` takes votes as independent. Null values where no finite estimate exists, null ends where that
 * holds for too many resamples.
 */
export function armStrengths(key: RatingKey, votes: readonly Vote[], options: ResamplingOptions): Strengths {
  const place = new Map(key.arms.map((arm, index) => [arm, index]))
  const pairOf = votes.map(({ comparison }) => pairName(key, comparison))
  const names = [...new Set(pairOf)]
  const pairs = votes.map((_, vote) => names.indexOf(pairOf[vote]!))
  const arms = names.map((_, pair) => key.comparisons[votes[pairs.indexOf(pair)]!.comparison]!)
  const fitted = (weights: ArrayLike<number>): BradleyTerryFit | null => {
    const records = arms.map(({ first, second }) => ({
      first: place.get(first)!,
      second: place.get(second)!,
      firstWins: 0,
      secondWins: 0,
      ties: 0,
    }))
    for (const [vote, { outcome }] of votes.entries()) {
      const record = records[pairs[vote]!]!
      record[outcome === 'first' ? 'firstWins' : outcome === 'second' ? 'secondWins' : 'ties'] += weights[vote]!
    }
    return fitBradleyTerry(key.arms.length, records satisfies PairRecord[])
  }
  const fit = fitted(votes.map(() => 1))
  if (fit === null) return { strengths: key.arms.map((arm) => ({ arm, ...UNKNOWN, normalInterval: [null, null] })), tie: null }
  return {
    strengths: key.arms.map((arm, index) => ({
      arm,
      ...measured(
        fit.strengths[index]!,
        overBoth(key, votes, (weights) => fitted(weights)?.strengths[index] ?? Number.NaN, options),
      ),
      normalInterval: measured(0, strengthInterval(fit, index)).interval,
    })),
    tie: fit.tie,
  }
}

/** Characters that the preferred answer had more than the other, and the share of decisive votes for the longer one. */
export function lengthOfWinners(key: RatingKey, votes: readonly Vote[], options: ResamplingOptions) {
  const decisive = votes.filter(({ outcome }) => outcome === 'first' || outcome === 'second')
  const excess = decisive.map(({ comparison, outcome }) => {
    const [first, second] = key.comparisons[comparison]!.lengths
    return outcome === 'first' ? first - second : second - first
  })
  const [longer, unequal] = [excess.filter((length) => length > 0).length, excess.filter((length) => length !== 0).length]
  return {
    difference: excess.length === 0 ? UNKNOWN : meanOverBoth(key, decisive, excess, options),
    longerWon: unequal === 0 ? UNKNOWN : measured(longer / unequal, wilsonInterval(longer, unequal)),
  }
}

const pairName = ({ comparisons }: RatingKey, comparison: number) =>
  JSON.stringify([comparisons[comparison]!.first, comparisons[comparison]!.second])

/** The mean of one value a vote. Of one rater, or one prompt, the interval draws the other; of one of each there is none. */
function meanOverBoth(key: RatingKey, votes: readonly Vote[], values: readonly number[], options: ResamplingOptions): Measured {
  const { rows, columns, raters, prompts } = cellsOf(key, votes)
  const grouped = (groups: readonly number[]) =>
    [...groupBy(values.keys(), (vote) => groups[vote]!).values()].map((group) => group.map((vote) => values[vote]!))
  const interval = () => {
    if (raters > 1 && prompts > 1) return twoWayBootstrapInterval({ rows, columns }, weightedMean(values), options)
    if (raters > 1) return clusterBootstrapInterval(grouped(rows), options)
    if (prompts > 1) return clusterBootstrapInterval(grouped(columns), options)
    return undefined
  }
  return measured(mean(values), interval())
}

/** The interval of a statistic of weighted votes; none where raters or prompts are one. */
function overBoth(
  key: RatingKey,
  votes: readonly Vote[],
  statistic: (weights: Float64Array) => number,
  options: ResamplingOptions,
): Interval | undefined {
  const { rows, columns, raters, prompts } = cellsOf(key, votes)
  return raters > 1 && prompts > 1 ? twoWayBootstrapInterval({ rows, columns }, statistic, options) : undefined
}

/** Raters are rows, prompts columns. */
function cellsOf({ comparisons }: RatingKey, votes: readonly Vote[]) {
  const [rater, prompt] = [new Map<string, number>(), new Map<string, number>()]
  const numberIn = (numbers: Map<string, number>, name: string) => {
    if (!numbers.has(name)) numbers.set(name, numbers.size)
    return numbers.get(name)!
  }
  const rows = votes.map((vote) => numberIn(rater, vote.rater))
  const columns = votes.map((vote) => numberIn(prompt, comparisons[vote.comparison]!.id))
  return { rows, columns, raters: rater.size, prompts: prompt.size }
}
