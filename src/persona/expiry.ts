/** @file A persona is used for as long as the person agreed to. */
import { PalignError } from '../errors.ts'
import type { Persona } from './persona.ts'

/** @param now milliseconds since 1970 */
export function isExpired(persona: Persona, now: number): boolean {
  if (persona.kind === 'none') return false
  const expires = persona.about?.expires
  return expires !== undefined && Date.parse(expires) <= now
}

export const expiredAt = (persona: Persona) => `expired at ${persona.kind === 'none' ? undefined : persona.about?.expires}`

/** For whoever is about to use it; to look at it is allowed for ever. @throws PalignError `incompatible-persona` with the date */
export function assertCurrent(persona: Persona, now: number, name = 'persona'): void {
  if (!isExpired(persona, now)) return
  throw new PalignError('incompatible-persona', `${name} ${expiredAt(persona)}`, {
    hint: 'align a new one; palign inspect still shows what it was',
  })
}
