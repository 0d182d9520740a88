import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mcnemarTest, pairedRateInterval } from '../../../src/math/mcnemar.ts'

describe("McNemar's exact test", () => {
  it.each([
    [3, 15, 0.00753784],
    [2, 10, 0.0385742],
  ])('of %d : %d discordant pairs gives the fixture', (onlyFirst, onlySecond, expected) => {
    expect(mcnemarTest({ onlyFirst, onlySecond })).toBeCloseTo(expected, 7)
    expect(mcnemarTest({ onlyFirst: onlySecond, onlySecond: onlyFirst })).toBeCloseTo(expected, 7)
  })

  it('of no discordant pair is 1', () => {
    expect(mcnemarTest({ onlyFirst: 0, onlySecond: 0 })).toBe(1)
  })

  it('refuses a negative count', () => {
    expect(() => mcnemarTest({ onlyFirst: -1, onlySecond: 2 })).toThrow('count of onlyFirst is -1')
  })
})

describe('interval of the difference of paired rates', () => {
  it('gives the published example of Fagerland, Lydersen and Laake (2017), data of Cavo et al. (2012)', () => {
    const [low, high] = pairedRateInterval({ both: 59, onlyFirst: 6, onlySecond: 16, neither: 80 })
    expect(low).toBeCloseTo(-0.1186, 4)
    expect(high).toBeCloseTo(-0.0046, 4)
  })

  it('changes sign when the arms change places, and contains the difference', () => {
    const count = fc.integer({ min: 0, max: 200 })
    fc.assert(
      fc.property(count, count, count, count, (both, onlyFirst, onlySecond, neither) => {
        fc.pre(both + onlyFirst + onlySecond + neither > 0)
        const [low, high] = pairedRateInterval({ both, onlyFirst, onlySecond, neither })
        const swapped = pairedRateInterval({ both, onlyFirst: onlySecond, onlySecond: onlyFirst, neither })
        expect(swapped[0]).toBeCloseTo(-high, 12)
        expect(swapped[1]).toBeCloseTo(-low, 12)
        const difference = (onlyFirst - onlySecond) / (both + onlyFirst + onlySecond + neither)
        expect(low).toBeLessThanOrEqual(difference)
        expect(high).toBeGreaterThanOrEqual(difference)
      }),
    )
  })

  it('keeps a width where nobody disagrees', () => {
    const [low, high] = pairedRateInterval({ both: 10, onlyFirst: 0, onlySecond: 0, neither: 10 })
    expect(low).toBeLessThan(0)
    expect(high).toBeCloseTo(-low, 14)
  })

  it('refuses no units', () => {
    expect(() => pairedRateInterval({ both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 })).toThrow('trials is 0')
  })
})
