import { describe, expect, it } from 'vitest'
import { wilcoxonSignedRank } from '../../../src/math/wilcoxon.ts'

const zeros = (count: number) => new Array<number>(count).fill(0)

describe("Wilcoxon's signed-rank test", () => {
  it('gives the fixture, exactly', () => {
    const x = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3]
    const y = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    const test = wilcoxonSignedRank(x, y)
    expect(test).toEqual({ positive: 40, negative: 5, differing: 9, p: 0.0390625, exact: true })
  })

  it('counts the sign patterns: three positive differences have p 2/8', () => {
    expect(wilcoxonSignedRank([1, 2, 3], zeros(3)).p).toBe(0.25)
  })

  it('with 25 differences is that of another exact implementation', () => {
    // scipy 1.17: W 110, p .16449612379074097.
    const differences = Array.from({ length: 25 }, (_, i) => ((i * 37) % 101) - 40 + 0.001 * i)
    const test = wilcoxonSignedRank(differences, zeros(25))
    expect(test.negative).toBe(110)
    expect(test.p).toBeCloseTo(0.16449612379074097, 12)
  })

  it('with ties and zeros drops the zeros and corrects the variance, as another implementation does', () => {
    // scipy 1.17, zero_method wilcox, no continuity correction: W 13, p .040842897548396644.
    const differences = [1, 1, 2, -2, 3, 4, 4, -1, 5, 6, -3, 0, 7, 0]
    const test = wilcoxonSignedRank(differences, zeros(14))
    expect(test).toMatchObject({ negative: 13, positive: 65, differing: 12, exact: false })
    expect(test.p).toBeCloseTo(0.040842897548396644, 12)
  })

  it('is normal above 50 differences', () => {
    // scipy 1.17: W 757, p .24477543370760457.
    const differences = Array.from({ length: 60 }, (_, i) => ((i * 37) % 101) - 45 + 0.001 * i)
    const test = wilcoxonSignedRank(differences, zeros(60))
    expect([Math.min(test.positive, test.negative), test.exact]).toEqual([757, false])
    expect(test.p).toBeCloseTo(0.24477543370760457, 12)
  })

  it('is the same for either direction', () => {
    const [a, b] = [wilcoxonSignedRank([3, 1, 4, 1.5], [1, 2, 0, 0]), wilcoxonSignedRank([1, 2, 0, 0], [3, 1, 4, 1.5])]
    expect([a.p, a.positive]).toEqual([b.p, b.negative])
  })

  it('has p 1 where no pair differs', () => {
    expect(wilcoxonSignedRank([1, 2], [1, 2])).toMatchObject({ p: 1, differing: 0, positive: 0, negative: 0 })
  })

  it('refuses no pairs, NaN and unequal lengths', () => {
    expect(() => wilcoxonSignedRank([], [])).toThrow('hold 0 numbers')
    expect(() => wilcoxonSignedRank([1], [Number.NaN])).toThrow('NaN at 0')
    expect(() => wilcoxonSignedRank([1], [1, 2])).toThrow('1 and 2 numbers')
  })
})
