/** @file Many respondents in plain typed arrays: 300,000 protocols of 300 answers are 90 MB. */
import { type AnswerMatrix, respondentCount } from '../items/answer-matrix.ts'
import { type Answer, type Keyed, type Questionnaire, toWorded, type Worded } from '../items/questionnaire.ts'
import type { Respondent, Sex } from './respondent.ts'

export interface Sample extends AnswerMatrix {
  /** [respondents]: places in `SEX_CODES`, 0 where not stated. */
  readonly sex: Uint8Array
  /** [respondents]: years, 0 where not stated. */
  readonly age: Uint8Array
}

/** Meaning of the codes in `Sample.sex`; 1 and 2 are those of Johnson's and the PAPI files. */
export const SEX_CODES: readonly (Sex | undefined)[] = [undefined, 'male', 'female', 'other']

/** One row of a sample as a respondent, answers worded. */
export function respondentAt(sample: Sample, row: number): Respondent {
  const { questionnaire, coding, values } = sample
  const { items } = questionnaire
  const start = row * items.length
  const byItem = new Map<number, Answer>()
  items.forEach(({ itemNumber }, column) => {
    const value = values[start + column]!
    if (value !== 0) byItem.set(itemNumber, value as Answer)
  })
  const answers: Worded | Keyed = { coding, byItem }
  return {
    row,
    questionnaire,
    answers: answers.coding === 'keyed' ? toWorded(questionnaire, answers) : answers,
    sex: SEX_CODES[sample.sex[row]!],
    age: sample.age[row]! || undefined,
  }
}

/** Every row of a sample as a respondent. Large samples are better scored as they are, with `scoreMatrix`. */
export function respondentsOf(sample: Sample): Respondent[] {
  return Array.from({ length: respondentCount(sample) }, (_, row) => respondentAt(sample, row))
}

/** A sample of `count` rows with nothing answered and nothing stated, for a reader to fill. */
export function emptySample(questionnaire: Questionnaire, coding: Sample['coding'], count: number): Sample {
  return {
    questionnaire,
    coding,
    values: new Uint8Array(count * questionnaire.items.length),
    sex: new Uint8Array(count),
    age: new Uint8Array(count),
  }
}
