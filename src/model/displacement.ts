/** @file A displacement of z: `[layers, heads * headDim]`, already alpha * sigma * direction. Zero is exactly the base model. */
import { PalignError } from '../errors.ts'
import { type HeadId, type ModelShape, zWidth } from './shape.ts'

/** `[layers, heads * headDim]`, added to z (the input of o_proj) at every position. */
export type Displacement = Float32Array

export function zeroDisplacement(shape: ModelShape): Displacement {
  return new Float32Array(shape.layers * zWidth(shape))
}

/** The slice of one head, a view: writing to it changes the displacement. */
export function headSlice(displacement: Displacement, shape: ModelShape, { layer, head }: HeadId): Float32Array {
  const start = layer * zWidth(shape) + head * shape.headDim
  return displacement.subarray(start, start + shape.headDim)
}

/** Throws unless the displacement fits the shape and is finite: a wrong one must never be applied, nor silently dropped. */
export function assertDisplacement(displacement: Displacement, shape: ModelShape): void {
  const expected = shape.layers * zWidth(shape)
  if (displacement.length !== expected) {
    throw new PalignError(
      'incompatible-persona',
      `displacement has ${displacement.length} numbers, the model needs ${expected} (${shape.layers} layers x ${shape.heads} heads x ${shape.headDim})`,
      { hint: 'align a persona on this model' },
    )
  }
  if (!areFinite(displacement)) {
    throw new PalignError('non-finite', 'displacement contains NaN or infinity', { hint: 'check alpha and the persona file' })
  }
}

/** A loop: every request of a server comes by here. */
function areFinite(displacement: Displacement): boolean {
  for (let i = 0; i < displacement.length; i++) if (!Number.isFinite(displacement[i]!)) return false
  return true
}
