/**
 * @file Displacements that are one and the same for all heads of a key/value group. Attention weights sum to 1, so a constant c
 * added to the values of a group appears as c in z of each of its heads: such a displacement is exactly a bias of v_proj.
 * Others are projected: per layer c = argmin |W_o (E c - d)|, E repeating a group's c for each of its heads.
 */
import { leastSquares } from '../math/least-squares.ts'
import { norm, paddedMatrix } from '../math/linear-algebra.ts'
import { assertDisplacement, type Displacement, headSlice, zeroDisplacement } from '../model/displacement.ts'
import { layerSlice, type OutputWeights, outputBias } from '../model/output-bias.ts'
import { type ModelShape, zWidth } from '../model/shape.ts'

/** Query heads of one key/value group. */
function groupSize({ heads, kvHeads }: ModelShape): number {
  return heads / kvHeads
}

/** Whether the heads of every group have the same displacement, to the bit; always so where each head has its own keys and values. */
export function isKvTied(displacement: Displacement, shape: ModelShape): boolean {
  assertDisplacement(displacement, shape)
  return Array.from({ length: shape.layers }).every((_, layer) => isLayerTied(displacement, shape, layer))
}

function isLayerTied(displacement: Displacement, shape: ModelShape, layer: number): boolean {
  for (let head = 0; head < shape.heads; head++) {
    const first = headSlice(displacement, shape, { layer, head: head - (head % groupSize(shape)) })
    if (headSlice(displacement, shape, { layer, head }).some((x, i) => x !== first[i])) return false
  }
  return true
}

export interface KvProjection {
  /** `[layers, kvHeads * headDim]`: what to add to the bias of v_proj. */
  readonly groups: Float32Array
  /** The same as a displacement, `[layers, heads * headDim]`. */
  readonly displacement: Displacement
  /** `[layers]`: |W_o (E c - d)| / |W_o d|; 0 where nothing is displaced, 1 where nothing could be kept. */
  readonly residuals: readonly number[]
  /** The same over all layers together. */
  readonly residual: number
}

/**
 * The nearest displacement that is tied, nearest in what reaches the residual stream. Layers that are tied already stay as they are.
 * Where W_o does not decide a part of c, that part is the mean of the group's heads.
 */
export async function projectKvTied(
  displacement: Displacement,
  shape: ModelShape,
  outputWeights: OutputWeights,
): Promise<KvProjection> {
  assertDisplacement(displacement, shape)
  const width = shape.kvHeads * shape.headDim
  const groups = new Float32Array(shape.layers * width)
  const tied = zeroDisplacement(shape)
  const squares = { left: [] as number[], all: [] as number[] }
  for (let layer = 0; layer < shape.layers; layer++) {
    const d = layerSlice(displacement, shape, layer)
    const isTied = isLayerTied(displacement, shape, layer)
    // Where heads are tied, the mean over a group would be the same but for rounding.
    const weights = isTied ? undefined : await outputWeights(layer)
    const c = weights === undefined ? firstOfGroups(d, shape) : Float32Array.from(solve(weights, d, shape))
    groups.set(c, layer * width)
    const repeated = layerSlice(tied, shape, layer)
    repeated.set(repeatForHeads(c, shape))
    if (weights !== undefined) {
      squares.left.push(
        norm(
          outputBias(
            weights,
            Float64Array.from(d, (x, i) => repeated[i]! - x),
          ),
        ) ** 2,
      )
      squares.all.push(norm(outputBias(weights, d)) ** 2)
    } else {
      squares.left.push(0)
      // Counts in the total: what is kept exactly is part of what was there.
      squares.all.push(d.some((x) => x !== 0) ? norm(outputBias(await outputWeights(layer), d)) ** 2 : 0)
    }
  }
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  const ratio = (left: number, all: number) => (all === 0 ? 0 : Math.sqrt(left / all))
  const residuals = squares.left.map((left, layer) => ratio(left, squares.all[layer]!))
  return { groups, displacement: tied, residuals, residual: ratio(sum(squares.left), sum(squares.all)) }
}

function solve(weights: Float32Array, d: Float32Array, shape: ModelShape): Float64Array {
  const { kvHeads, headDim } = shape
  const hidden = weights.length / zWidth(shape)
  // A = W_o E: the columns of a group's heads added up.
  const matrix = paddedMatrix(hidden, kvHeads * headDim)
  const target = new Float64Array(matrix.rows)
  target.set(outputBias(weights, d))
  const start = new Float64Array(matrix.columns)
  d.forEach((value, i) => {
    const column = groupColumn(i, shape)
    start[column]! += value / groupSize(shape)
    for (let row = 0; row < hidden; row++) matrix.values[row * matrix.columns + column]! += weights[row * d.length + i]!
  })
  return leastSquares({ matrix, target, start }).subarray(0, kvHeads * headDim)
}

/** Where component i of z lies in `[kvHeads * headDim]`. */
function groupColumn(i: number, shape: ModelShape): number {
  const head = Math.floor(i / shape.headDim)
  return Math.floor(head / groupSize(shape)) * shape.headDim + (i % shape.headDim)
}

function firstOfGroups(d: Float32Array, shape: ModelShape): Float32Array {
  const { kvHeads, headDim } = shape
  return Float32Array.from({ length: kvHeads * headDim }, (_, column) => {
    const group = Math.floor(column / headDim)
    return d[group * groupSize(shape) * headDim + (column % headDim)]!
  })
}

/** E c, `[heads * headDim]`. */
function repeatForHeads(c: Float32Array, shape: ModelShape): Float32Array {
  return Float32Array.from({ length: zWidth(shape) }, (_, i) => c[groupColumn(i, shape)]!)
}
