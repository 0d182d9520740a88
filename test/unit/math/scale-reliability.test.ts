import { describe, expect, it } from 'vitest'
import { alphaOf, omegaTotal, oneFactorLoadings, splitHalf } from '../../../src/math/scale-reliability.ts'

/** Items that are a common part plus parts of their own, uncorrelated by construction: rows are all sign combinations. */
function rowsOf(loadings: readonly number[]): number[][] {
  const items = loadings.length
  return Array.from({ length: 2 ** (items + 1) }, (_, code) => {
    const sign = (bit: number) => ((code >> bit) & 1 ? 1 : -1)
    return loadings.map((loading, i) => loading * sign(items) + Math.sqrt(1 - loading * loading) * sign(i))
  })
}

describe('one factor', () => {
  it('has the loadings that made the items', () => {
    const loadings = [0.9, 0.7, 0.5, 0.3]
    const correlations = loadings.map((a, i) => loadings.map((b, j) => (i === j ? 1 : a * b)))
    oneFactorLoadings(correlations).forEach((loading, i) => {
      expect(loading).toBeCloseTo(loadings[i]!, 5)
    })
  })

  it('keeps an item that runs against the scale, with its sign', () => {
    const loadings = [0.8, 0.8, 0.8, -0.6]
    const correlations = loadings.map((a, i) => loadings.map((b, j) => (i === j ? 1 : a * b)))
    expect(oneFactorLoadings(correlations)[3]).toBeCloseTo(-0.6, 5)
  })
})

describe('omega total', () => {
  it('is (sum of loadings)^2 over itself plus the uniquenesses', () => {
    const loadings = [0.9, 0.7, 0.5, 0.3]
    // 2.4^2 = 5.76; uniquenesses .19 + .51 + .75 + .91 = 2.36.
    expect(omegaTotal(rowsOf(loadings))).toBeCloseTo(5.76 / (5.76 + 2.36), 5)
  })

  it('equals alpha where all items load alike', () => {
    const rows = rowsOf([0.6, 0.6, 0.6, 0.6])
    expect(omegaTotal(rows)).toBeCloseTo(alphaOf(rows), 5)
  })

  it('leaves out items that do not vary', () => {
    const rows = rowsOf([0.8, 0.6, 0.7])
    expect(omegaTotal(rows.map((row) => [...row, 3]))).toBeCloseTo(omegaTotal(rows), 10)
  })
})

describe('split halves', () => {
  it('are lengthened by Spearman-Brown', () => {
    // Odd items 1 and 3 against item 2 and 4: with equal loadings .6 halves correlate .72 / (.72 + .64).
    const halves = 0.72 / (0.72 + 0.64)
    expect(splitHalf(rowsOf([0.6, 0.6, 0.6, 0.6]))).toBeCloseTo((2 * halves) / (1 + halves), 10)
  })
})

describe('scales that say nothing', () => {
  it.each([
    ['one row', [[1, 2]]],
    ['no rows', []],
    [
      'rows that are all alike and no whole numbers',
      Array.from({ length: 300 }, () => Array.from({ length: 36 }, (_, i) => 3 + Math.sin(i))),
    ],
    [
      'rows that are all alike',
      [
        [1, 2],
        [1, 2],
        [1, 2],
      ],
    ],
  ])('have no reliability: %s', (_, rows) => {
    for (const of of [alphaOf, omegaTotal, splitHalf]) expect(of(rows)).toBeNaN()
  })
})
