import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { divergence } from '../../../src/math/divergence.ts'

const logits = fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { minLength: 5, maxLength: 5 })

describe('divergence of two distributions', () => {
  it('is that of two coins, by hand', () => {
    const found = divergence([Math.log(0.75), Math.log(0.25)], [0, 0])
    expect(found.totalVariation).toBeCloseTo(0.25, 12)
    expect(found.kullbackLeibler).toBeCloseTo(0.75 * Math.log(1.5) + 0.25 * Math.log(0.5), 12)
    expect(found.largestLogRatio).toBeCloseTo(Math.log(2), 12)
  })

  it('is 0 where all logits are shifted alike, and bounded by Pinsker', () => {
    fc.assert(
      fc.property(logits, logits, fc.double({ min: -5, max: 5, noNaN: true }), (p, q, shift) => {
        const same = divergence(
          p,
          p.map((value) => value + shift),
        )
        expect(same.totalVariation).toBeLessThan(1e-9)
        const { totalVariation, kullbackLeibler } = divergence(p, q)
        expect(totalVariation).toBeLessThanOrEqual(1)
        expect(2 * totalVariation ** 2).toBeLessThanOrEqual(kullbackLeibler + 1e-9)
        expect(divergence(q, p).totalVariation).toBeCloseTo(totalVariation, 9)
      }),
    )
  })
})
