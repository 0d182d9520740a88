/** @file What is shown of a persona: how it acts and how its strength was found, nothing of what it was made of. */
import type { Calibration, Persona } from '../persona/persona.ts'
import { triedAlphas } from '../persona/persona-record.ts'

export interface PersonaFacts {
  readonly alpha?: number | undefined
  readonly site?: string | undefined
  readonly heads?: readonly { readonly layer: number; readonly head: number; readonly sigma: number }[] | undefined
  readonly calibration?: Calibration | undefined
  /** Known items that were answered. */
  readonly answered?: number | undefined
  readonly seed?: number | undefined
}

export function personaFacts(persona: Persona): PersonaFacts {
  return {
    ...('alpha' in persona && { alpha: persona.alpha }),
    ...('site' in persona && { site: persona.site }),
    ...('interventions' in persona && {
      heads: persona.interventions.map(({ layer, head, sigma }) => ({ layer, head, sigma })),
    }),
    ...('calibration' in persona && { calibration: persona.calibration }),
    ...('provenance' in persona &&
      persona.provenance && { answered: persona.provenance.answered, seed: persona.provenance.seed }),
  }
}

/** Between which strengths the persona's own was searched; undefined where none was. */
export function calibratedRange({
  calibration,
}: Pick<PersonaFacts, 'calibration'>): { readonly from: number; readonly to: number } | undefined {
  return calibration && triedAlphas(calibration)
}
