/** @file The direction of a head and the deviation along it: mass mean, as published (paper section 2.2, steps 5 and 6). */
import { headRows } from '../activations/head-activations.ts'
import type { LabelledContrasts } from '../activations/labels.ts'
import { PalignError } from '../errors.ts'
import type { HeadId } from '../model/shape.ts'

export interface Direction {
  /** `[headDim]`, a unit vector: mean of z with label 1 minus mean of z with label 0. */
  readonly direction: Float32Array
  /** Population standard deviation of z . direction over all rows. */
  readonly sigma: number
}

/** @throws PalignError `invalid-input` where the two means are equal: there is no direction then */
export function massMeanDirection({ activations, rows, labels }: LabelledContrasts, head: HeadId): Direction {
  const d = activations.headDim
  const z = headRows(activations, head, rows)
  const ones = labels.reduce((sum, label) => sum + label, 0)
  const difference = new Float64Array(d)
  labels.forEach((label, row) => {
    const weight = label === 1 ? 1 / ones : -1 / (labels.length - ones)
    for (let j = 0; j < d; j++) difference[j]! += weight * z[row * d + j]!
  })
  const norm = Math.hypot(...difference)
  if (!(norm > 0) || !Number.isFinite(norm)) {
    throw new PalignError('invalid-input', `head ${head.head} of layer ${head.layer} has a direction of norm ${norm}`, {
      hint: 'both answers give the same activations: check that the recorded token is the answer letter',
    })
  }
  let sum = 0
  let squares = 0
  for (let row = 0; row < labels.length; row++) {
    let projection = 0
    for (let j = 0; j < d; j++) projection += (z[row * d + j]! * difference[j]!) / norm
    sum += projection
    squares += projection * projection
  }
  const mean = sum / labels.length
  return {
    direction: Float32Array.from(difference, (x) => x / norm),
    sigma: Math.sqrt(Math.max(0, squares / labels.length - mean * mean)),
  }
}
