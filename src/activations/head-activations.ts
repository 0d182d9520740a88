/** @file What recording the contrasts gives: z of every head for every sample, together with the meaning of the samples. */
import { PalignError } from '../errors.ts'
import type { HeadId, ModelShape } from '../model/shape.ts'

export type HeadShape = Pick<ModelShape, 'layers' | 'heads' | 'headDim'>

export interface HeadActivations {
  readonly shape: HeadShape
  readonly samples: number
  /** `[samples, layers, heads, headDim]`, in the units of z; finite. */
  readonly values: Float32Array
}

/** What the model was made to say about one item. */
export interface ContrastSample {
  readonly itemNumber: number
  readonly says: 'agreement' | 'disagreement'
  /** Of the options: in descending order the letter A is Very Accurate, in ascending order it is Very Inaccurate. */
  readonly order: 'descending' | 'ascending'
}

/** Sample i is described by `samples[i]`. Holds nothing about any respondent, so one recording serves all of them. */
export interface RecordedContrasts {
  readonly samples: readonly ContrastSample[]
  readonly activations: HeadActivations
}

const sampleWidth = ({ layers, heads, headDim }: HeadShape) => layers * heads * headDim

/**
 * Takes `[samples, layers, heads * headDim]` as `LanguageModel.record` returns it, without copying.
 * @throws PalignError `invalid-input` for a length that is not a whole number of samples; `non-finite` for NaN or infinity.
 */
export function headActivations(values: Float32Array, { layers, heads, headDim }: HeadShape): HeadActivations {
  const shape = { layers, heads, headDim }
  const samples = values.length / sampleWidth(shape)
  if (!Number.isInteger(samples)) {
    throw new PalignError(
      'invalid-input',
      `activations hold ${values.length} numbers, expected a multiple of ${layers} layers x ${heads} heads x ${headDim}`,
    )
  }
  const bad = values.findIndex((value) => !Number.isFinite(value))
  if (bad !== -1) {
    throw new PalignError('non-finite', `activations of sample ${Math.floor(bad / sampleWidth(shape))} contain NaN or infinity`, {
      hint: 'check the weights of the model and their number format',
    })
  }
  return { shape, samples, values }
}

/** @throws PalignError `invalid-input` unless every sample has its activations. */
export function recordedContrasts(samples: readonly ContrastSample[], activations: HeadActivations): RecordedContrasts {
  if (samples.length !== activations.samples) {
    throw new PalignError('invalid-input', `recording has ${activations.samples} samples, expected ${samples.length}`)
  }
  return { samples, activations }
}

/** Every head of the model, by layer and then head: the order in which ties are broken. */
export function headIds({ layers, heads }: HeadShape): HeadId[] {
  return Array.from({ length: layers * heads }, (_, index) => ({ layer: Math.floor(index / heads), head: index % heads }))
}

/** z of one head in one sample, `[headDim]`: a view. */
export function headVector({ shape, values }: HeadActivations, sample: number, { layer, head }: HeadId): Float32Array {
  const start = sample * sampleWidth(shape) + (layer * shape.heads + head) * shape.headDim
  return values.subarray(start, start + shape.headDim)
}

/** z of one head in the given samples, `[samples.length, headDim]`: a copy. */
export function headRows(activations: HeadActivations, head: HeadId, samples: ArrayLike<number>): Float32Array {
  const { headDim } = activations.shape
  const rows = new Float32Array(samples.length * headDim)
  for (let row = 0; row < samples.length; row++) rows.set(headVector(activations, samples[row]!, head), row * headDim)
  return rows
}
