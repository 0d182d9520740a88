/** @file The result table: one row an arm, every row with its interval and the wrong-person control. */
import { bootstrapInterval, type Interval } from '../math/bootstrap.ts'
import { mean } from '../math/statistics.ts'
import { correctedErrors, type DomainErrors, meanErrors, publishedErrors, sumsOfDomains } from './alignment-error.ts'
import type { AnswerTable } from './answer-table.ts'
import type { AnswerUnit } from './answer-unit.ts'
import { collapsedRows } from './collapse.ts'
import type { Cost } from './cost.ts'
import type { Regime } from './floors.ts'
import { type Identification, identification } from './identification.ts'
import { type Likeness, likeness, weightedKappa } from './likeness.ts'
import { personalisationGains } from './personalisation.ts'
import { type ResponseStyle, responseStyles } from './response-style.ts'

/** What an arm answers for every respondent. */
export interface ArmPredictions {
  readonly arm: string
  readonly regime: Regime
  /** `[respondents, items]`: whole answers to the wording, the most likely option where the arm has distributions. */
  readonly answers: Float32Array
  /** `[respondents, items]`: the same from the median of each distribution. */
  readonly medians?: Float32Array | undefined
  /** `[respondents, items]`: the same before anything is rounded, means of distributions; what correlations are made of. */
  readonly expected?: Float32Array | undefined
  /** Mean probability mass on anything but an option. */
  readonly unanswered?: number | undefined
  /** Means over respondents, of arms that add something to the model. */
  readonly strength?: AnswerUnit['strength']
  /** What an arm that trains was run with. */
  readonly hyperparameters?: Readonly<Record<string, number | string>> | undefined
  readonly cost: Cost
}

export interface ErrorSummary {
  readonly published: DomainErrors
  readonly corrected: DomainErrors & { readonly interval: Interval }
  /** Corrected error with other respondents' predictions minus with one's own. */
  readonly gain: { readonly value: number; readonly interval: Interval }
}

export interface TableRow extends ErrorSummary {
  readonly arm: string
  readonly regime: Regime
  /** Share of answered items met exactly. */
  readonly exact: number
  /** Corrected error of the arm `unchanged` minus of this one, paired over respondents; absent without that arm. */
  readonly overUnchanged?: { readonly value: number; readonly interval: Interval } | undefined
  /** How like the answers the predictions are beyond their error; absent for one respondent alone. */
  readonly likeness?: LikenessSummary | undefined
  /** Means over respondents of how the arm answers; people: acquiescence 3.08, negation consistency .58, extremity .09. */
  readonly style: ResponseStyle
  /** 0 is as good as item medians, 1 as ridge, by the corrected error. */
  readonly skill: number
  /** The same summary for the medians of the distributions. */
  readonly median?: ErrorSummary | undefined
  readonly unanswered?: number | undefined
  /** Respondents for whom the arm answers (almost) the same to everything. */
  readonly collapsed: number
  readonly strength?: AnswerUnit['strength']
  readonly hyperparameters?: Readonly<Record<string, number | string>> | undefined
  readonly cost: Cost
}

export interface LikenessSummary extends Likeness, Identification {
  /** Quadratic, of whole answers. */
  readonly weightedKappa: number
}

/** @param seed of the bootstrap; every interval starts from it, so rows do not depend on their order */
export function resultTable(
  arms: readonly ArmPredictions[],
  answers: AnswerTable,
  { seed }: { readonly seed: number },
): TableRow[] {
  const sums = ({ answers: predictions }: ArmPredictions) => sumsOfDomains(correctedErrors(predictions, answers))
  const unchanged = arms.find(({ arm }) => arm === 'unchanged')
  const before = unchanged && sums(unchanged)
  const errorOf = (name: string) => mean(arms.filter(({ arm }) => arm === name).flatMap((arm) => Array.from(sums(arm))))
  const [median, ridge] = [errorOf('item-median'), errorOf('ridge')]
  return arms.map((arm) => {
    const after = sums(arm)
    return {
      arm: arm.arm,
      regime: arm.regime,
      ...summary(arm.answers, answers, seed),
      exact: exactShare(arm.answers, answers),
      overUnchanged:
        before &&
        meanAndInterval(
          before.map((error, r) => error - after[r]!),
          seed,
        ),
      likeness: answers.respondents > 1 ? likenessSummary(arm, answers) : undefined,
      style: meanStyle(responseStyles(arm.answers, answers)),
      skill: (median - mean(after)) / (median - ridge),
      median: arm.medians && summary(arm.medians, answers, seed),
      unanswered: arm.unanswered,
      collapsed: collapsedRows(arm.answers, answers.items.length),
      strength: arm.strength,
      hyperparameters: arm.hyperparameters,
      cost: arm.cost,
    }
  })
}

function likenessSummary({ answers: whole, expected = whole }: ArmPredictions, answers: AnswerTable): LikenessSummary {
  return { ...likeness(expected, answers), ...identification(expected, answers), weightedKappa: weightedKappa(whole, answers) }
}

function meanStyle(styles: readonly ResponseStyle[]): ResponseStyle {
  return {
    acquiescence: mean(styles.map(({ acquiescence }) => acquiescence)),
    negationConsistency: mean(styles.map(({ negationConsistency }) => negationConsistency)),
    extremity: mean(styles.map(({ extremity }) => extremity)),
  }
}

function summary(predictions: Float32Array, answers: AnswerTable, seed: number): ErrorSummary {
  const errors = correctedErrors(predictions, answers)
  return {
    published: meanErrors(publishedErrors(predictions, answers)),
    corrected: { ...meanErrors(errors), interval: intervalOf(sumsOfDomains(errors), seed) },
    gain: meanAndInterval(personalisationGains(predictions, answers), seed),
  }
}

function meanAndInterval(values: Float64Array, seed: number): { value: number; interval: Interval } {
  const value = values.reduce((sum, v) => sum + v, 0) / values.length
  return { value, interval: intervalOf(values, seed) }
}

/** One respondent has no interval, and no wrong person either: NaN, which JSON writes as null. */
function intervalOf(values: Float64Array, seed: number): Interval {
  return values.length < 2 ? [Number.NaN, Number.NaN] : bootstrapInterval(values, { seed })
}

function exactShare(predictions: Float32Array, { worded }: AnswerTable): number {
  let answered = 0
  let hits = 0
  worded.forEach((answer, at) => {
    if (answer === 0) return
    answered++
    if (predictions[at] === answer) hits++
  })
  return hits / answered
}
