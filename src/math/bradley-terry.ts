/**
 * @file Strengths of contestants from paired comparisons with ties: Davidson (1970), "On extending the Bradley-Terry model to accommodate
 * ties in paired comparison experiments". With strength s (a log odds) and tie parameter nu >= 0
 *
 *     win of i : win of j : tie  =  exp(s_i) : exp(s_j) : nu exp((s_i + s_j) / 2)
 *
 * The log likelihood is concave in the strengths and log nu; Newton's method with halved steps. Without ties nu is 0: Bradley and Terry (1952).
 */
import { PalignError } from '../errors.ts'
import type { Interval } from './bootstrap.ts'
import { checkCount, checkLevel } from './checks.ts'
import { cholesky, choleskySolve } from './linear-algebra.ts'
import { normalQuantile } from './normal.ts'

const MAX_STEPS = 200
const GRADIENT_TOLERANCE = 1e-10

/** Comparisons of two contestants, numbered from 0. Counts may be weights of a bootstrap, hence need not be whole. */
export interface PairRecord {
  readonly first: number
  readonly second: number
  readonly firstWins: number
  readonly secondWins: number
  readonly ties: number
}

export interface BradleyTerryFit {
  /** Log odds, one a contestant, with sum 0. */
  readonly strengths: Float64Array
  /** Davidson's nu: how often two equals tie, for each win of one of them. */
  readonly tie: number
  /** Of the strengths, row-major `[contestants, contestants]`, from the information at the maximum. */
  readonly covariance: Float64Array
}

/**
 * Maximum likelihood. Null where no finite estimate exists: some contestants never lost (or tied) against the others, or never met them,
 * or ties are so many that nu has no bound.
 */
export function fitBradleyTerry(contestants: number, records: readonly PairRecord[]): BradleyTerryFit | null {
  checkCount('contestants', contestants, 2)
  for (const [i, record] of records.entries()) checkRecord(record, i, contestants)
  if (!hasMaximum(contestants, records)) return null
  const tied = records.some(({ ties }) => ties > 0)
  // The last contestant stays at 0 while fitting; log nu, if any, is the last parameter.
  const parameters = new Float64Array(contestants - 1 + (tied ? 1 : 0))
  const information = climb({ contestants, records, tied }, parameters)
  const raw = Float64Array.from({ length: contestants }, (_, i) => (i < contestants - 1 ? parameters[i]! : 0))
  const centre = raw.reduce((sum, value) => sum + value, 0) / contestants
  return {
    strengths: raw.map((value) => value - centre),
    tie: tied ? Math.exp(parameters[contestants - 1]!) : 0,
    covariance: centredCovariance(information, parameters.length, contestants),
  }
}

/** Normal interval of the strength of `contestant`, less the mean of all or less that of `against`. In log odds. */
export function strengthInterval(
  { strengths, covariance }: BradleyTerryFit,
  contestant: number,
  { against, level = 0.95 }: { against?: number | undefined; level?: number | undefined } = {},
): Interval {
  const size = strengths.length
  checkCount('contestant', contestant, 0, size - 1)
  checkLevel('level', level)
  let [difference, variance] = [strengths[contestant]!, covariance[contestant * size + contestant]!]
  if (against !== undefined) {
    checkCount('contestant compared with', against, 0, size - 1)
    difference -= strengths[against]!
    variance += covariance[against * size + against]! - 2 * covariance[contestant * size + against]!
  }
  const reach = normalQuantile((1 + level) / 2) * Math.sqrt(Math.max(0, variance))
  return [difference - reach, difference + reach]
}

/** Chances of the first to win, of the second to win, and of a tie. */
export function outcomeChances(
  fit: BradleyTerryFit,
  first: number,
  second: number,
): [first: number, second: number, tie: number] {
  checkCount('first contestant', first, 0, fit.strengths.length - 1)
  checkCount('second contestant', second, 0, fit.strengths.length - 1)
  return chances(fit.strengths[first]! - fit.strengths[second]!, fit.tie)
}

/** With the geometric mean of both odds as unit. */
function chances(difference: number, tie: number): [first: number, second: number, tie: number] {
  const [first, second] = [Math.exp(difference / 2), Math.exp(-difference / 2)]
  const total = first + second + tie
  return [first / total, second / total, tie / total]
}

/** Newton's method from the parameters given, which become those of the maximum; returns the information there. */
function climb(model: Model, parameters: Float64Array): Float64Array {
  const step = new Float64Array(parameters.length)
  let state = evaluate(model, parameters)
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    if (state.gradient.every((slope) => Math.abs(slope) <= GRADIENT_TOLERANCE * state.total)) return state.information
    const factor = state.information.slice()
    cholesky(factor, parameters.length)
    choleskySolve(factor, parameters.length, state.gradient, step)
    let length = 1
    let next = evaluate(model, moved(parameters, step, length))
    // Halving stops where steps are smaller than the rounding of the likelihood.
    while (!(next.logLikelihood >= state.logLikelihood - 1e-12 * state.total) && length > 1e-9) {
      length /= 2
      next = evaluate(model, moved(parameters, step, length))
    }
    parameters.set(moved(parameters, step, length))
    state = next
  }
  throw new PalignError('invalid-input', `strengths did not settle in ${MAX_STEPS} steps, expected counts less far apart`)
}

interface Model {
  readonly contestants: number
  readonly records: readonly PairRecord[]
  readonly tied: boolean
}

interface State {
  readonly logLikelihood: number
  readonly gradient: Float64Array
  /** Negative second derivatives, row-major, symmetric. */
  readonly information: Float64Array
  /** Comparisons. */
  readonly total: number
}

