/** @file Synthetic recordings whose truth is known: one head carries what the respondent says, and letters are everywhere. */
import {
  type ContrastSample,
  headActivations,
  headIds,
  type RecordedContrasts,
  recordedContrasts,
} from '../../../src/activations/head-activations.ts'
import type { Answer, Worded } from '../../../src/items/questionnaire.ts'
import { gaussian, seededRandom } from '../../../src/math/random.ts'
import type { HeadId } from '../../../src/model/shape.ts'

export const PLANTED_SHAPE = { layers: 3, heads: 4, kvHeads: 2, headDim: 16, hiddenSize: 64, vocabSize: 10, contextLength: 8 }
export const PLANTED_HEAD: HeadId = { layer: 1, head: 2 }
/** A head that knows nothing but the letter. */
export const LETTER_HEAD: HeadId = { layer: 2, head: 0 }

export const SAYS = ['agreement', 'disagreement'] as const
export const ORDERS = ['descending', 'ascending'] as const

export const isHead = (a: HeadId, b: HeadId) => a.layer === b.layer && a.head === b.head

export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let product = 0
  let squaresA = 0
  let squaresB = 0
  for (let j = 0; j < a.length; j++) {
    product += a[j]! * b[j]!
    squaresA += a[j]! ** 2
    squaresB += b[j]! ** 2
  }
  return product / Math.sqrt(squaresA * squaresB)
}

export interface Planted {
  readonly recorded: RecordedContrasts
  readonly answers: Worded
  /** Unit directions, orthogonal: what the respondent says, and the letter A. */
  readonly truth: Float64Array
  readonly letter: Float64Array
}

/**
 * 120 items, each in agreement and disagreement in both orders. The respondent agrees with three of four statements, as people do.
 * z = offset + item + noise, everywhere; the planted head adds 1.2 along `truth` (to the side of what is said) and 3 along `letter`
 * (to the side of the letter), the letter head adds 3 along `letter` only.
 */
export function plantRecording(seed: number): Planted {
  const random = seededRandom(seed)
  const { headDim } = PLANTED_SHAPE
  const normals = () => Float64Array.from({ length: headDim }, () => gaussian(random))
  const unit = (vector: Float64Array) => vector.map((value) => value / Math.hypot(...vector))
  const truth = unit(normals())
  const mixed = normals()
  const along = cosine(mixed, truth) * Math.hypot(...mixed)
  const letter = unit(mixed.map((value, j) => value - along * truth[j]!))
  const heads = headIds(PLANTED_SHAPE)
  const offsets = heads.map(() => normals().map((value) => 5 * value))

  const samples: ContrastSample[] = []
  const values: number[] = []
  const byItem = new Map<number, Answer>()
  for (let itemNumber = 1; itemNumber <= 120; itemNumber++) {
    const answer: Answer = random() < 0.75 ? 4 : 2
    byItem.set(itemNumber, answer)
    const itemEffects = heads.map(normals)
    for (const order of ORDERS) {
      for (const says of SAYS) {
        samples.push({ itemNumber, says, order })
        const saysTruth = answer > 3 === (says === 'agreement') ? 1.2 : -1.2
        const saysLetterA = (order === 'descending') === (says === 'agreement') ? 3 : -3
        for (const [index, head] of heads.entries()) {
          const noise = normals()
          for (let j = 0; j < headDim; j++) {
            let value = offsets[index]![j]! + itemEffects[index]![j]! + noise[j]!
            if (isHead(head, PLANTED_HEAD)) value += saysTruth * truth[j]!
            if (isHead(head, PLANTED_HEAD) || isHead(head, LETTER_HEAD)) value += saysLetterA * letter[j]!
            values.push(value)
          }
        }
      }
    }
  }
  const activations = headActivations(Float32Array.from(values), PLANTED_SHAPE)
  return { recorded: recordedContrasts(samples, activations), answers: { coding: 'worded', byItem }, truth, letter }
}
