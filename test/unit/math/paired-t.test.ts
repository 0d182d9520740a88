import { describe, expect, it } from 'vitest'
import { pairedEquivalence, pairedNonInferiority, pairedTTest } from '../../../src/math/paired-t.ts'

// Fixture of the evaluation protocol.
const x = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3]
const y = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]

describe('paired t test', () => {
  it('gives the fixture', () => {
    const test = pairedTTest(x, y)
    expect(test.difference).toBeCloseTo(0.431889, 6)
    expect(test.standardError).toBeCloseTo(0.142285, 6)
    expect(test.degrees).toBe(8)
    expect(test.t).toBeCloseTo(3.03538, 5)
    expect(test.p).toBeCloseTo(0.0161766, 7)
    expect(test.interval).toEqual([expect.closeTo(0.1038, 4), expect.closeTo(0.76, 4)])
  })

  it('has no p where all differences are equal', () => {
    expect(pairedTTest([2, 3], [1, 2])).toMatchObject({ t: Number.NaN, p: Number.NaN, difference: 1, interval: [1, 1] })
  })

  it('refuses one pair, NaN and unequal lengths', () => {
    expect(() => pairedTTest([1], [2])).toThrow('at least 2')
    expect(() => pairedTTest([1, Number.NaN], [1, 2])).toThrow('NaN at 1')
    expect(() => pairedTTest([1, 2], [1, 2, 3])).toThrow('2 and 3 numbers')
  })
})

describe('equivalence', () => {
  it.each([
    [1, 0.001995],
    [0.5, 0.322483],
  ])('within a margin of %d gives the fixture', (margin, p) => {
    const test = pairedEquivalence(x, y, { margin })
    expect(test.p).toBeCloseTo(p, 6)
    expect(test.interval).toEqual([expect.closeTo(0.1673, 4), expect.closeTo(0.6965, 4)])
  })

  it('holds exactly where the interval lies inside the margin', () => {
    const end = pairedEquivalence(x, y, { margin: 1 }).interval[1]
    expect(pairedEquivalence(x, y, { margin: end }).p).toBeCloseTo(0.05, 10)
  })

  it('does not depend on which arm is first', () => {
    expect(pairedEquivalence(y, x, { margin: 0.7 }).p).toBeCloseTo(pairedEquivalence(x, y, { margin: 0.7 }).p, 14)
  })

  it('is not claimed, whatever the margin, where all differences are equal', () => {
    expect(pairedEquivalence([1, 1], [1, 1], { margin: 1 })).toMatchObject({ p: Number.NaN, interval: [0, 0] })
  })

  it('refuses a margin of zero and a significance of one half', () => {
    expect(() => pairedEquivalence(x, y, { margin: 0 })).toThrow('margin is 0')
    expect(() => pairedEquivalence(x, y, { margin: 1, significance: 0.5 })).toThrow('twice the significance is 1')
  })
})

describe('non-inferiority', () => {
  it('of the worse arm is the harder half of equivalence, of the better arm the easier', () => {
    expect(pairedNonInferiority(y, x, { margin: 1 }).p).toBeCloseTo(0.001995, 6)
    expect(pairedNonInferiority(x, y, { margin: 1 }).p).toBeLessThan(0.0001)
  })

  it('needs the number of items that the protocol states for two points at 10 % discordance', () => {
    // 1,546 items have 80 % power: a difference of 0 is z = 1.645 + .8416 = 2.486 standard errors above the margin, p .00646.
    const first = Array.from({ length: 1546 }, (_, i) => (i < 77 ? 1 : 0))
    const second = Array.from({ length: 1546 }, (_, i) => (i >= 77 && i < 154 ? 1 : 0))
    expect(pairedNonInferiority(first, second, { margin: 0.02 }).p).toBeCloseTo(0.00646, 3)
  })

  it('refuses a negative margin', () => {
    expect(() => pairedNonInferiority(x, y, { margin: -0.1 })).toThrow('margin is -0.1')
  })
})
