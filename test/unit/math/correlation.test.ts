import { describe, expect, it } from 'vitest'
import { correlationInterval, spearman } from '../../../src/math/correlation.ts'

// Fixture of the evaluation protocol.
const x = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3]
const y = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]

describe('Spearman correlation', () => {
  it('gives the fixture, which has ties', () => {
    expect(spearman(x, y)).toBeCloseTo(0.647082, 6)
  })

  it('depends on the order only', () => {
    expect(spearman(x.map(Math.exp), y)).toBe(spearman(x, y))
    expect(spearman([1, 2, 3, 4], [1, 8, 27, 64])).toBeCloseTo(1, 14)
  })

  it('is undefined where a list does not vary', () => {
    expect(spearman([1, 1, 1], [1, 2, 3])).toBeUndefined()
  })

  it('refuses NaN and lists of different length', () => {
    expect(() => spearman([1, Number.NaN], [1, 2])).toThrow('NaN at 1')
    expect(() => spearman([1, 2], [1, 2, 3])).toThrow('2 and 3 numbers')
  })
})

describe('interval of a correlation', () => {
  it('gives the fixture', () => {
    const [low, high] = correlationInterval(0.847877, 9)
    expect(low).toBeCloseTo(0.4206, 4)
    expect(high).toBeCloseTo(0.9673, 4)
  })

  it('of a perfect correlation is that correlation', () => {
    expect(correlationInterval(1, 10)).toEqual([1, 1])
    expect(correlationInterval(-1, 10)).toEqual([-1, -1])
  })

  it('refuses three pairs and a correlation above 1', () => {
    expect(() => correlationInterval(0.5, 3)).toThrow('pairs is 3')
    expect(() => correlationInterval(1.01, 9)).toThrow('correlation is 1.01')
  })
})