function evaluate({ contestants, records, tied }: Model, parameters: Float64Array): State {
  const size = parameters.length
  const gradient = new Float64Array(size)
  const information = new Float64Array(size * size)
  const strength = (i: number) => (i < contestants - 1 ? parameters[i]! : 0)
  const tie = tied ? Math.exp(parameters[size - 1]!) : 0
  let [logLikelihood, sum] = [0, 0]
  for (const { first, second, firstWins, secondWins, ties } of records) {
    const count = firstWins + secondWins + ties
    if (count === 0) continue
    const [win, loss, draw] = chances(strength(first) - strength(second), tie)
    sum += count
    logLikelihood += weighted(firstWins, win) + weighted(secondWins, loss) + weighted(ties, draw)
    // The outcome is a point (h, g): h half the difference of wins, g whether tied; its covariance is the information.
    const [h, g] = [(win - loss) / 2, draw]
    const [observedH, observedG] = [(firstWins - secondWins) / 2, ties]
    const involved: [parameter: number, onH: number, onG: number][] = []
    if (first < contestants - 1) involved.push([first, 1, 0])
    if (second < contestants - 1) involved.push([second, -1, 0])
    if (tied) involved.push([size - 1, 0, 1])
    const [varianceH, varianceG, covariance] = [(win + loss) / 4 - h * h, g * (1 - g), -h * g]
    for (const [a, aH, aG] of involved) {
      gradient[a]! += aH * (observedH - count * h) + aG * (observedG - count * g)
      for (const [b, bH, bG] of involved) {
        information[a * size + b]! += count * (aH * bH * varianceH + aG * bG * varianceG + (aH * bG + aG * bH) * covariance)
      }
    }
  }
  return { logLikelihood, gradient, information, total: sum }
}

const weighted = (count: number, chance: number) => (count === 0 ? 0 : count * Math.log(chance))

const moved = (from: Float64Array, step: Float64Array, length: number) => from.map((value, i) => value + length * step[i]!)

/** The inverse information of the strengths, with rows and columns centred; the fixed last contestant has row and column 0 before. */
function centredCovariance(information: Float64Array, size: number, contestants: number): Float64Array {
  const factor = information.slice()
  cholesky(factor, size)
  const raw = new Float64Array(contestants * contestants)
  const column = new Float64Array(size)
  for (let i = 0; i < contestants - 1; i++) {
    choleskySolve(
      factor,
      size,
      Float64Array.from({ length: size }, (_, j) => (i === j ? 1 : 0)),
      column,
    )
    for (let j = 0; j < contestants - 1; j++) raw[i * contestants + j] = column[j]!
  }
  const rowMeans = Array.from({ length: contestants }, (_, i) => {
    return raw.subarray(i * contestants, (i + 1) * contestants).reduce((sum, value) => sum + value, 0) / contestants
  })
  const grand = rowMeans.reduce((sum, value) => sum + value, 0) / contestants
  return raw.map((value, at) => value - rowMeans[Math.floor(at / contestants)]! - rowMeans[at % contestants]! + grand)
}

/**
 * The likelihood has a finite maximum unless some change of strengths d and of log nu e makes every observed outcome likelier or leaves it:
 * d_i - d_j >= max(0, 2e) for each win of i over j, |d_i - d_j| <= 2e for each tie. With e = 0 such a change exists unless everybody can be
 * reached from everybody by steps from winner to loser or between tied; with e > 0 unless some round trip has more wins than ties.
 */
function hasMaximum(contestants: number, records: readonly PairRecord[]): boolean {
  const distance = new Float64Array(contestants * contestants).fill(Number.POSITIVE_INFINITY)
  const connect = (from: number, to: number, length: number) => {
    distance[from * contestants + to] = Math.min(length, distance[from * contestants + to]!)
  }
  let tied = false
  for (const { first, second, firstWins, secondWins, ties } of records) {
    if (ties > 0) {
      connect(first, second, 1)
      connect(second, first, 1)
      tied = true
    }
    if (firstWins > 0) connect(first, second, -1)
    if (secondWins > 0) connect(second, first, -1)
  }
  // Floyd and Warshall: a round trip of negative length shows on the diagonal. Lengths are bounded, as they double with each negative trip.
  for (let via = 0; via < contestants; via++) {
    for (let from = 0; from < contestants; from++) {
      for (let to = 0; to < contestants; to++) {
        const length = distance[from * contestants + via]! + distance[via * contestants + to]!
        if (length < distance[from * contestants + to]!) distance[from * contestants + to] = Math.max(length, -1e9)
      }
    }
  }
  const reachable = distance.every((length) => length < Number.POSITIVE_INFINITY)
  const winningTrip = Array.from({ length: contestants }, (_, i) => distance[i * contestants + i]!).some((length) => length < 0)
  return reachable && (!tied || winningTrip)
}

function checkRecord({ first, second, firstWins, secondWins, ties }: PairRecord, place: number, contestants: number): void {
  checkCount(`first contestant of record ${place}`, first, 0, contestants - 1)
  checkCount(`second contestant of record ${place}`, second, 0, contestants - 1)
  if (first === second) {
    throw new PalignError(
      'invalid-input',
      `record ${place} compares contestant ${first} with itself, expected two different ones`,
    )
  }
  for (const count of [firstWins, secondWins, ties]) {
    if (count >= 0 && count < Number.POSITIVE_INFINITY) continue
    throw new PalignError('invalid-input', `record ${place} counts ${count} comparisons, expected a finite number of at least 0`)
  }
}
