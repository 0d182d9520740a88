import { describe, expect, it } from 'vitest'
import { withRandomControls } from '../../../src/eval/random-arms.ts'
import type { PromptPersona, PromptSteeringPersona, SteeringPersona, StoredPersona } from '../../../src/persona/persona.ts'

const interventions = [{ layer: 0, head: 1, direction: Float32Array.of(0.6, -0.8), sigma: 3 }]
const steering = { kind: 'steering', method: 'pas', alpha: 2, interventions } as unknown as SteeringPersona
const both = { ...steering, kind: 'prompt+steering', system: 'I am calm.' } as PromptSteeringPersona
const prompt: PromptPersona = { kind: 'prompt', method: 'few-shot', system: 'I am calm.' }

describe('random controls', () => {
  const personas = new Map<string, StoredPersona>([
    ['me', steering],
    ['said', prompt],
    ['both', both],
  ])

  it('stand behind every persona that steers', () => {
    const names = [...withRandomControls(personas, { count: 2, seed: 1 }).keys()]
    expect(names).toEqual(['me', 'me:random-1', 'me:random-2', 'said', 'both', 'both:random-1', 'both:random-2'])
  })

  it('have the strength and the prompt of the persona, and directions of their own that the seed decides', () => {
    const controls = withRandomControls(personas, { count: 2, seed: 1 })
    expect(controls.get('both:random-1')).toMatchObject({ kind: 'prompt+steering', system: 'I am calm.', alpha: 2 })
    const directionOf = (name: string, of = controls) => (of.get(name) as SteeringPersona).interventions[0]!.direction
    expect(Math.hypot(...directionOf('me:random-1'))).toBeCloseTo(1, 6)
    expect(directionOf('me:random-1')).not.toEqual(directionOf('me:random-2'))
    expect(directionOf('me:random-1', withRandomControls(personas, { count: 1, seed: 1 }))).toEqual(directionOf('me:random-1'))
  })
})
