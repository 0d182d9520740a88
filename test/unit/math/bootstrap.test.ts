import { describe, expect, it } from 'vitest'
import { bootstrapInterval, bootstrapIntervalOf, pairedBootstrapInterval } from '../../../src/math/bootstrap.ts'
import { gaussian, seededRandom } from '../../../src/math/random.ts'
import { mean, pearson, populationDeviation } from '../../../src/math/statistics.ts'

const normalNumbers = (count: number, seed: number) => {
  const random = seededRandom(seed)
  return Array.from({ length: count }, () => gaussian(random))
}

describe('bootstrap interval', () => {
  it.each([
    {
      name: 'nearly symmetric values',
      values: [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3],
      expected: [1.34111, 2.22111],
    },
    { name: 'skewed values', values: [0, 0, 0, 0, 0, 1, 1, 1, 2, 3, 5, 12], expected: [0.83333, 5.25] },
  ])('of $name is that of another BCa implementation with a million resamples', ({ values, expected }) => {
    const [low, high] = bootstrapInterval(values, { resamples: 100_000 })
    // The ends of 100,000 resamples scatter by about a hundredth of the deviation of the mean; the second list allows steps of 1/12 only.
    expect(Math.abs(low - expected[0]!)).toBeLessThan(0.1)
    expect(Math.abs(low - expected[0]!) / expected[0]!).toBeLessThan(0.02)
    expect(Math.abs(high - expected[1]!) / expected[1]!).toBeLessThan(0.02)
  })

  it('of values symmetric around their mean is the percentile interval, nearly mean +- 1.96 standard errors', () => {
    const half = normalNumbers(200, 1)
    const values = [...half, ...half.map((value) => -value)]
    const [low, high] = bootstrapInterval(values)
    const reach = (1.96 * populationDeviation(values)) / Math.sqrt(values.length)
    // Ends of 10,000 resamples scatter by 3 % of the standard error, 1.5 % of the reach: four of those.
    expect(Math.abs(low / -reach - 1)).toBeLessThan(0.06)
    expect(Math.abs(high / reach - 1)).toBeLessThan(0.06)
  })

  it('covers the true mean of normal samples in about 95 of 100 cases', () => {
    let covered = 0
    for (let trial = 0; trial < 400; trial++) {
      const [low, high] = bootstrapInterval(normalNumbers(40, 1000 + trial), { resamples: 1000, seed: trial })
      if (low <= 0 && 0 <= high) covered++
    }
    // Expected .94 at 40 values, standard error .012: four of them.
    expect(Math.abs(covered / 400 - 0.94)).toBeLessThan(0.048)
  })

  it('reaches further on the side of the long tail', () => {
    const skewed = normalNumbers(60, 3).map(Math.exp)
    const [low, high] = bootstrapInterval(skewed)
    expect(high - mean(skewed)).toBeGreaterThan(1.2 * (mean(skewed) - low))
  })

  it('moves and scales with the values', () => {
    const values = normalNumbers(50, 4)
    const [low, high] = bootstrapInterval(values, { resamples: 1000 })
    const moved = bootstrapInterval(
      values.map((value) => 10 + 2 * value),
      { resamples: 1000 },
    )
    expect(moved).toEqual([expect.closeTo(10 + 2 * low, 9), expect.closeTo(10 + 2 * high, 9)])
  })

  it('is wider at a higher level', () => {
    const values = normalNumbers(50, 5)
    const [low95, high95] = bootstrapInterval(values)
    const [low99, high99] = bootstrapInterval(values, { level: 0.99 })
    expect(low99).toBeLessThan(low95)
    expect(high99).toBeGreaterThan(high95)
  })

  it('is the same for the same seed and another for another', () => {
    const values = normalNumbers(50, 6)
    expect(bootstrapInterval(values, { seed: 1 })).toEqual(bootstrapInterval(values, { seed: 1 }))
    expect(bootstrapInterval(values, { seed: 1 })).not.toEqual(bootstrapInterval(values, { seed: 2 }))
  })

  it('of equal values is that value', () => {
    expect(bootstrapInterval([0.1, 0.1, 0.1])).toEqual([0.1, 0.1])
  })

  it('refuses a single value', () => {
    expect(() => bootstrapInterval([1])).toThrow('at least 2')
  })

  it('refuses NaN, no resamples and a level of 1', () => {
    expect(() => bootstrapInterval([1, Number.NaN])).toThrow('NaN at 1')
    expect(() => bootstrapInterval([1, 2], { resamples: 0 })).toThrow('resamples is 0')
    expect(() => bootstrapInterval([1, 2], { level: 1 })).toThrow('level is 1')
  })
})

