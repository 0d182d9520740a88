/**
 * @file Predictors without a model: what any method has to beat. Predictions are made in the direction of the scales; rounded half up
 * there, cut to 1..5 and turned back into answers to the wording (evaluation protocol, section 4).
 */

import type { HeldOutItems, KnownItems } from '../items/item-split.ts'
import { flipIfMinus, type Item } from '../items/questionnaire.ts'
import { ridgeWeights } from '../math/ridge.ts'
import type { Respondent } from '../people/respondent.ts'
import { answerTable, keyedValues } from './answer-table.ts'

/** What a prediction uses: nothing of anybody, the person's own known answers, or other people's answers as well. */
export type Regime = 'none' | 'person' | 'population'

export interface Floor {
  readonly arm: string
  readonly regime: Regime
  /** `[respondents, held-out items]`, keyed, not rounded. */
  predict(population: Population): Float64Array
}

/** Everybody in the file, in keyed coding. */
export interface Population {
  readonly respondents: number
  readonly knownItems: readonly Item[]
  readonly heldOutItems: readonly Item[]
  /** `[respondents, items]`, NaN where missing. */
  readonly known: Float64Array
  readonly heldOut: Float64Array
}

export function populationOf(respondents: readonly Respondent[], known: KnownItems, heldOut: HeldOutItems): Population {
  return {
    respondents: respondents.length,
    knownItems: known.items,
    heldOutItems: heldOut.items,
    known: keyedValues(answerTable(respondents, known.items)),
    heldOut: keyedValues(answerTable(respondents, heldOut.items)),
  }
}

/** Keyed predictions -> whole answers to the wording, `[respondents, items]`. */
export function roundedWorded(keyed: Float64Array, items: readonly Item[]): Float32Array {
  return Float32Array.from(keyed, (value, at) => {
    const rounded = Math.min(5, Math.max(1, Math.floor(value + 0.5 + ROUNDING)))
    return flipIfMinus(rounded, items[at % items.length]!.keying)
  })
}

/** Keyed predictions -> unrounded answers to the wording. */
export function unroundedWorded(keyed: Float64Array, items: readonly Item[]): Float32Array {
  return Float32Array.from(keyed, (value, at) => flipIfMinus(value, items[at % items.length]!.keying))
}

const NEUTRAL = 3
/** Weighted means of whole answers may miss a half by the last bits of a double. */
const ROUNDING = 1e-9
const FACET_WEIGHT = 0.7
const RIDGE_LAMBDA = 300
const PERSON_FOLDS = 10

/** All floors of the evaluation table, constants first. */
export function floors(): Floor[] {
  return [
    ...[1, 2, 3, 4, 5].map(
      (answer): Floor => ({
        arm: `constant-${answer}`,
        regime: 'none',
        // Constant in the wording: on minus items the keyed value is turned.
        predict: ({ respondents, heldOutItems }) =>
          perItem(respondents, heldOutItems, (_, i) => flipIfMinus(answer, heldOutItems[i]!.keying)),
      }),
    ),
    { arm: 'item-median', regime: 'population', predict: leaveOneOutMedian },
    { arm: 'own-facet', regime: 'person', predict: (population) => ownMeans(population, 1) },
    { arm: 'own-facet-trait', regime: 'person', predict: (population) => ownMeans(population, FACET_WEIGHT) },
    { arm: 'ridge', regime: 'population', predict: ridge },
  ]
}

function perItem(
  respondents: number,
  items: readonly Item[],
  predict: (respondent: number, item: number) => number,
): Float64Array {
  return Float64Array.from({ length: respondents * items.length }, (_, at) =>
    predict(Math.floor(at / items.length), at % items.length),
  )
}

