import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { heterotraitMonotrait } from '../../../src/math/heterotrait-monotrait.ts'

describe('heterotrait-monotrait ratio', () => {
  it('by hand: mean across .25, within .64 and .25, ratio .625', () => {
    const correlations = [
      [1, 0.64, 0.1, 0.2],
      [0.64, 1, 0.3, 0.4],
      [0.1, 0.3, 1, 0.25],
      [0.2, 0.4, 0.25, 1],
    ]
    expect(heterotraitMonotrait(correlations, [0, 1], [2, 3])).toBeCloseTo(0.25 / Math.sqrt(0.64 * 0.25), 14)
  })

  it('recovers the correlation of the traits where all items of a scale load alike', () => {
    const loading = fc.double({ min: 0.2, max: 1, noNaN: true })
    fc.assert(
      fc.property(loading, loading, fc.double({ min: -1, max: 1, noNaN: true }), (a, b, correlation) => {
        const loadings = [a, a, a, b, b]
        const correlations = loadings.map((x, i) =>
          loadings.map((y, j) => (i === j ? 1 : x * y * (i < 3 === j < 3 ? 1 : correlation))),
        )
        expect(heterotraitMonotrait(correlations, [0, 1, 2], [3, 4])).toBeCloseTo(correlation, 11)
      }),
    )
  })

  it('has no value where the items of a scale do not belong together', () => {
    const correlations = [
      [1, -0.2, 0.1, 0.1],
      [-0.2, 1, 0.1, 0.1],
      [0.1, 0.1, 1, -0.5],
      [0.1, 0.1, -0.5, 1],
    ]
    expect(heterotraitMonotrait(correlations, [0, 1], [2, 3])).toBeNaN()
  })

  it('refuses scales of one item, shared items, items outside, and what is no correlation matrix', () => {
    const matrix = (value: number) =>
      Array.from({ length: 4 }, (_, i) => Array.from({ length: 4 }, (_, j) => (i === j ? 1 : value)))
    expect(() => heterotraitMonotrait(matrix(0.3), [0], [1, 2])).toThrow('1 and 2 items')
    expect(() => heterotraitMonotrait(matrix(0.3), [0, 1], [1, 2])).toThrow('share or repeat')
    expect(() => heterotraitMonotrait(matrix(0.3), [0, 1], [2, 4])).toThrow('item is 4')
    expect(() => heterotraitMonotrait(matrix(1.2), [0, 1], [2, 3])).toThrow('is 1.2')
    expect(() => heterotraitMonotrait(matrix(Number.NaN), [0, 1], [2, 3])).toThrow('is NaN')
    const skewed = matrix(0.3)
    skewed[0]![2] = 0.5
    expect(() => heterotraitMonotrait(skewed, [0, 1], [2, 3])).toThrow('symmetric')
  })
})
