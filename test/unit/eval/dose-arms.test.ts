import { describe, expect, it } from 'vitest'
import { doseArms } from '../../../src/eval/dose-arms.ts'
import type { PromptPersona, PromptSteeringPersona, SteeringPersona, StoredPersona } from '../../../src/persona/persona.ts'
import { textModel } from '../../fixtures/text-model.ts'

const steering = {
  kind: 'steering',
  method: 'pas',
  model: textModel.fingerprint,
  alpha: -4,
  interventions: [{ layer: 0, head: 0, direction: Float32Array.of(1, 0), sigma: 3 }],
} as unknown as SteeringPersona
const both = { ...steering, kind: 'prompt+steering', system: 'I am calm.' } as PromptSteeringPersona
const prompt: PromptPersona = { kind: 'prompt', method: 'few-shot', system: 'I am calm.' }

describe('doses', () => {
  it('are half and twice the displacement, under the same prompt; a prompt has none', () => {
    const personas = new Map<string, StoredPersona>([
      ['me', steering],
      ['said', prompt],
      ['both', both],
    ])
    const arms = doseArms(personas, textModel)
    expect(arms.map(({ name, system, steering }) => [name, system, steering.displacement?.[0]])).toEqual([
      ['me:half', undefined, -6],
      ['me:double', undefined, -24],
      ['both:half', 'I am calm.', -6],
      ['both:double', 'I am calm.', -24],
    ])
  })
})
