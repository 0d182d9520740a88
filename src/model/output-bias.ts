/** @file What a displacement of z is behind the output projection: W_o (z + d) = W_o z + b with b = W_o d, for any attention. */
import { PalignError } from '../errors.ts'
import { assertDisplacement, type Displacement } from './displacement.ts'
import { type ModelShape, zWidth } from './shape.ts'

/** W_o of a layer, `[hidden, heads * headDim]`, row-major. */
export type OutputWeights = (layer: number) => Float32Array | Promise<Float32Array>

/** The displacement of one layer, `[heads * headDim]`: a view. */
export function layerSlice(displacement: Displacement, shape: ModelShape, layer: number): Float32Array {
  return displacement.subarray(layer * zWidth(shape), (layer + 1) * zWidth(shape))
}

/** b = W_o d, `[hidden]`, summed in doubles. @param weights `[hidden, d.length]` */
export function outputBias(weights: Float32Array, d: ArrayLike<number>): Float64Array {
  const rows = weights.length / d.length
  if (!Number.isInteger(rows)) {
    throw new PalignError('incompatible-persona', `output weights are ${weights.length} numbers, expected rows of ${d.length}`)
  }
  return Float64Array.from({ length: rows }, (_, row) => {
    let sum = 0
    for (let i = 0; i < d.length; i++) sum += weights[row * d.length + i]! * d[i]!
    return sum
  })
}

/** Layer -> its b `[hidden]`, of the layers that are displaced; the weights of others are not asked for. */
export async function outputBiases(
  displacement: Displacement,
  shape: ModelShape,
  outputWeights: OutputWeights,
): Promise<ReadonlyMap<number, Float64Array>> {
  assertDisplacement(displacement, shape)
  const biases = new Map<number, Float64Array>()
  for (let layer = 0; layer < shape.layers; layer++) {
    const d = layerSlice(displacement, shape, layer)
    if (d.some((x) => x !== 0)) biases.set(layer, outputBias(await outputWeights(layer), d))
  }
  return biases
}
