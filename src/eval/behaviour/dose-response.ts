/**
 * @file What a trait's score does when the strength of its persona is raised. All summaries are of the response towards the pole: the
 * score itself for the high pole, minus the score for the low one, so that a persona that works rises at either pole.
 */
import { spearman } from '../../math/correlation.ts'
import { mean, pearson } from '../../math/statistics.ts'

export type Pole = 'high' | 'low'
export const POLES = ['high', 'low'] as const satisfies readonly Pole[]
/** Turns scores and effects towards the pole. */
export const POLE_SIGN = { high: 1, low: -1 } as const satisfies Record<Pole, 1 | -1>

/** Multiples of the selected alpha: the nine strengths. */
export const DOSES = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2] as const

/** Sigmas of dose 1 where the search for alpha chose 0: dose 2 is then the strongest alpha of the grid. */
export const DEFAULT_UNIT = 4

/** Alpha of dose 1. A selected alpha of 0 says that steering did not help on tuning items; its doses are of the default unit. */
export function doseUnit(selected: number): number {
  return selected === 0 ? DEFAULT_UNIT : selected
}

export interface DosePoint {
  readonly dose: number
  /** Sigmas. */
  readonly alpha: number
  /** 95th percentile of KL(unsteered || steered) on neutral prompts, nats (`steering-strength.ts`). */
  readonly klP95: number
  /** Mean signed score of the steered trait, nats. */
  readonly score: number
}

/** Null where there is none: a response that does not vary has no correlation. */
export interface DoseSummary {
  /** Rank correlation of dose and response. */
  readonly spearman: number | null
  /** Share of the variance of the response that a straight line over dose explains: the squared Pearson correlation. */
  readonly rSquared: number | null
  /** Least-squares slope of the response over KL: nats of score for each nat that the model is moved. */
  readonly slopePerKl: number | null
  /** Share of the steps from one dose to the next in which the response rises. */
  readonly monotoneShare: number
  /** The dose after which every further step falls; null where the last step does not fall. 0: steering goes the wrong way from the start. */
  readonly overshootAt: number | null
}

/** @param points in ascending order of dose, at least two */
export function summariseDoses(points: readonly DosePoint[], pole: Pole): DoseSummary {
  const doses = points.map(({ dose }) => dose)
  const response = points.map(({ score }) => POLE_SIGN[pole] * score)
  const r = pearson(doses, response)
  const steps = response.slice(1).map((value, i) => value - response[i]!)
  // Everything after the last step that does not fall.
  const peak = steps.findLastIndex((step) => step >= 0) + 1
  return {
    spearman: spearman(doses, response) ?? null,
    rSquared: r === undefined ? null : r ** 2,
    slopePerKl: slope(
      points.map(({ klP95 }) => klP95),
      response,
    ),
    monotoneShare: steps.filter((step) => step > 0).length / steps.length,
    overshootAt: peak === steps.length ? null : doses[peak]!,
  }
}

/** Share of statements whose score moved away from the pole. @param before,after signed scores `[statements]` */
export function antiSteeredShare(before: ArrayLike<number>, after: ArrayLike<number>, pole: Pole): number {
  let wrong = 0
  for (let i = 0; i < before.length; i++) if (POLE_SIGN[pole] * (after[i]! - before[i]!) < 0) wrong++
  return wrong / before.length
}

function slope(x: readonly number[], y: readonly number[]): number | null {
  const [meanX, meanY] = [mean(x), mean(y)]
  let product = 0
  let squares = 0
  x.forEach((value, i) => {
    product += (value - meanX) * (y[i]! - meanY)
    squares += (value - meanX) ** 2
  })
  return squares === 0 ? null : product / squares
}
