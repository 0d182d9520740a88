/**
 * @file The persona of one end of a trait: PAS for somebody who answers every known item of the trait at that end and no other item. Both
 * labels of a probe come from every item: at the high end agreement is what the person says of plus items, disagreement of minus items.
 */
import { type AlignOptions, alignPas, type PrepareOptions, preparePas } from '../../align/pas.ts'
import type { Answer } from '../../items/questionnaire.ts'
import type { LanguageModel } from '../../model/language-model.ts'
import type { Respondent } from '../../people/respondent.ts'
import type { SteeringPersona } from '../../persona/persona.ts'
import { POLE_SIGN, POLES, type Pole } from './dose-response.ts'
import type { SteerableTrait } from './traits.ts'

/** Keyed 5 everywhere at the high end, so worded 5 on plus items and 1 on minus items; the reverse at the low end. */
export function poleRespondent({ questionnaire, known }: SteerableTrait, pole: Pole): Respondent {
  const worded = known.items.map(
    ({ itemNumber, keying }) => [itemNumber, keying === POLE_SIGN[pole] ? 5 : 1] satisfies [number, Answer],
  )
  return { row: POLES.indexOf(pole), questionnaire, answers: { coding: 'worded', byItem: new Map<number, Answer>(worded) } }
}

export type PolePersonas = Readonly<Record<Pole, SteeringPersona>>

/** Alpha of each is chosen on tuning items of the trait, as for anybody; it may be 0. */
export async function alignPoles(
  model: LanguageModel,
  steerable: SteerableTrait,
  {
    seed,
    version = 'unknown',
    store,
    signal,
  }: Pick<PrepareOptions, 'store' | 'signal'> & Pick<AlignOptions, 'seed'> & { readonly version?: string | undefined } = {},
): Promise<PolePersonas> {
  const { trait, questionnaire, known, fold } = steerable
  const prepared = await preparePas(model, questionnaire, known, { fold, store, signal })
  const align = (pole: Pole) => {
    const source = { data: `${pole} end of ${trait}`, version }
    return alignPas(prepared, poleRespondent(steerable, pole), { seed, source, signal })
  }
  return { high: await align('high'), low: await align('low') }
}
