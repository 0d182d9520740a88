/** @file Answers of many respondents to some items, as a table: what errors and floors are computed on. */
import { flipIfMinus, type Item } from '../items/questionnaire.ts'
import type { Respondent } from '../people/respondent.ts'

export interface AnswerTable {
  readonly items: readonly Item[]
  readonly respondents: number
  /** `[respondents, items]`, answers to the wording 1..5; 0 inside this array only: missing. */
  readonly worded: Uint8Array
}

export function answerTable(respondents: readonly Respondent[], items: readonly Item[]): AnswerTable {
  const worded = new Uint8Array(respondents.length * items.length)
  respondents.forEach(({ answers }, r) => {
    items.forEach((item, i) => {
      worded[r * items.length + i] = answers.byItem.get(item.itemNumber) ?? 0
    })
  })
  return { items, respondents: respondents.length, worded }
}

/** `[respondents, items]` in the direction of the scales; NaN where missing. */
export function keyedValues({ items, worded }: AnswerTable): Float64Array {
  return Float64Array.from(worded, (value, at) =>
    value === 0 ? Number.NaN : flipIfMinus(value, items[at % items.length]!.keying),
  )
}

/** `[respondents][items]` in the direction of the scales. @param values `[respondents, items]`, answers to the wording */
export function keyedRows(values: ArrayLike<number>, items: AnswerTable['items']): number[][] {
  return Array.from({ length: values.length / items.length }, (_, r) =>
    items.map(({ keying }, i) => flipIfMinus(values[r * items.length + i]!, keying)),
  )
}

/** Rows of a `[respondents, columns]` array. */
export function selectRows<T extends Float32Array | Float64Array | Uint8Array>(
  values: T,
  rows: readonly number[],
  columns: number,
): T {
  const selected = values.slice(0, rows.length * columns) as T
  rows.forEach((row, r) => {
    selected.set(values.subarray(row * columns, (row + 1) * columns), r * columns)
  })
  return selected
}
