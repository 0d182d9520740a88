/**
 * @file Activations of key/value groups in place of heads: the mean of z over the heads of a group. A constant c added to the values
 * of a group adds c to z of each of its heads, so it adds c to their mean and moves nothing else: what a probe on the mean can tell apart is what one c can move.
 */
import { PalignError } from '../errors.ts'
import type { RecordedContrasts } from './head-activations.ts'

/** Shape `[samples, layers, kvHeads, headDim]`: groups stand where heads stood. The same numbers where every head has its own group. */
export function meanOverGroups({ samples, activations }: RecordedContrasts, kvHeads: number): RecordedContrasts {
  const { heads, headDim } = activations.shape
  const group = heads / kvHeads
  if (!Number.isInteger(group)) {
    throw new PalignError('invalid-input', `activations have ${heads} heads, expected a multiple of ${kvHeads} key/value heads`)
  }
  const { values } = activations
  // Groups follow each other through all samples and layers without a gap.
  const means = new Float32Array(values.length / group)
  for (let i = 0; i < means.length; i++) {
    const start = Math.floor(i / headDim) * group * headDim + (i % headDim)
    let sum = 0
    for (let head = 0; head < group; head++) sum += values[start + head * headDim]!
    means[i] = sum / group
  }
  return { samples, activations: { ...activations, shape: { ...activations.shape, heads: kvHeads }, values: means } }
}
