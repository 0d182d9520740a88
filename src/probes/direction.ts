/**
 * @file The mass-mean direction of a head: mean of the rows with label 1 less mean of the rows with label 0, to unit length,
 * and sigma, the population standard deviation of all rows along it (Li et al., Inference-Time Intervention, 2023).
 */
import { headVector } from '../activations/head-activations.ts'
import { PalignError } from '../errors.ts'
import type { HeadId } from '../model/shape.ts'
import type { LabelledContrasts } from './labels.ts'

export interface Direction {
  /** `[headDim]`, unit length, from what the respondent did not say towards what the respondent said. */
  readonly direction: Float32Array
  /** In the units of z; above 0. */
  readonly sigma: number
}

/** A difference this small against the rows themselves is the rounding of 32-bit numbers, not a direction. */
const ROUNDING = 2 ** -24

/**
 * Uses all rows: nothing is tuned here, so nothing has to be held back.
 * @throws PalignError `invalid-input`, naming the head, when the classes have the same mean or one of them has no row.
 */
export function massMeanDirection({ activations, samples, labels }: LabelledContrasts, head: HeadId): Direction {
  const { headDim } = activations.shape
  const sums = [new Float64Array(headDim), new Float64Array(headDim)] as const
  const counts = [0, 0]
  let squares = 0
  for (let row = 0; row < samples.length; row++) {
    const label = labels[row] === 1 ? 1 : 0
    const vector = headVector(activations, samples[row]!, head)
    counts[label]!++
    for (let j = 0; j < headDim; j++) {
      sums[label][j]! += vector[j]!
      squares += vector[j]! ** 2
    }
  }
  const difference = sums[1].map((sum, j) => sum / counts[1]! - sums[0][j]! / counts[0]!)
  const length = Math.hypot(...difference)
  if (!(length > ROUNDING * Math.sqrt(squares / samples.length))) {
    throw new PalignError(
      'invalid-input',
      `direction of layer ${head.layer} head ${head.head} has length ${length}, expected rows of both labels that differ`,
      { hint: 'the recorded token must be the one that tells agreement from disagreement' },
    )
  }
  const unit = difference.map((component) => component / length)
  return { direction: Float32Array.from(unit), sigma: deviationAlong(unit, activations, samples, head) }
}

function deviationAlong(
  unit: Float64Array,
  activations: LabelledContrasts['activations'],
  samples: Int32Array,
  head: HeadId,
): number {
  const projections = Array.from(samples, (sample) => {
    const vector = headVector(activations, sample, head)
    return unit.reduce((sum, component, j) => sum + component * vector[j]!, 0)
  })
  const mean = projections.reduce((sum, projection) => sum + projection, 0) / projections.length
  return Math.sqrt(projections.reduce((sum, projection) => sum + (projection - mean) ** 2, 0) / projections.length)
}
