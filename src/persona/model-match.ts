/** @file Whether a persona is for the model at hand: by the fingerprint, or, where the caller says so by name, by the shape alone. */
import { PalignError } from '../errors.ts'
import type { ModelShape } from '../model/shape.ts'
import type { Persona } from './persona.ts'

export interface MatchedModel {
  readonly shape: ModelShape
  readonly fingerprint: string
}

/** Whether it was fitted on another model than this; false for what names no model. Whoever uses it all the same marks every answer. */
export function isOfOtherModel(persona: Persona, { fingerprint }: Pick<MatchedModel, 'fingerprint'>): boolean {
  return 'model' in persona && persona.model !== undefined && persona.model !== fingerprint
}

/** @throws PalignError `incompatible-persona` for another model, and with `allowModelMismatch` for another count or size of heads */
export function assertFitted(
  persona: Persona,
  model: MatchedModel,
  { allowModelMismatch = false }: { readonly allowModelMismatch?: boolean | undefined },
): void {
  if (!isOfOtherModel(persona, model) || !('model' in persona)) return
  const [fitted, here] = [persona.model?.slice(0, 12), model.fingerprint.slice(0, 12)]
  if (!allowModelMismatch) {
    throw new PalignError('incompatible-persona', `persona was fitted on model ${fitted}, this model is ${here}`, {
      hint: 'load the model it was fitted on, or align a new persona on this one',
    })
  }
  const { shape } = persona
  if (shape !== undefined && headsOf(shape) === headsOf(model.shape)) return
  const seen = shape === undefined ? 'an unknown shape' : headsOf(shape)
  throw new PalignError(
    'incompatible-persona',
    `persona was fitted on model ${fitted} of ${seen}, this model ${here} has ${headsOf(model.shape)}`,
    { hint: 'a mismatch of models is allowed only where layers, heads and their size agree' },
  )
}

const headsOf = ({ layers, heads, headDim }: ModelShape) => `${layers} layers x ${heads} heads x ${headDim}`