/** Median of everybody else's answers to the item. */
function leaveOneOutMedian({ respondents, heldOutItems, heldOut }: Population): Float64Array {
  const columns = heldOutItems.length
  const sorted = heldOutItems.map((_, i) => {
    const column = Float64Array.from({ length: respondents }, (_, r) => heldOut[r * columns + i]!)
    return column.filter((value) => !Number.isNaN(value)).sort()
  })
  return perItem(respondents, heldOutItems, (r, i) => medianWithout(sorted[i]!, heldOut[r * columns + i]!))
}

/** Median of sorted values after one of them is taken away; NaN takes none away. */
function medianWithout(sorted: Float64Array, value: number): number {
  const skipped = Number.isNaN(value) ? sorted.length : sorted.indexOf(value)
  const count = skipped === sorted.length ? sorted.length : sorted.length - 1
  if (count === 0) return NEUTRAL
  const at = (place: number) => sorted[place < skipped ? place : place + 1]!
  return (at(Math.floor((count - 1) / 2)) + at(Math.floor(count / 2))) / 2
}

/** weight * mean of the person's known items of the facet + (1 - weight) * mean of those of the domain. */
function ownMeans({ respondents, knownItems, heldOutItems, known }: Population, weight: number): Float64Array {
  return perItem(respondents, heldOutItems, (r, i) => {
    const { domain, facet } = heldOutItems[i]!
    const ofDomain = meanOf(known, knownItems, r, (item) => item.domain === domain) ?? NEUTRAL
    const ofFacet = meanOf(known, knownItems, r, (item) => item.facet === facet) ?? ofDomain
    return weight * ofFacet + (1 - weight) * ofDomain
  })
}

function meanOf(
  known: Float64Array,
  items: readonly Item[],
  respondent: number,
  include: (item: Item) => boolean,
): number | undefined {
  let sum = 0
  let count = 0
  items.forEach((item, i) => {
    const value = known[respondent * items.length + i]!
    if (Number.isNaN(value) || !include(item)) return
    sum += value
    count++
  })
  return count === 0 ? undefined : sum / count
}

/** Ridge regression of every held-out item on all known items; fold of a person = row modulo 10. */
function ridge({ respondents, known, heldOut, knownItems, heldOutItems }: Population): Float64Array {
  const inputs = knownItems.length
  const outputs = heldOutItems.length
  const predictions = new Float64Array(respondents * outputs)
  const rows = Array.from({ length: respondents }, (_, r) => r)
  for (let fold = 0; fold < PERSON_FOLDS; fold++) {
    const train = rows.filter((r) => r % PERSON_FOLDS !== fold)
    const x = centred(known, train, train, inputs)
    const y = centred(heldOut, train, train, outputs)
    const weights = ridgeWeights({ x: x.values, y: y.values, rows: train.length, lambda: RIDGE_LAMBDA })
    const test = rows.filter((r) => r % PERSON_FOLDS === fold)
    const inputsOfTest = centred(known, test, train, inputs).values
    test.forEach((r, t) => {
      for (let o = 0; o < outputs; o++) {
        let value = y.means[o]!
        for (let i = 0; i < inputs; i++) value += inputsOfTest[t * inputs + i]! * weights[i * outputs + o]!
        predictions[r * outputs + o] = Math.min(5, Math.max(1, value))
      }
    })
  }
  return predictions
}

/** Rows minus the column means of the training rows; missing values become 0, the mean. */
function centred(values: Float64Array, rows: readonly number[], train: readonly number[], columns: number) {
  const means = Float64Array.from({ length: columns }, (_, c) => {
    const answered = train.map((r) => values[r * columns + c]!).filter((value) => !Number.isNaN(value))
    return answered.length === 0 ? NEUTRAL : answered.reduce((sum, value) => sum + value, 0) / answered.length
  })
  const result = new Float64Array(rows.length * columns)
  rows.forEach((row, r) => {
    for (let c = 0; c < columns; c++) {
      const value = values[row * columns + c]!
      result[r * columns + c] = Number.isNaN(value) ? 0 : value - means[c]!
    }
  })
  return { values: result, means }
}
