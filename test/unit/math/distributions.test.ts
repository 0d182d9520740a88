import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  binomialCdf,
  binomialProbability,
  fisherCdf,
  fisherQuantile,
  studentCdf,
  studentQuantile,
  studentTwoSided,
} from '../../../src/math/distributions.ts'
import { normalCdf } from '../../../src/math/normal.ts'

// Numbers with many digits are those of scipy 1.17 (boost); closed forms are named.

describe("Student's t", () => {
  it('gives the shares of another implementation', () => {
    expect(studentCdf(-0.5, 3)).toBeCloseTo(0.3257239824240755, 13)
    expect(studentCdf(0.001, 2.5)).toBeCloseTo(0.5003618086396076, 13)
    expect(studentCdf(40, 3)).toBeCloseTo(0.9999828096596054, 13)
  })

  it('is the distribution of Cauchy at one degree of freedom', () => {
    for (const t of [-30, -1, -0.2, 0, 0.7, 5]) expect(studentCdf(t, 1)).toBeCloseTo(0.5 + Math.atan(t) / Math.PI, 13)
  })

  it('nears the normal distribution with many degrees of freedom', () => {
    // The difference is of the order of 1 / degrees.
    for (const t of [-3, -1, 0.5, 2]) expect(Math.abs(studentCdf(t, 1e6) - normalCdf(t))).toBeLessThan(1e-6)
  })

  it('keeps its relative precision far out', () => {
    expect(studentTwoSided(12, 200) / (2 * 1.2110680026233124e-25)).toBeCloseTo(1, 11)
  })

  it.each([
    [0.975, 8, 2.306004135204166],
    [0.95, 8, 1.8595480375308973],
    [0.995, 1, 63.656741162871526],
    [0.975, 299, 1.9679296690656698],
    [0.9, 2.5, 1.7302509288071766],
  ])('has the tabled quantile of %d at %d degrees', (p, degrees, expected) => {
    expect(studentQuantile(p, degrees) / expected).toBeCloseTo(1, 11)
    expect(studentQuantile(1 - p, degrees) / -expected).toBeCloseTo(1, 11)
  })

  it('refuses what is no number of degrees, no number and no probability', () => {
    expect(() => studentCdf(1, 0)).toThrow('degrees of freedom is 0')
    expect(() => studentCdf(Number.NaN, 3)).toThrow('t is NaN')
    expect(() => studentQuantile(1, 3)).toThrow('probability is 1')
  })
})

describe('F distribution', () => {
  it.each([
    [3, 2, 10, 0.904632568359375],
    [0.2, 7, 3, 0.03667335421818645],
    [11.03, 5, 15, 0.9998656221479509],
    [4.5, 4.79, 15, 0.9889298987902573],
  ])('of %d at %d and %d degrees is that of another implementation', (f, a, b, expected) => {
    expect(fisherCdf(f, a, b)).toBeCloseTo(expected, 13)
  })

  it.each([
    [0.95, 2, 10, 4.1028210151304],
    [0.975, 5, 15, 3.5764153492790607],
    [0.025, 5, 15, 0.15557596307848703],
    [0.975, 5, 4.7, 7.652719332484402],
  ])('has the tabled quantile of %d at %d and %d degrees', (p, a, b, expected) => {
    expect(fisherQuantile(p, a, b) / expected).toBeCloseTo(1, 11)
  })

  it('of t squared, one degree above, is the two-sided share of t', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 20, noNaN: true }), fc.integer({ min: 1, max: 300 }), (t, degrees) => {
        expect(1 - fisherCdf(t * t, 1, degrees)).toBeCloseTo(studentTwoSided(t, degrees), 11)
      }),
    )
  })

  it('of 1 / F with the degrees exchanged is the rest', () => {
    expect(fisherCdf(2.3, 4, 9) + fisherCdf(1 / 2.3, 9, 4)).toBeCloseTo(1, 13)
  })
})

describe('binomial distribution', () => {
  it.each([
    [7, 9, 0.5, 0.98046875, 36 / 512],
    [3, 18, 0.5, 0.0037689208984375, 816 / 2 ** 18],
    [0, 313, 0.01, 0.99 ** 313, 0.99 ** 313],
    [700, 1500, 0.45, 0.9070584175391163, 0.00891191604806426],
    [2, 10, 0.3, 0.3827827863999998, 0.2334744405000001],
  ])('of %d of %d at %d is exact or that of another implementation', (successes, trials, probability, atMost, exactly) => {
    expect(binomialCdf(successes, trials, probability)).toBeCloseTo(atMost, 12)
    expect(binomialProbability(successes, trials, probability) / exactly).toBeCloseTo(1, 10)
  })

  it('sums its probabilities', () => {
    let sum = 0
    for (let count = 0; count <= 12; count++) {
      sum += binomialProbability(count, 12, 0.37)
      expect(binomialCdf(count, 12, 0.37)).toBeCloseTo(sum, 12)
    }
  })

  it('is certain at probabilities 0 and 1', () => {
    expect([binomialProbability(0, 5, 0), binomialProbability(1, 5, 0), binomialProbability(5, 5, 1)]).toEqual([1, 0, 1])
    expect([binomialCdf(0, 5, 0), binomialCdf(4, 5, 1), binomialCdf(5, 5, 1)]).toEqual([1, 0, 1])
  })

  it('refuses more successes than trials and no probability', () => {
    expect(() => binomialCdf(6, 5, 0.5)).toThrow('successes is 6, expected a whole number from 0 to 5')
    expect(() => binomialProbability(1, 5, 1.5)).toThrow('probability is 1.5')
  })
})
