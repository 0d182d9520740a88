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

/**
 * b of layer l after block l. llama.cpp refuses files that have something for block 0: what belongs there is added after block 1.
 * @throws PalignError `incompatible-persona` where the model has no block 1 to take it
 */
export async function residualShift(
  displacement: Displacement,
  shape: ModelShape,
  outputWeights: OutputWeights,
): Promise<ResidualShift> {
  const { layers, hiddenSize } = shape
  const shift = new Float32Array(layers * hiddenSize)
  for (const [layer, b] of await outputBiases(displacement, shape, outputWeights)) {
    const block = Math.max(layer, 1)
    if (block >= layers) {
      throw new PalignError(
        'incompatible-persona',
        'persona moves block 0 of a model of one block, control vectors begin at block 1',
        {
          hint: 'choose a format that carries it exactly',
        },
      )
    }
    const row = shift.subarray(block * hiddenSize, (block + 1) * hiddenSize)
    for (let i = 0; i < row.length; i++) row[i]! += b[i]!
  }
  return shift
}
