/** @file From interventions and a strength to the displacement that the engine adds: alpha * sigma * direction in each head. */
import { PalignError } from '../errors.ts'
import { assertDisplacement, type Displacement, headSlice, zeroDisplacement } from '../model/displacement.ts'
import type { ModelShape } from '../model/shape.ts'
import type { Intervention } from './intervention.ts'

/**
 * `[layers, heads * headDim]`, in the units of z; zero in all other heads. Several interventions on one head add up.
 * @param alpha strength in sigmas; negative steers away from the respondent.
 * @throws PalignError `non-finite` for alpha or a displacement that is NaN or infinite; `incompatible-persona` for a head the model lacks.
 */
export function compileDisplacement(interventions: readonly Intervention[], alpha: number, shape: ModelShape): Displacement {
  if (!Number.isFinite(alpha)) throw new PalignError('non-finite', `alpha is ${alpha}, expected a finite number`)
  const displacement = zeroDisplacement(shape)
  for (const { layer, head, direction, sigma } of interventions) {
    assertFits({ layer, head, headDim: direction.length }, shape)
    const slice = headSlice(displacement, shape, { layer, head })
    for (let j = 0; j < slice.length; j++) slice[j]! += alpha * sigma * direction[j]!
  }
  assertDisplacement(displacement, shape)
  return displacement
}

function assertFits(at: { readonly layer: number; readonly head: number; readonly headDim: number }, shape: ModelShape): void {
  const { layers, heads, headDim } = shape
  const inside = (index: number, count: number) => Number.isInteger(index) && index >= 0 && index < count
  if (inside(at.layer, layers) && inside(at.head, heads) && at.headDim === headDim) return
  throw new PalignError(
    'incompatible-persona',
    `intervention is at layer ${at.layer} head ${at.head} of ${at.headDim} numbers, the model has ${layers} layers x ${heads} heads x ${headDim}`,
    { hint: 'align a persona on this model' },
  )
}
