import { describe, expect, it } from 'vitest'
import { gaussian, seededRandom } from '../../../src/math/random.ts'

const draws = (seed: number, count: number) => {
  const random = seededRandom(seed)
  return Array.from({ length: count }, random)
}

describe('seeded random', () => {
  it('gives the same sequence for the same seed and another for another', () => {
    expect(draws(7, 100)).toEqual(draws(7, 100))
    expect(draws(7, 100)).not.toEqual(draws(8, 100))
  })

  it('is uniform on [0, 1)', () => {
    const numbers = draws(1, 10_000)
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true)
    const tenths = new Array(10).fill(0)
    for (const number of numbers) tenths[Math.floor(number * 10)]++
    // 1,000 expected with standard deviation 30: five deviations.
    for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(150)
  })
})

describe('gaussian', () => {
  it('has mean 0, variance 1 and 95 % within 1.96', () => {
    const random = seededRandom(2)
    const numbers = Array.from({ length: 20_000 }, () => gaussian(random))
    const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length
    const variance = numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length
    // Standard errors .007, .010 and .0015: four of each.
    expect(Math.abs(mean)).toBeLessThan(0.028)
    expect(Math.abs(variance - 1)).toBeLessThan(0.04)
    expect(Math.abs(numbers.filter((x) => Math.abs(x) < 1.96).length / numbers.length - 0.95)).toBeLessThan(0.006)
  })
})
