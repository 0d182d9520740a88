/** @file One logistic probe per head: how well z of that head tells what the person said from what they did not. */
import { allHeads, headRows } from '../activations/head-activations.ts'
import type { LabelledContrasts } from '../activations/labels.ts'
import { fitLogistic, logisticWorkspace } from '../math/logistic-regression.ts'
import { seededRandom } from '../math/random.ts'
import { shuffled } from '../math/shuffle.ts'
import type { HeadId } from '../model/shape.ts'

export interface Probe extends HeadId {
  /** `[headDim]` */
  readonly weights: Float64Array
  readonly intercept: number
  readonly trainAccuracy: number
  readonly validationAccuracy: number
  /** Mean log loss on the validation rows: tells heads of equal accuracy apart. */
  readonly validationLoss: number
}

/** Positions in the labelled rows. */
export interface RowSplit {
  readonly train: readonly number[]
  readonly validation: readonly number[]
}

export type SplitRows = (labelled: LabelledContrasts, random: () => number) => RowSplit

const TRAIN_SHARE = 0.6

/** All rows of an item on the same side: a probe cannot pass validation by recognising the item. */
export const splitByItem: SplitRows = ({ itemNumbers }, random) => {
  const items = shuffled([...new Set(itemNumbers)], random)
  const inTrain = new Set(items.slice(0, Math.round(TRAIN_SHARE * items.length)))
  return partition(itemNumbers.length, (row) => inTrain.has(itemNumbers[row]!))
}

/** Rows at random, as published: both sides of a pair may meet a probe, one in training and one in validation. */
export const splitByRow: SplitRows = ({ itemNumbers }, random) => {
  const rows = shuffled(Array.from(itemNumbers.keys()), random)
  const inTrain = new Set(rows.slice(0, Math.round(TRAIN_SHARE * rows.length)))
  return partition(itemNumbers.length, (row) => inTrain.has(row))
}

function partition(rows: number, inTrain: (row: number) => boolean): RowSplit {
  const all = Array.from({ length: rows }, (_, row) => row)
  return { train: all.filter(inTrain), validation: all.filter((row) => !inTrain(row)) }
}

/**
 * Fits every head on the training rows.
 * @returns one probe per head, layer by layer
 * @throws PalignError `invalid-input` where the training rows are of one class
 */
export function fitProbes(
  labelled: LabelledContrasts,
  { split, seed }: { readonly split: SplitRows; readonly seed: number },
): Probe[] {
  const { activations, rows, labels } = labelled
  const { train, validation } = split(labelled, seededRandom(seed))
  const side = (positions: readonly number[]) => ({
    rows: positions.map((position) => rows[position]!),
    labels: Uint8Array.from(positions, (position) => labels[position]!),
    z: new Float64Array(positions.length * activations.headDim),
  })
  const trained = side(train)
  const validated = side(validation)
  const workspace = logisticWorkspace(train.length, activations.headDim)
  return allHeads(activations).map((head) => {
    const z = headRows(activations, head, trained.rows, trained.z)
    const { weights, intercept } = fitLogistic({ rows: z, labels: trained.labels, workspace })
    const onTrain = judge(z, trained.labels, weights, intercept)
    const onValidation = judge(headRows(activations, head, validated.rows, validated.z), validated.labels, weights, intercept)
    return {
      ...head,
      weights,
      intercept,
      trainAccuracy: onTrain.accuracy,
      validationAccuracy: onValidation.accuracy,
      validationLoss: onValidation.loss,
    }
  })
}

function judge(
  z: Float64Array,
  labels: Uint8Array,
  weights: Float64Array,
  intercept: number,
): { accuracy: number; loss: number } {
  const d = weights.length
  let hits = 0
  let loss = 0
  labels.forEach((label, row) => {
    let score = intercept
    for (let j = 0; j < d; j++) score += weights[j]! * z[row * d + j]!
    const margin = label === 1 ? score : -score
    if (score > 0 === (label === 1)) hits++
    loss += margin > 0 ? Math.log1p(Math.exp(-margin)) : Math.log1p(Math.exp(margin)) - margin
  })
  return { accuracy: hits / labels.length, loss: loss / labels.length }
}