const x = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3]
const y = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]

describe('paired bootstrap interval', () => {
  it('is that of another BCa implementation with 400,000 resamples', () => {
    // scipy 1.17: .16556 to .68756, around a mean of .43189. Ends of 100,000 resamples scatter by about .002.
    const [low, high] = pairedBootstrapInterval(x, y, { resamples: 100_000 })
    expect(Math.abs(low - 0.16556)).toBeLessThan(0.008)
    expect(Math.abs(high - 0.68756)).toBeLessThan(0.008)
  })

  it('ignores what both arms have in common', () => {
    // Whole numbers: sums are exact.
    const [first, second] = [
      [3, 7, 1, 9, 4, 4, 8, 2],
      [1, 6, 2, 5, 5, 3, 2, 1],
    ]
    const options = { resamples: 1000 }
    const moved = (values: number[]) => values.map((value, i) => value + 10 * i)
    expect(pairedBootstrapInterval(moved(first!), moved(second!), options)).toEqual(
      pairedBootstrapInterval(first!, second!, options),
    )
  })

  it('refuses arms of different length', () => {
    expect(() => pairedBootstrapInterval([1, 2], [1, 2, 3])).toThrow('2 and 3 numbers')
  })
})

describe('bootstrap interval of any statistic', () => {
  it('of the mean is the interval of the mean', () => {
    const values = normalNumbers(30, 7)
    const options = { resamples: 2000, seed: 3 }
    const [low, high] = bootstrapInterval(values, options)
    const general = bootstrapIntervalOf(30, (units) => mean(Array.from(units, (unit) => values[unit]!)), options)
    expect(general).toEqual([expect.closeTo(low, 9), expect.closeTo(high, 9)])
  })

  it('of a correlation is that of another BCa implementation', () => {
    // scipy 1.17, 20,000 resamples: .137 to .982. The low end lies in a thin tail of nine pairs.
    const correlation = (units: Int32Array) => {
      const drawn = Array.from(units)
      const r = pearson(
        drawn.map((unit) => x[unit]!),
        drawn.map((unit) => y[unit]!),
      )
      return r ?? Number.NaN
    }
    const [low, high] = bootstrapIntervalOf(9, correlation, { resamples: 20_000 })
    expect(Math.abs(low - 0.137)).toBeLessThan(0.06)
    expect(Math.abs(high - 0.982)).toBeLessThan(0.005)
  })

  it('has no value where the statistic has none', () => {
    expect(bootstrapIntervalOf(5, () => Number.NaN, { resamples: 10 })).toEqual([Number.NaN, Number.NaN])
  })

  it('has no value where more than one resample in a hundred has none', () => {
    // About a third of the resamples of four units lack unit 0, (3/4)^4.
    const lacksFirst = (units: Int32Array) => (units.length === 4 && !units.includes(0) ? Number.NaN : units[0]!)
    expect(bootstrapIntervalOf(4, lacksFirst, { resamples: 200 })).toEqual([Number.NaN, Number.NaN])
  })

  it('of a constant statistic is that value', () => {
    expect(bootstrapIntervalOf(5, () => 3, { resamples: 10 })).toEqual([3, 3])
  })

  it('refuses a single unit', () => {
    expect(() => bootstrapIntervalOf(1, () => 0)).toThrow('units is 1, expected a whole number of at least 2')
  })
})
