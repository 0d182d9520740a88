/** @file What the routes of the life cycle share: times, and what a deletion says. */
import type { Removed } from './life-remove.ts'
import { refusal } from './problems.ts'

export const timeOf = (milliseconds: number | undefined): string | null =>
  milliseconds === undefined ? null : new Date(milliseconds).toISOString()

/** @throws a refusal for a time that is over */
export function expiryOf(text: string | null | undefined, now: number): number | undefined {
  if (text === undefined || text === null) return undefined
  const time = Date.parse(text)
  if (time > now) return time
  throw refusal({ code: 'invalid_value', param: 'expires', message: 'expires is over already' })
}

/** Recorded activations are those of the questionnaire's sentences on this model: the same for everybody, with or without this person. */
const ACTIVATIONS = 'none of a person are kept: they are recorded from the questionnaire alone, before anybody answers'

export const removedView = (counts: Removed) => ({ object: 'removed', verified: true, ...counts, activations: ACTIVATIONS })
