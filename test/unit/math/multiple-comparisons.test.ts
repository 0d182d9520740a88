import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { benjaminiHochberg, holm } from '../../../src/math/multiple-comparisons.ts'

const fixture = [0.01, 0.04, 0.03, 0.005]
const closeTo = (values: number[]) => values.map((value) => expect.closeTo(value, 12))

describe('adjusted p values', () => {
  it('of Holm give the fixture', () => {
    expect(holm(fixture)).toEqual(closeTo([0.03, 0.06, 0.06, 0.02]))
  })

  it('of Benjamini and Hochberg give the fixture', () => {
    expect(benjaminiHochberg(fixture)).toEqual(closeTo([0.02, 0.04, 0.04, 0.02]))
  })

  it('keep the order, are no smaller than the p values, and Holm no smaller than Benjamini and Hochberg, no larger than Bonferroni', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 }), (pValues) => {
        const [strict, lenient] = [holm(pValues), benjaminiHochberg(pValues)]
        for (const [i, p] of pValues.entries()) {
          expect(lenient[i]).toBeGreaterThanOrEqual(p)
          expect(strict[i]! - lenient[i]!).toBeGreaterThan(-1e-12)
          expect(strict[i]).toBeLessThanOrEqual(Math.min(1, pValues.length * p))
          for (const [j, q] of pValues.entries()) if (p < q) expect(strict[i]).toBeLessThanOrEqual(strict[j]!)
        }
      }),
    )
  })

  it('of a single p value are that value', () => {
    expect([...holm([0.2]), ...benjaminiHochberg([0.2])]).toEqual([0.2, 0.2])
  })

  it('refuse nothing at all, NaN and values above 1', () => {
    expect(() => holm([])).toThrow('hold 0 numbers')
    expect(() => holm([0.1, Number.NaN])).toThrow('NaN at 1')
    expect(() => benjaminiHochberg([0.1, 1.2])).toThrow('p value 1 is 1.2')
  })
})
