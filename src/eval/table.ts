/** @file The result table: one row an arm, every row with its interval and the wrong-person control. */
import type { QuestionForm } from '../items/question-form.ts'
import { bootstrapInterval, type Interval } from '../math/bootstrap.ts'
import { mean } from '../math/statistics.ts'
import { correctedErrors, type DomainErrors, meanErrors, publishedErrors, sumsOfDomains } from './alignment-error.ts'
import type { AnswerTable } from './answer-table.ts'
import type { AlignUnit } from './answer-unit.ts'
import { collapsedRows } from './collapse.ts'
import type { Cost } from './cost.ts'
import type { Regime } from './floors.ts'
import { type FormSensitivity, formSensitivity } from './form-sensitivity.ts'
import { type Identification, identification } from './identification.ts'
import { type Likeness, likeness, weightedKappa } from './likeness.ts'
import { personalisationGains } from './personalisation.ts'
import { type ResponseStyle, responseStyles } from './response-style.ts'
import { correlationDistance, type TraitScales, traitScales } from './trait-scales.ts'

/** What an arm answers in one form. */
export interface FormPredictions {
  readonly form: QuestionForm
  /** `[respondents, items, 5]` */
  readonly probabilities: Float32Array
}

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
  /** The same, form by form. */
  readonly forms?: readonly FormPredictions[] | undefined
  /** Mean probability mass on anything but an option. */
  readonly unanswered?: number | undefined
  /** Means over respondents, of arms that add something to the model. */
  readonly strength?: AlignUnit['strength']
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
  /** Corrected error of the means of the distributions, not rounded; of good predictors larger than the error of whole answers. */
  readonly expected?: DomainErrors | undefined
  readonly unanswered?: number | undefined
  /** Respondents for whom the arm answers (almost) the same to everything. */
  readonly collapsed: number
  /** What depends on the form of the question; arms that were asked. */
  readonly forms?: FormSensitivity | undefined
  /** Whether the domains hang together over respondents as people's do; absent for fewer than three respondents. */
  readonly scales?: (TraitScales & { readonly distance: number | null }) | undefined
  /** Why the arm counts as failed: its error is then no score. Floors are exempt, being what they are. */
  readonly failed?: string | undefined
  readonly strength?: AlignUnit['strength']
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
  const human = humanScales(answers)
  const [median, ridge] = [errorOf('item-median'), errorOf('ridge')]
  return arms.map((arm) => {
    const after = sums(arm)
    const forms = arm.forms && formSensitivity(arm.forms, answers)
    const collapsed = collapsedRows(arm.answers, answers.items.length)
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
      expected: arm.expected && meanErrors(correctedErrors(arm.expected, answers)),
      unanswered: arm.unanswered,
      collapsed,
      forms,
      scales: human && scalesBeside(human, arm, answers),
      failed: forms && failureOf(collapsed, forms, answers.respondents),
      strength: arm.strength,
      hyperparameters: arm.hyperparameters,
      cost: arm.cost,
    }
  })
}

/** Of the respondents themselves; correlations over two say nothing. */
export function humanScales({ items, worded, respondents }: AnswerTable): TraitScales | undefined {
  if (respondents < 3) return undefined
  return traitScales(
    Float32Array.from(worded, (answer) => answer || Number.NaN),
    items,
  )
}

function scalesBeside(human: TraitScales, { answers: whole, expected = whole }: ArmPredictions, { items }: AnswerTable) {
  const scales = traitScales(expected, items)
  return { ...scales, distance: correlationDistance(scales.correlations, human.correlations) }
}

/** An arm fails where more than half of its respondents' runs do. */
function failureOf(collapsed: number, { positional = 0 }: FormSensitivity, respondents: number): string | undefined {
  if (collapsed > respondents / 2) return `collapsed: nearly one answer to everything for ${collapsed} of ${respondents} persons`
  if (positional > respondents / 2) {
    return `positional: the same option by its place in both orders for ${positional} of ${respondents} persons`
  }
  return undefined
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
