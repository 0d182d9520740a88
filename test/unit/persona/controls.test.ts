import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/math/random.ts'
import { compileDisplacement } from '../../../src/persona/compile.ts'
import { flippedPersona, randomPersona } from '../../../src/persona/controls.ts'
import type { SteeringPersona } from '../../../src/persona/persona.ts'

const shape = { layers: 2, heads: 2, kvHeads: 2, headDim: 4, hiddenSize: 8, vocabSize: 10, contextLength: 16 }
const persona = {
  kind: 'steering',
  method: 'pas',
  shape,
  alpha: 2,
  interventions: [
    { layer: 0, head: 1, direction: Float32Array.of(0.5, -0.5, 0.5, 0.5), sigma: 3 },
    { layer: 1, head: 0, direction: Float32Array.of(1, 0, 0, 0), sigma: 0.5 },
  ],
} as unknown as SteeringPersona

const displacementOf = ({ interventions, alpha }: SteeringPersona) => compileDisplacement(interventions, alpha, shape)
const normOf = (values: Float32Array) => Math.hypot(...values)

describe('control personas', () => {
  it('flipped is the opposite displacement', () => {
    const flipped = flippedPersona(persona)
    expect(flipped.method).toBe('pas:flipped')
    expect(displacementOf(flipped)).toEqual(displacementOf(persona).map((value) => -value || 0))
  })

  it('random is as long in every head, and another direction', () => {
    const random = randomPersona(persona, seededRandom(1))
    const [own, other] = [displacementOf(persona), displacementOf(random)]
    for (let begin = 0; begin < own.length; begin += shape.headDim) {
      const end = begin + shape.headDim
      expect(normOf(other.subarray(begin, end))).toBeCloseTo(normOf(own.subarray(begin, end)), 5)
    }
    expect(other).not.toEqual(own)
  })

  it('random is the same for the same seed, and spread over all directions', () => {
    const drawn = (seed: number) => displacementOf(randomPersona(persona, seededRandom(seed)))
    expect(drawn(3)).toEqual(drawn(3))
    const mean = new Float64Array(4)
    for (let seed = 0; seed < 400; seed++) for (let i = 0; i < 4; i++) mean[i]! += drawn(seed)[4 + i]! / 400
    // Each number has deviation 6 / sqrt(4); the mean of 400 of them .15.
    for (const value of mean) expect(Math.abs(value)).toBeLessThan(0.75)
  })
})
