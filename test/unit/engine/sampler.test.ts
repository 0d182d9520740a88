import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sampler } from '../../../src/engine/sampler.ts'
import { seededRandom } from '../../../src/math/random.ts'

const logits = Float32Array.of(1, 3, 2, 3)
const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0)

describe('sampler', () => {
  it('takes the largest logit at temperature 0, the first of equals', () => {
    expect(sampler({ random: Math.random })(logits).token).toBe(1)
  })

  it('reports the log-probability of the unscaled distribution', () => {
    const { token, logprob } = sampler({ temperature: 3, topP: 0.5, topLogprobs: 0, random: seededRandom(1) })(logits)
    expect(logprob).toBeCloseTo(logits[token]! - Math.log(total), 12)
  })

  it('draws each token as often as its probability says', () => {
    const sample = sampler({ temperature: 2, random: seededRandom(5) })
    const powers = Array.from(logits, (logit) => Math.exp(logit / 2))
    const sum = powers.reduce((a, b) => a + b)
    const counts = [0, 0, 0, 0]
    for (let i = 0; i < 20_000; i++) counts[sample(logits).token]!++
    // Four standard deviations of a frequency near .4 in 20,000 draws.
    powers.forEach((power, token) => {
      expect(Math.abs(counts[token]! / 20_000 - power / sum)).toBeLessThan(0.014)
    })
  })

  it('draws from the fewest tokens that hold the mass topP', () => {
    fc.assert(
      fc.property(
        fc.float32Array({ minLength: 1, maxLength: 30, min: -5, max: 5, noNaN: true }),
        fc.double({ min: 0.01, max: 0.999, noNaN: true }),
        fc.nat(),
        (values, topP, seed) => {
          const { token } = sampler({ temperature: 1, topP, random: seededRandom(seed) })(values)
          const powers = Array.from(values, Math.exp)
          const sum = powers.reduce((a, b) => a + b)
          // Logits that differ by rounding alone are equal.
          const equal = powers[token]! * (1 + 1e-12)
          const moreProbable = powers.filter((power) => power > equal).reduce((a, b) => a + b, 0)
          expect(moreProbable / sum).toBeLessThan(topP + 1e-9)
        },
      ),
    )
  })

  it('gives the same tokens for the same seed', () => {
    const draw = (seed: number) => {
      const sample = sampler({ temperature: 1, topP: 0.9, random: seededRandom(seed) })
      return Array.from({ length: 20 }, () => sample(logits).token)
    }
    expect(draw(3)).toEqual(draw(3))
    expect(draw(3)).not.toEqual(draw(4))
  })

  it.each([{ temperature: -1 }, { temperature: Number.NaN }, { topP: 0 }, { topP: 1.1 }])('refuses %j', (options) => {
    expect(() => sampler({ random: Math.random, ...options })).toThrow(/expected/)
  })

  it('refuses logits with NaN', () => {
    expect(() => sampler({ random: Math.random })(Float32Array.of(1, Number.NaN))).toThrow('NaN or infinity')
  })
})
