/**
 * @file The share of comparisons that an arm wins, a tie counting half, and the same with the length of the answers taken out: a logistic model of winning
 * with the differences in length, list lines and exclamation marks, whose length term is then set to 0 (the idea of length-controlled win
 * rates: Dubois et al. 2024, arXiv 2404.04475).
 */
import { bootstrapIntervalOf, type Interval } from '../../math/bootstrap.ts'
import { groupBy } from '../../math/group-by.ts'
import { fitLogistic } from '../../math/logistic-regression.ts'
import { mean } from '../../math/statistics.ts'
import type { Comparison } from './rubric.ts'

export interface ComparedAnswers extends Comparison {
  /** Comparisons of one situation are resampled together. */
  readonly situation: string
  /** By the arm; `first` of the outcome. */
  readonly answer: string
  /** By the unsteered model. */
  readonly other: string
}

export interface WinRate {
  readonly value: number
  /** 95 %, by the bootstrap over situations. */
  readonly interval: Interval
  /** With the length term at 0; undefined where one side won everything, which no length explains. */
  readonly adjusted: number | undefined
  /** Of all comparisons, with those that were inconsistent. */
  readonly ties: number
  readonly comparisons: number
  /** Share of comparisons with the same verdict in both orders, of those that have two verdicts; undefined where none has. */
  readonly positionConsistency: number | undefined
}

/** @param compared at least one */
export function winRate(compared: readonly ComparedAnswers[], { seed = 0 }: { readonly seed?: number } = {}): WinRate {
  const groups = [...groupBy(compared, ({ situation }) => situation).values()].map((group) => group.map(pointsOf))
  const rateOf = (units: ArrayLike<number>) => {
    let [sum, count] = [0, 0]
    for (let i = 0; i < units.length; i++) {
      for (const points of groups[units[i]!]!) sum += points
      count += groups[units[i]!]!.length
    }
    return sum / count
  }
  const judged = compared.filter(({ consistent }) => consistent !== undefined)
  return {
    value: mean(compared.map(pointsOf)),
    interval: groups.length < 2 ? [Number.NaN, Number.NaN] : bootstrapIntervalOf(groups.length, rateOf, { seed }),
    adjusted: adjustedRate(compared),
    ties: compared.filter(({ outcome }) => outcome === 'tie').length,
    comparisons: compared.length,
    positionConsistency:
      judged.length === 0 ? undefined : judged.filter(({ consistent }) => consistent === true).length / judged.length,
  }
}

const pointsOf = ({ outcome }: Comparison) => (outcome === 'first' ? 1 : outcome === 'second' ? 0 : 0.5)

/** Weak beside a dozen comparisons, and enough to keep the fit finite where a difference tells winners apart without fail. */
const C = 10

function adjustedRate(compared: readonly ComparedAnswers[]): number | undefined {
  const points = compared.map(pointsOf)
  // A tie is half a win and half a loss: each comparison is entered as two.
  const labels = points.flatMap((value) => [value > 0 ? 1 : 0, value === 1 ? 1 : 0])
  if (new Set(labels).size < 2) return undefined
  const differences = [lengthOf, listLines, exclamations].map((of) =>
    scaled(compared.map(({ answer, other }) => Math.log((1 + of(answer)) / (1 + of(other))))),
  )
  const rows = Float64Array.from(compared.flatMap((_, i) => [0, 1].flatMap(() => differences.map((column) => column[i]!))))
  const { weights, intercept } = fitLogistic({ rows, labels, c: C })
  const [, lists, marks] = differences
  return mean(compared.map((_, i) => sigmoid(intercept + weights[1]! * lists![i]! + weights[2]! * marks![i]!)))
}

/** To a mean square of 1, and not centred: 0 stays no difference. */
function scaled(values: readonly number[]): number[] {
  const size = Math.sqrt(mean(values.map((value) => value * value)))
  return size === 0 ? [...values] : values.map((value) => value / size)
}

const lengthOf = (text: string) => text.length
const listLines = (text: string) => text.match(/^\s*(?:[-*•]|\d+[.)])\s/gm)?.length ?? 0
const exclamations = (text: string) => text.match(/!/g)?.length ?? 0
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
