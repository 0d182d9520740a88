/**
 * @file A constant displacement of z as a bias of every layer. Of o_proj, for any attention: b = W_o d. Of v_proj, where all heads of a key/value group share one d: attention
 * weights sum to 1, so that a constant added to the values of a group appears in z of each of its heads.
 */
import { PalignError } from '../errors.ts'
import { type Displacement, headSlice } from '../model/displacement.ts'
import { type OutputWeights, outputBiases } from '../model/output-bias.ts'
import type { ModelShape } from '../model/shape.ts'
import { isKvTied } from '../persona/kv-tied.ts'

export type Carrier = 'o-bias' | 'v-bias'

export interface BiasSource {
  readonly displacement: Displacement
  readonly shape: ModelShape
  readonly outputWeights: OutputWeights
}

/**
 * One for each layer, summed in doubles: `[hidden]` for `o-bias`, `[kvHeads * headDim]` for `v-bias`.
 * @throws PalignError `incompatible-persona` for `v-bias` where heads of a group move differently
 */
export async function biasesOf(
  carrier: Carrier,
  { displacement, shape, outputWeights }: BiasSource,
): Promise<readonly Float64Array[]> {
  if (carrier === 'v-bias') return valueBiases(displacement, shape)
  const biases = await outputBiases(displacement, shape, outputWeights)
  return Array.from({ length: shape.layers }, (_, layer) => biases.get(layer) ?? new Float64Array(shape.hiddenSize))
}

function valueBiases(displacement: Displacement, shape: ModelShape): readonly Float64Array[] {
  if (!isKvTied(displacement, shape)) {
    throw new PalignError(
      'incompatible-persona',
      'persona moves heads of one key/value group differently, expected one displacement for each group',
      { hint: 'choose a bias of the attention output, or align with --method pas:kv-tied' },
    )
  }
  const { heads, kvHeads, headDim } = shape
  return Array.from({ length: shape.layers }, (_, layer) => {
    const bias = new Float64Array(kvHeads * headDim)
    for (let kv = 0; kv < kvHeads; kv++)
      bias.set(headSlice(displacement, shape, { layer, head: (kv * heads) / kvHeads }), kv * headDim)
    return bias
  })
}
