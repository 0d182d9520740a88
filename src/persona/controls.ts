/**
 * @file Personas that must not help: what is left of an effect when the direction means nothing, or its opposite. The size of the
 * displacement stays as it is, in every head.
 */
import { gaussian } from '../math/random.ts'
import type { SteeringPersona } from './persona.ts'

/** The same persona steered the other way. */
export function flippedPersona(persona: SteeringPersona): SteeringPersona {
  return { ...persona, method: `${persona.method}:flipped`, alpha: -persona.alpha }
}

/** Directions drawn evenly from all directions, in the same heads and with the same sigmas. */
export function randomPersona(persona: SteeringPersona, random: () => number): SteeringPersona {
  const interventions = persona.interventions.map((intervention) => {
    const drawn = intervention.direction.map(() => gaussian(random))
    const norm = Math.hypot(...drawn)
    return { ...intervention, direction: drawn.map((value) => value / norm) }
  })
  return { ...persona, method: `${persona.method}:random`, interventions }
}
