/**
 * @file How long one probe on every head of a 32-layer model takes: 32 x 32 heads of 128 numbers, 240 rows each, on one core.
 * The goal is at most 5 s. Only the fits are counted, not the making of the rows, in processor time: a busy machine does not slow it.
 */
import { cpuUsage } from 'node:process'
import { fitLogistic, logisticWorkspace } from '../src/math/logistic-regression.ts'
import { gaussian, seededRandom } from '../src/math/random.ts'

const HEADS = 32 * 32
const HEAD_DIM = 128
const ROWS = 240
const FACTORS = 8

type MakeRows = (random: () => number, labels: Uint8Array) => Float32Array

/** Independent standard normal numbers: the hard case, all 128 columns matter and the classes are almost separable. */
export const independentRows: MakeRows = (random) => Float32Array.from({ length: ROWS * HEAD_DIM }, () => gaussian(random))

/**
 * What activations look like: an offset shared by all rows and larger than the spread, columns of unequal spread around a scale that
 * differs from head to head, most of the variance in a few common factors, and a weak effect of the label along one direction.
 */
export const correlatedRows: MakeRows = (random, labels) => {
  const normals = (count: number, scale: number) => Float64Array.from({ length: count }, () => scale * gaussian(random))
  const scale = 0.1 * 10 ** random()
  const offset = normals(HEAD_DIM, 3 * scale)
  const spread = normals(HEAD_DIM, 0.5).map((exponent) => 0.5 * scale * Math.exp(exponent))
  const effect = normals(HEAD_DIM, 0.1 * scale)
  const loadings = Array.from({ length: FACTORS }, (_, factor) => normals(HEAD_DIM, (2 * scale) / (factor + 1)))
  const rows = new Float32Array(ROWS * HEAD_DIM)
  for (let row = 0; row < ROWS; row++) {
    const factors = normals(FACTORS, 1)
    const sign = labels[row] === 1 ? 1 : -1
    for (let j = 0; j < HEAD_DIM; j++) {
      let value = offset[j]! + sign * effect[j]! + spread[j]! * gaussian(random)
      for (let factor = 0; factor < FACTORS; factor++) value += factors[factor]! * loadings[factor]![j]!
      rows[row * HEAD_DIM + j] = value
    }
  }
  return rows
}

export interface ProbesBench {
  /** Processor time of all fits. */
  readonly seconds: number
  readonly heads: number
  readonly rows: number
  readonly maxGradientNorm: number
}

export function benchProbes({
  makeRows = correlatedRows,
  heads = HEADS,
  seed = 1,
}: {
  readonly makeRows?: MakeRows
  readonly heads?: number
  readonly seed?: number
} = {}): ProbesBench {
  const random = seededRandom(seed)
  const labels = Uint8Array.from({ length: ROWS }, (_, row) => row % 2)
  const workspace = logisticWorkspace(ROWS, HEAD_DIM)
  let seconds = 0
  let maxGradientNorm = 0
  for (let head = 0; head < heads; head++) {
    const rows = makeRows(random, labels)
    const start = cpuUsage()
    const { gradientNorm } = fitLogistic({ rows, labels, workspace })
    const { user, system } = cpuUsage(start)
    seconds += (user + system) / 1e6
    maxGradientNorm = Math.max(maxGradientNorm, gradientNorm)
  }
  return { seconds, heads, rows: ROWS, maxGradientNorm }
}
