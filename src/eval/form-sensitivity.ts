/**
 * @file How much an arm's answers depend on how it is asked, which is nothing about the person (evaluation protocol, sections 3 and 5): the order
 * of options, letters or digits, the phrasing.
 */
import { argmaxAnswer, expectedAnswer } from '../items/answer-distribution.ts'
import { formName } from '../items/question-form.ts'
import { alphaOf } from '../math/scale-reliability.ts'
import { mean, populationDeviation } from '../math/statistics.ts'
import { correctedErrors, meanErrors } from './alignment-error.ts'
import type { AnswerTable } from './answer-table.ts'
import type { FormPredictions } from './table.ts'

export interface FormSensitivity {
  /** Corrected error, sum of five domains, of every form. */
  readonly errors: readonly { readonly form: string; readonly sum: number }[]
  /** Mean |E(ascending) - E(descending)| over items, respondents and wordings, E the expected answer; absent with one order. */
  readonly order?: number | undefined
  /** Mean over items and respondents of the deviation of E over forms. */
  readonly spread?: number | undefined
  /** Cronbach's alpha of the phrasings, each a rater of all items of all respondents; absent with one phrasing. */
  readonly phrasings?: number | undefined
  /** Respondents whose answers follow the position of the option (`isPositional`) in most wordings; absent with one order. */
  readonly positional?: number | undefined
}

export function formSensitivity(forms: readonly FormPredictions[], answers: AnswerTable): FormSensitivity {
  const expected = forms.map(({ probabilities }) => eachAnswer(probabilities, expectedAnswer))
  const whole = forms.map(({ probabilities }) => eachAnswer(probabilities, argmaxAnswer))
  const errors = forms.map(({ form }, f) => ({
    form: formName(form),
    sum: meanErrors(correctedErrors(whole[f]!, answers)).sum,
  }))
  const cells = Array.from(expected[0]!, (_, at) => expected.map((of) => of[at]!))
  const pairs = orderPairs(forms)
  const phrasings = phrasingMeans(forms, expected)
  return {
    errors,
    ...(forms.length > 1 && { spread: mean(cells.map(populationDeviation)) }),
    ...(phrasings.length > 1 && {
      phrasings: alphaOf(Array.from(phrasings[0]!, (_, at) => phrasings.map((of) => of[at]!))),
    }),
    ...(pairs.length > 0 && {
      order: mean(pairs.flatMap(([a, b]) => Array.from(expected[a]!, (value, at) => Math.abs(value - expected[b]![at]!)))),
      positional: positionalRespondents(pairs, whole, answers.items.length),
    }),
  }
}

function eachAnswer(probabilities: Float32Array, of: (probabilities: Float32Array) => number): Float32Array {
  return Float32Array.from({ length: probabilities.length / 5 }, (_, at) => of(probabilities.subarray(at * 5, at * 5 + 5)))
}

/** Places of forms that differ in the order of options alone. */
function orderPairs(forms: readonly FormPredictions[]): [number, number][] {
  return forms.flatMap(({ form: a }, i) =>
    forms.flatMap(({ form: b }, j): [number, number][] =>
      a.order === 'descending' && b.order === 'ascending' && a.marks === b.marks && a.phrasing === b.phrasing ? [[i, j]] : [],
    ),
  )
}

/** Expected answers of every phrasing, over its other forms. */
function phrasingMeans(forms: readonly FormPredictions[], expected: readonly Float32Array[]): Float32Array[] {
  return [...new Set(forms.map(({ form }) => form.phrasing))].map((phrasing) => {
    const own = expected.filter((_, f) => forms[f]!.form.phrasing === phrasing)
    return own[0]!.map((_, at) => mean(own.map((of) => of[at]!)))
  })
}

function positionalRespondents(pairs: readonly (readonly [number, number])[], whole: readonly Float32Array[], items: number) {
  const respondents = whole[0]!.length / items
  let positional = 0
  for (let r = 0; r < respondents; r++) {
    const row = (form: number) => whole[form]!.subarray(r * items, (r + 1) * items)
    const wordings = pairs.filter(([descending, ascending]) => isPositional(row(descending), row(ascending)))
    if (wordings.length > pairs.length / 2) positional++
  }
  return positional
}

/** Proposals of the protocol, not calibrated. */
const LARGEST_SAME_SHARE = 0.6
const LEAST_DECIDED_SHARE = 0.1

/**
 * Whether the same option by its place was chosen in both orders for most items with answers other than the neutral one: then answers in one order are
 * 6 minus those in the other. Too few such items decide nothing.
 */
export function isPositional(descending: ArrayLike<number>, ascending: ArrayLike<number>): boolean {
  let decided = 0
  let same = 0
  for (let i = 0; i < descending.length; i++) {
    if (descending[i] === 3 || ascending[i] === 3) continue
    decided++
    if (descending[i]! + ascending[i]! === 6) same++
  }
  return decided >= LEAST_DECIDED_SHARE * descending.length && same > LARGEST_SAME_SHARE * decided
}
