/**
 * @file A displacement of z as constants of the residual stream, for programs that can add nothing else. Not the same: b = W_o d enters before the
 * feed-forward part of its block, a constant of the stream after it, so that what the feed-forward part of that block makes of b is missing.
 */
import { PalignError } from '../errors.ts'
import type { Displacement } from '../model/displacement.ts'
import { type OutputWeights, outputBiases } from '../model/output-bias.ts'
import type { ModelShape } from '../model/shape.ts'

/** `[layers, hidden]`: row l is added to the stream after block l, at every position. */
export type ResidualShift = Float32Array

export interface ResidualShiftOptions {
  readonly displacement: Displacement
  readonly shape: ModelShape
  readonly outputWeights: OutputWeights
  /** After which block the bias of a layer is added, where a format cannot express that layer's own. */
  readonly blockOf: (layer: number) => number
}

/** @throws PalignError `incompatible-persona` where the model has no block to take it: formats need two */
export async function residualShift(options: ResidualShiftOptions): Promise<ResidualShift> {
  const { displacement, shape, outputWeights, blockOf } = options
  const { layers, hiddenSize } = shape
  const shift = new Float32Array(layers * hiddenSize)
  for (const [layer, b] of await outputBiases(displacement, shape, outputWeights)) {
    const block = blockOf(layer)
    if (block < 0 || block >= layers) {
      throw new PalignError('incompatible-persona', 'model has one block, this format needs two', {
        hint: 'choose a format that carries it exactly',
      })
    }
    const row = shift.subarray(block * hiddenSize, (block + 1) * hiddenSize)
    for (let i = 0; i < row.length; i++) row[i]! += b[i]!
  }
  return shift
}
