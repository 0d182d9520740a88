/** @file One probe per head: a logistic regression that tells from z whether the model says what the respondent said. */
import { headIds, headRows } from '../activations/head-activations.ts'
import { PalignError } from '../errors.ts'
import { fitLogistic, type LogisticWorkspace, logisticWorkspace, softplus } from '../math/logistic-regression.ts'
import type { HeadId } from '../model/shape.ts'
import type { LabelledContrasts } from './labels.ts'
import type { RowSplit, SplitRows } from './split.ts'

export interface Probe extends HeadId {
  /** `[headDim]` */
  readonly weights: Float64Array
  readonly intercept: number
  /** The minimum of the penalised loss over the training rows, in nats. */
  readonly loss: number
  /** Share of the training rows on the right side. */
  readonly trainAccuracy: number
  /** Share of the validation rows on the right side. */
  readonly validationAccuracy: number
  /** Mean negative log-likelihood of the validation rows, in nats. */
  readonly validationLoss: number
}

export interface FitProbesOptions {
  /** `splitByItem` or, as published, `splitByRow`. All heads share one split. */
  readonly split: SplitRows
  /** Inverse strength of the penalty on the weights; default 1. */
  readonly c?: number | undefined
}

/**
 * Probes of all heads, in the order of `headIds`.
 * @throws PalignError `invalid-input` for a split with an empty side or a row on both sides, `too-few-answers` for training rows of one label only.
 */
export function fitProbes(labelled: LabelledContrasts, options: FitProbesOptions): Probe[] {
  return [...probesOneByOne(labelled, options)]
}

/** The same, each fitted when it is asked for: a thread that has other things to do gets to them in between. */
export function* probesOneByOne(labelled: LabelledContrasts, { split, c = 1 }: FitProbesOptions): Generator<Probe, void> {
  const rows = split(labelled)
  assertSplit(rows, labelled)
  const { shape } = labelled.activations
  const workspace = logisticWorkspace(rows.train.length, shape.headDim)
  for (const head of headIds(shape)) yield fitProbe(labelled, head, rows, c, workspace)
}

function fitProbe(labelled: LabelledContrasts, head: HeadId, split: RowSplit, c: number, workspace: LogisticWorkspace): Probe {
  const train = rowsOf(labelled, head, split.train)
  const validation = rowsOf(labelled, head, split.validation)
  const { weights, intercept, loss } = fitLogistic({ ...train, c, workspace })
  const onTrain = judge(weights, intercept, train)
  const onValidation = judge(weights, intercept, validation)
  return {
    ...head,
    weights,
    intercept,
    loss,
    trainAccuracy: onTrain.accuracy,
    validationAccuracy: onValidation.accuracy,
    validationLoss: onValidation.meanLoss,
  }
}

interface LabelledRows {
  /** `[labels.length, headDim]` */
  readonly rows: Float32Array
  readonly labels: Uint8Array
}

function rowsOf({ activations, samples, labels }: LabelledContrasts, head: HeadId, rows: readonly number[]): LabelledRows {
  return {
    rows: headRows(
      activations,
      head,
      rows.map((row) => samples[row]!),
    ),
    labels: Uint8Array.from(rows, (row) => labels[row]!),
  }
}

function judge(weights: Float64Array, intercept: number, { rows, labels }: LabelledRows) {
  let correct = 0
  let loss = 0
  for (let row = 0; row < labels.length; row++) {
    let margin = intercept
    for (let j = 0; j < weights.length; j++) margin += weights[j]! * rows[row * weights.length + j]!
    if (margin > 0 === (labels[row] === 1)) correct++
    loss += softplus(labels[row] === 1 ? -margin : margin)
  }
  return { accuracy: correct / labels.length, meanLoss: loss / labels.length }
}

function assertSplit({ train, validation }: RowSplit, { samples, labels }: LabelledContrasts): void {
  const distinct = new Set([...train, ...validation])
  if (train.length === 0 || validation.length === 0 || distinct.size !== train.length + validation.length) {
    throw new PalignError('invalid-input', 'split has an empty side or a row twice, expected two disjoint sets of rows')
  }
  const [first] = train
  if (train.every((row) => labels[row] === labels[first!])) {
    throw new PalignError('too-few-answers', `training rows number ${train.length} and have one label, expected both`, {
      hint: 'more answers other than 3 are needed',
    })
  }
  for (const row of distinct) {
    if (samples[row] === undefined)
      throw new PalignError('invalid-input', `split has row ${row}, expected 0..${samples.length - 1}`)
  }
}
