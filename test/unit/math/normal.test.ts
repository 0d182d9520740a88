import { describe, expect, it } from 'vitest'
import { normalCdf, normalQuantile } from '../../../src/math/normal.ts'

describe('normal distribution', () => {
  it('is one half at zero and symmetric around it', () => {
    expect(normalCdf(0)).toBe(0.5)
    for (const z of [0.1, 1, 2.5, 5, 7.9]) expect(normalCdf(z) + normalCdf(-z)).toBeCloseTo(1, 14)
  })

  it('gives the tabled shares', () => {
    expect(normalCdf(1)).toBeCloseTo(0.841344746068543, 14)
    expect(normalCdf(1.959963984540054)).toBeCloseTo(0.975, 14)
    expect(normalCdf(-3)).toBeCloseTo(0.00134989803163009, 14)
  })

  it('ends at 0 and 1 far out and passes NaN on', () => {
    expect([normalCdf(Number.NEGATIVE_INFINITY), normalCdf(Number.POSITIVE_INFINITY)]).toEqual([0, 1])
    expect(normalCdf(Number.NaN)).toBeNaN()
  })
})

describe('normal quantile', () => {
  it('undoes the distribution', () => {
    for (const z of [-3, -1.5, -0.2, 0, 0.7, 2, 3]) expect(normalQuantile(normalCdf(z))).toBeCloseTo(z, 12)
  })

  it('gives the tabled values', () => {
    expect(normalQuantile(0.5)).toBeCloseTo(0, 15)
    expect(normalQuantile(0.7)).toBeCloseTo(0.5244005127080407, 13)
    expect(normalQuantile(0.975)).toBeCloseTo(1.9599639845400545, 13)
    expect(normalQuantile(0.001)).toBeCloseTo(-3.090232306167813, 12)
    expect(normalQuantile(0.00001)).toBeCloseTo(-4.264890793922825, 10)
  })

  it.each([0, 1, -0.1, 1.1, Number.NaN])('refuses the probability %d', (p) => {
    expect(() => normalQuantile(p)).toThrow('between 0 and 1')
  })
})
