/** @file Fitting one probe per head of a 32 x 32-head, 128-wide model on 240 rows: the whole marginal cost of a person in PAS. */
import type { LabelledContrasts } from '../src/activations/labels.ts'
import { gaussian, seededRandom } from '../src/math/random.ts'
import { fitProbes } from '../src/probes/fit-probes.ts'

const LAYERS = 32
const HEADS = 32
const HEAD_DIM = 128
const ROWS = 240

export interface ProbeBench {
  readonly heads: number
  readonly headDim: number
  readonly rows: number
  /** Seconds for all heads on one core, per kind of synthetic activations; all rows are training rows. */
  readonly seconds: { readonly independent: number; readonly correlated: number }
}

export function benchProbes(): ProbeBench {
  return {
    heads: LAYERS * HEADS,
    headDim: HEAD_DIM,
    rows: ROWS,
    seconds: { independent: secondsFor(independent()), correlated: secondsFor(correlated()) },
  }
}

function secondsFor(values: Float32Array): number {
  const all = Array.from({ length: ROWS }, (_, row) => row)
  const labelled: LabelledContrasts = {
    activations: { values, samples: ROWS, layers: LAYERS, heads: HEADS, headDim: HEAD_DIM },
    rows: all,
    labels: Uint8Array.from(all, (row) => row % 2),
    itemNumbers: all.map((row) => row >> 1),
  }
  const started = performance.now()
  // Every row in both halves: the fit then sees all 240, as the stated cost does.
  fitProbes(labelled, { seed: 1, split: () => ({ train: all, validation: all }) })
  return (performance.now() - started) / 1000
}

const SIZE = ROWS * LAYERS * HEADS * HEAD_DIM

function independent(): Float32Array {
  const random = seededRandom(1)
  return Float32Array.from({ length: SIZE }, () => gaussian(random))
}

/** Like real heads: a common offset, eight strong factors, weak noise, and a label shift in one coordinate. */
function correlated(): Float32Array {
  const random = seededRandom(2)
  const factors = 8
  const loadings = Float32Array.from({ length: factors * HEAD_DIM }, () => 0.3 * gaussian(random))
  const values = new Float32Array(SIZE)
  for (let at = 0; at < SIZE; at += HEAD_DIM) {
    const scores = Array.from({ length: factors }, () => gaussian(random))
    const label = Math.floor(at / (LAYERS * HEADS * HEAD_DIM)) % 2
    for (let d = 0; d < HEAD_DIM; d++) {
      let value = 0.5 + 0.1 * gaussian(random) + (d === 0 ? 0.2 * label : 0)
      for (let f = 0; f < factors; f++) value += scores[f]! * loadings[f * HEAD_DIM + d]!
      values[at + d] = value
    }
  }
  return values
}
