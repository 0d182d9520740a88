import { describe, expect, it } from 'vitest'
import { adaptedCoefficient, divergenceOf, generalisedAdvantages, tokenRewards, whitened } from '../../../src/align/advantages.ts'

// Every number below is exact in single precision, or is compared to seven digits.
const numbers = (...values: number[]) => Float32Array.from(values)
const scores = { policy: numbers(-1, -2, -0.5), reference: numbers(-1.5, -1, -0.5) }

describe('rewards of tokens', () => {
  it('are the penalty at every token, and the reward of the text at the last', () => {
    // Log ratios .5, -1, 0; coefficient 1/4.
    expect([...tokenRewards(scores, -2, 0.25)]).toEqual([-0.125, 0.25, -2])
  })

  it('sum to the reward minus coefficient times divergence', () => {
    expect(divergenceOf(scores)).toBe(-0.5)
    expect(tokenRewards(scores, -2, 0.25).reduce((sum, r) => sum + r, 0)).toBe(-2 - 0.25 * -0.5)
  })
})

describe('generalised advantages', () => {
  const rewards = numbers(0, 1, -2)
  const values = numbers(0.5, 1, -1)

  it('are as computed by hand', () => {
    // gamma 1/2, lambda 1/2; surprises: 0 + .5 - .5 = 0; 1 - .5 - 1 = -.5; -2 - (-1) = -1.
    // advantages from behind: -1; -.5 - 1/4 = -.75; 0 - .75/4 = -.1875.
    const { advantages, returns } = generalisedAdvantages(rewards, values, { gamma: 0.5, lambda: 0.5 })
    expect([...advantages]).toEqual([-0.1875, -0.75, -1])
    expect([...returns]).toEqual([0.3125, 0.25, -2])
  })

  it('with lambda 1 and gamma 1 are what is still to come minus the value', () => {
    const { advantages, returns } = generalisedAdvantages(rewards, values, { gamma: 1, lambda: 1 })
    expect([...returns]).toEqual([-1, -1, -2])
    expect([...advantages]).toEqual([-1.5, -2, -1])
  })

  it('with lambda 0 are the surprise of one step', () => {
    const { advantages } = generalisedAdvantages(rewards, values, { gamma: 1, lambda: 0 })
    expect([...advantages]).toEqual([0.5, -1, -1])
  })
})

describe('whitening', () => {
  it('gives mean 0 and variance 1 over the tokens of the whole batch', () => {
    // 1, 3, 5, 7: mean 4, population variance 5.
    const white = whitened([numbers(1, 3), numbers(5, 7)]).map((values) => [...values])
    const expected = [-3, -1, 1, 3].map((value) => value / Math.sqrt(5))
    white.flat().forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 6)
    })
    expect(white.map(({ length }) => length)).toEqual([2, 2])
  })

  it('gives 0 where nothing differs', () => {
    expect(whitened([numbers(2, 2), numbers(2)]).map((values) => [...values])).toEqual([[0, 0], [0]])
  })
})

describe('adaptive coefficient', () => {
  const control = { target: 6, horizon: 10_000 }

  it('stays on target', () => expect(adaptedCoefficient(0.2, 6, 16, control)).toBe(0.2))

  it('rises and falls by the error, at most a fifth of it a horizon', () => {
    expect(adaptedCoefficient(0.2, 6.6, 16, control)).toBeCloseTo(0.2 * (1 + (0.1 * 16) / 10_000), 12)
    expect(adaptedCoefficient(0.2, 600, 16, control)).toBeCloseTo(0.2 * (1 + (0.2 * 16) / 10_000), 12)
    expect(adaptedCoefficient(0.2, -600, 16, control)).toBeCloseTo(0.2 * (1 - (0.2 * 16) / 10_000), 12)
  })

  it('drives a divergence that answers to it onto the target', () => {
    // A policy that diverges in proportion to how little it costs.
    let coefficient = 0.2
    for (let step = 0; step < 20_000; step++) coefficient = adaptedCoefficient(coefficient, 3 / coefficient, 16, control)
    expect(3 / coefficient).toBeCloseTo(6, 3)
  })
})
