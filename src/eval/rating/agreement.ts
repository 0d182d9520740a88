/** @file Whether raters agree: Krippendorff's alpha, weighted kappas, intraclass correlation, and whether a rater agrees with himself. */
import { bootstrapIntervalOf } from '../../math/bootstrap.ts'
import { cohensKappa, quadraticWeights } from '../../math/cohens-kappa.ts'
import { groupBy } from '../../math/group-by.ts'
import { intraclassCorrelations } from '../../math/intraclass-correlation.ts'
import {
  krippendorffsAlpha,
  type Metric,
  nominalMetric,
  ordinalMetric,
  type UnitRatings,
} from '../../math/krippendorffs-alpha.ts'
import { wilsonInterval } from '../../math/proportions.ts'
import { seededRandom } from '../../math/random.ts'
import { shuffled } from '../../math/shuffle.ts'
import { known, type Measured, measured, UNKNOWN } from './measured.ts'
import type { ResamplingOptions } from './outcomes.ts'
import { type Ballot, HIGHEST_GRADE, OUTCOMES, type Vote } from './ratings.ts'

/** Shared grades below which a kappa says nothing. */
const MIN_SHARED = 2
/** Raters of each graded answer, where not all raters graded the same ones. */
const RATERS_OF_TARGET = 3

export interface Icc {
  /** Shrout and Fleiss; 2: the same raters for every answer, 1: other raters for each. */
  readonly form: 'ICC(2,k)' | 'ICC(1,k)'
  readonly targets: number
  readonly raters: number
  readonly single: Measured
  readonly average: Measured
}

export interface Agreement {
  /** Of grades. */
  readonly krippendorffOrdinal: Measured
  /** Of choices. */
  readonly krippendorffNominal: Measured
  /** Of grades, quadratic weights; every two raters who share at least two. */
  readonly weightedKappa: readonly {
    readonly raters: readonly [string, string]
    readonly value: number | null
    readonly n: number
  }[]
  readonly icc: Icc | null
}

/** What several raters said of one thing. */
type Said = ReadonlyMap<string, number>

export function agreementOf({ votes, raters }: Pick<Ballot, 'votes' | 'raters'>, options: ResamplingOptions): Agreement {
  const byComparison = [...groupBy(votes, ({ comparison }) => comparison).values()]
  const choices = byComparison.map((group) => [saidOf(group, ({ outcome }) => OUTCOMES.indexOf(outcome))])
  // The two answers of a comparison are graded side by side: they are drawn together.
  const grades = byComparison.map((group) => ([0, 1] as const).map((arm) => saidOf(group, ({ grades }) => grades[arm])))
  return {
    krippendorffOrdinal: alphaOf(grades, ordinalMetric, options),
    krippendorffNominal: alphaOf(choices, nominalMetric, options),
    weightedKappa: kappasOf(grades.flat(), raters),
    icc: iccOf(grades.flat(), raters, options.seed),
  }
}

function saidOf(votes: readonly Vote[], value: (vote: Vote) => number | undefined): Said {
  return new Map(
    votes.flatMap((vote) => {
      const said = value(vote)
      return said === undefined ? [] : [[vote.rater, said] as const]
    }),
  )
}

/** `groups` are drawn whole. */
function alphaOf(groups: readonly (readonly Said[])[], metric: Metric, { seed, resamples }: ResamplingOptions): Measured {
  const shared = groups
    .map((group) => group.filter((said) => said.size > 1).map((said): UnitRatings => [...said.values()]))
    .filter((group) => group.length > 0)
  if (shared.length === 0) return UNKNOWN
  const alpha = (units: Int32Array) =>
    units.length === 0 ? Number.NaN : krippendorffsAlpha(Array.from(units, (unit) => shared[unit]!).flat(), metric)
  const value = alpha(Int32Array.from(shared.keys()))
  return measured(value, shared.length < 2 ? undefined : bootstrapIntervalOf(shared.length, alpha, { seed, resamples }))
}

function kappasOf(graded: readonly Said[], raters: readonly string[]): Agreement['weightedKappa'] {
  return raters.flatMap((a, place) =>
    raters.slice(place + 1).flatMap((b) => {
      const table = Array.from({ length: HIGHEST_GRADE }, () => new Array<number>(HIGHEST_GRADE).fill(0))
      let n = 0
      for (const said of graded) {
        const [first, second] = [said.get(a), said.get(b)]
        if (first === undefined || second === undefined) continue
        table[first - 1]![second - 1]!++
        n++
      }
      return n < MIN_SHARED ? [] : [{ raters: [a, b] as const, value: known(cohensKappa(table, quadraticWeights)), n }]
    }),
  )
}

function iccOf(graded: readonly Said[], raters: readonly string[], seed: number): Icc | null {
  const complete = graded.filter((said) => said.size === raters.length)
  if (raters.length > 1 && complete.length > 1) {
    const table = complete.map((said) => raters.map((rater) => said.get(rater)!))
    return icc('ICC(2,k)', table)
  }
  const most = Math.min(RATERS_OF_TARGET, Math.max(0, ...graded.map((said) => said.size)))
  if (most < 2) return null
  const random = seededRandom(seed)
  const table = graded.filter((said) => said.size >= most).map((said) => shuffled(said.values(), random).slice(0, most))
  return table.length < 2 ? null : icc('ICC(1,k)', table)
}

function icc(form: Icc['form'], table: readonly (readonly number[])[]): Icc {
  const { oneWay, twoWayRandom } = intraclassCorrelations(table)
  const { single, average } = form === 'ICC(2,k)' ? twoWayRandom : oneWay
  return {
    form,
    targets: table.length,
    raters: table[0]!.length,
    single: measured(single.correlation, single.interval),
    average: measured(average.correlation, average.interval),
  }
}

export interface RepeatConsistency extends Measured {
  readonly raters: readonly { readonly rater: string; readonly repeats: number; readonly same: number }[]
}

/** Share of repeats, sides exchanged, on which a rater chose the same again; Wilson's interval. Null where nothing was repeated. */
export function repeatConsistency({ repeats, raters }: Pick<Ballot, 'repeats' | 'raters'>): RepeatConsistency | null {
  if (repeats.length === 0) return null
  const isSame = ({ before, again }: Ballot['repeats'][number]) => before.outcome === again.outcome
  const same = repeats.filter(isSame).length
  return {
    ...measured(same / repeats.length, wilsonInterval(same, repeats.length)),
    raters: raters.flatMap((rater) => {
      const own = repeats.filter(({ before }) => before.rater === rater)
      return own.length === 0 ? [] : [{ rater, repeats: own.length, same: own.filter(isSame).length }]
    }),
  }
}
