/** @file Interventions and alpha -> the displacement of z: alpha * sigma * direction in every chosen head, zero elsewhere. */
import { PalignError } from '../errors.ts'
import { assertDisplacement, type Displacement, headSlice, zeroDisplacement } from '../model/displacement.ts'
import type { ModelShape } from '../model/shape.ts'
import type { Intervention } from './intervention.ts'

/** @param alpha in standard deviations; 0 is exactly the base model */
export function compileDisplacement(interventions: readonly Intervention[], alpha: number, shape: ModelShape): Displacement {
  if (!Number.isFinite(alpha)) throw new PalignError('non-finite', `alpha is ${alpha}, expected a finite number`)
  const displacement = zeroDisplacement(shape)
  for (const { layer, head, direction, sigma } of interventions) {
    if (layer >= shape.layers || head >= shape.heads || direction.length !== shape.headDim) {
      throw new PalignError(
        'incompatible-persona',
        `intervention moves ${direction.length} numbers of head ${head} in layer ${layer}, the model has ${shape.layers} layers of ${shape.heads} heads of ${shape.headDim}`,
        { hint: 'use the persona with the model it was fitted on' },
      )
    }
    const slice = headSlice(displacement, shape, { layer, head })
    for (let d = 0; d < direction.length; d++) slice[d]! += alpha * sigma * direction[d]!
  }
  assertDisplacement(displacement, shape)
  return displacement
}
