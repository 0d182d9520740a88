/**
 * @file A constant displacement of z as a bias of the model. Of o_proj, for any attention: W_o (z + d) = W_o z + b, b = W_o d. Of v_proj, where
 * all heads of a key/value group share one d: attention weights sum to 1, so that a constant added to the values of a group appears in z of each of its heads.
 */
import { PalignError } from '../errors.ts'
import { assertDisplacement, type Displacement, headSlice } from '../model/displacement.ts'
import { type ModelShape, zWidth } from '../model/shape.ts'

/** W_o of a layer, `[hidden, heads * headDim]`, row-major. */
export type OutputWeights = (layer: number) => Promise<Float32Array> | Float32Array

/** Of one layer: which bias it is, and its numbers. */
export type Carrier = 'o-bias' | 'v-bias'

/** b = W_o d, summed in doubles. @param matrix `[rows, d.length]` */
export function outputBias(matrix: Float32Array, d: Float32Array): Float64Array {
  const rows = matrix.length / d.length
  if (!Number.isInteger(rows)) {
    throw new PalignError('incompatible-persona', `output matrix has ${matrix.length} numbers, expected rows of ${d.length}`)
  }
  return Float64Array.from({ length: rows }, (_, row) => {
    let sum = 0
    for (let column = 0; column < d.length; column++) sum += matrix[row * d.length + column]! * d[column]!
    return sum
  })
}

/** The displacement of one layer, `[heads * headDim]`, a view. */
export function layerSlice(displacement: Displacement, shape: ModelShape, layer: number): Float32Array {
  return displacement.subarray(layer * zWidth(shape), (layer + 1) * zWidth(shape))
}

/** One b for each layer, `[hidden]`; weights are asked for once each, and not for layers that nothing moves. */
export async function outputBiases(
  displacement: Displacement,
  shape: ModelShape,
  weights: OutputWeights,
): Promise<readonly Float64Array[]> {
  assertDisplacement(displacement, shape)
  const biases: Float64Array[] = []
  for (let layer = 0; layer < shape.layers; layer++) {
    const d = layerSlice(displacement, shape, layer)
    biases.push(d.every((x) => x === 0) ? new Float64Array(shape.hiddenSize) : outputBias(await weights(layer), d))
  }
  return biases
}

/** One c for each layer, `[kvHeads * headDim]`. @throws PalignError `incompatible-persona` where heads of a group move differently */
export function valueBiases(displacement: Displacement, shape: ModelShape): readonly Float64Array[] {
  assertDisplacement(displacement, shape)
  if (!isKvTied(displacement, shape)) {
    throw new PalignError(
      'incompatible-persona',
      'persona moves heads of one key/value group differently, expected one displacement for each group',
      {
        hint: 'choose a target or carrier with a bias of the attention output, or align with --method pas:kv-tied',
      },
    )
  }
  const group = shape.heads / shape.kvHeads
  return Array.from({ length: shape.layers }, (_, layer) => {
    const bias = new Float64Array(shape.kvHeads * shape.headDim)
    for (let kv = 0; kv < shape.kvHeads; kv++)
      bias.set(headSlice(displacement, shape, { layer, head: kv * group }), kv * shape.headDim)
    return bias
  })
}

/** Whether all heads of each key/value group have the same displacement, to the bit; always so where every head has its own. */
export function isKvTied(displacement: Displacement, shape: ModelShape): boolean {
  const group = shape.heads / shape.kvHeads
  for (let layer = 0; layer < shape.layers; layer++) {
    for (let head = 0; head < shape.heads; head++) {
      const own = headSlice(displacement, shape, { layer, head })
      const first = headSlice(displacement, shape, { layer, head: head - (head % group) })
      if (!own.every((x, i) => x === first[i])) return false
    }
  }
  return true
}
