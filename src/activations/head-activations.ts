/** @file z of many samples, head by head. Samples carry what they mean, so that activations, labels and items travel together. */

import type { OptionOrder } from '../items/question-form.ts'
import type { HeadId } from '../model/shape.ts'

export interface HeadActivations {
  /** `[samples, layers, heads, headDim]` */
  readonly values: Float32Array
  readonly samples: number
  readonly layers: number
  readonly heads: number
  readonly headDim: number
}

/** One side of a contrast pair. */
export interface ContrastSample {
  readonly itemNumber: number
  readonly says: 'agreement' | 'disagreement'
  readonly order: OptionOrder
}

export interface RecordedContrasts {
  readonly samples: readonly ContrastSample[]
  readonly activations: HeadActivations
}

/** Every head, layer by layer. */
export function allHeads({ layers, heads }: HeadActivations): HeadId[] {
  return Array.from({ length: layers * heads }, (_, i) => ({ layer: Math.floor(i / heads), head: i % heads }))
}

/**
 * Copies z of one head into `target`, row by row.
 * @param rows which samples, in the order wanted
 * @param target `[rows, headDim]`; allocated where absent
 */
export function headRows(
  { values, layers, heads, headDim }: HeadActivations,
  { layer, head }: HeadId,
  rows: readonly number[],
  target = new Float64Array(rows.length * headDim),
): Float64Array {
  const perSample = layers * heads * headDim
  const offset = (layer * heads + head) * headDim
  rows.forEach((row, r) => {
    const start = row * perSample + offset
    for (let d = 0; d < headDim; d++) target[r * headDim + d] = values[start + d]!
  })
  return target
}
