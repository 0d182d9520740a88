import { describe, expect, it } from 'vitest'
import { bootstrapInterval } from '../../../src/math/bootstrap.ts'
import {
  clusterBootstrapInterval,
  clusteredStandardError,
  twoWayBootstrapInterval,
  weightedMean,
} from '../../../src/math/clusters.ts'
import { gaussian, seededRandom } from '../../../src/math/random.ts'
import { populationDeviation } from '../../../src/math/statistics.ts'

const normalNumbers = (count: number, seed: number) => {
  const random = seededRandom(seed)
  return Array.from({ length: count }, () => gaussian(random))
}

describe('clustered standard error', () => {
  it('gives the fixture', () => {
    expect(clusteredStandardError([[1, 2], [3, 4, 5], [2]])).toBeCloseTo(0.74639, 6)
  })

  it('of clusters of one is the deviation with n in the denominator over sqrt(n)', () => {
    const values = normalNumbers(30, 1)
    expect(clusteredStandardError(values.map((value) => [value]))).toBeCloseTo(populationDeviation(values) / Math.sqrt(30), 12)
  })

  it('grows with the square root of how often each value is repeated inside its cluster, against independent values', () => {
    const values = normalNumbers(30, 2)
    const repeated = clusteredStandardError(values.map((value) => [value, value, value, value]))
    const independent = clusteredStandardError(values.flatMap((value) => [[value], [value], [value], [value]]))
    expect(repeated / independent).toBeCloseTo(2, 12)
  })

  it('refuses one cluster, an empty one and NaN', () => {
    expect(() => clusteredStandardError([[1, 2]])).toThrow('clusters is 1')
    expect(() => clusteredStandardError([[1], []])).toThrow('cluster 1 hold 0 numbers')
    expect(() => clusteredStandardError([[1], [Number.NaN]])).toThrow('NaN at 0')
  })
})

describe('cluster bootstrap', () => {
  it('of clusters of one is the bootstrap of the values', () => {
    const values = normalNumbers(25, 3)
    const options = { resamples: 2000, seed: 4 }
    const [low, high] = bootstrapInterval(values, options)
    const clustered = clusterBootstrapInterval(
      values.map((value) => [value]),
      options,
    )
    expect(clustered).toEqual([expect.closeTo(low, 9), expect.closeTo(high, 9)])
  })

  it('does not take repeats inside a cluster for evidence', () => {
    const values = normalNumbers(25, 5)
    const [low, high] = bootstrapInterval(values, { resamples: 2000 })
    const repeated = clusterBootstrapInterval(
      values.map((value) => [value, value, value]),
      { resamples: 2000 },
    )
    expect(repeated).toEqual([expect.closeTo(low, 9), expect.closeTo(high, 9)])
  })

  it('reaches about 1.96 clustered standard errors where clusters are many', () => {
    const random = seededRandom(6)
    const clusters = Array.from({ length: 200 }, () => {
      const own = gaussian(random)
      return Array.from({ length: 1 + Math.floor(4 * random()) }, () => own + 0.5 * gaussian(random))
    })
    const [low, high] = clusterBootstrapInterval(clusters, { resamples: 5000 })
    // Ends of 5,000 resamples scatter by about 2 % of the reach; a skewed sample shifts both alike.
    expect((high - low) / (2 * 1.96 * clusteredStandardError(clusters))).toBeCloseTo(1, 1)
  })
})

describe('two-way bootstrap', () => {
  const [rowCount, columnCount] = [30, 20]
  const rows = Array.from({ length: rowCount * columnCount }, (_, cell) => Math.floor(cell / columnCount))
  const columns = rows.map((_, cell) => cell % columnCount)

  it('of values that depend on the row only is the percentile bootstrap over rows', () => {
    const effects = normalNumbers(rowCount, 7)
    const [low, high] = twoWayBootstrapInterval({ rows, columns }, weightedMean(rows.map((row) => effects[row]!)), {
      resamples: 4000,
    })
    const reach = (1.96 * populationDeviation(effects)) / Math.sqrt(rowCount)
    // Ends of 4,000 resamples scatter by about 2 % of the reach.
    expect((high - low) / (2 * reach)).toBeCloseTo(1, 1)
  })

  it('adds the variances of rows and columns', () => {
    const [rowEffects, columnEffects] = [normalNumbers(rowCount, 8), normalNumbers(columnCount, 9)]
    const values = rows.map((row, cell) => rowEffects[row]! + columnEffects[columns[cell]!]!)
    const [low, high] = twoWayBootstrapInterval({ rows, columns }, weightedMean(values), { resamples: 4000 })
    const variance = populationDeviation(rowEffects) ** 2 / rowCount + populationDeviation(columnEffects) ** 2 / columnCount
    expect((high - low) / (2 * 1.96 * Math.sqrt(variance))).toBeCloseTo(1, 1)
  })

  it('has no value where too many resamples have none', () => {
    // Two rows that meet two columns once each: half of the resamples and more draw neither or one cell, many none.
    const interval = twoWayBootstrapInterval({ rows: [0, 1], columns: [0, 1] }, weightedMean([1, 2]), { resamples: 500 })
    expect(interval).toEqual([Number.NaN, Number.NaN])
  })

  it('refuses a single row, unequal lists and a row that is no whole number', () => {
    const statistic = weightedMean([1, 2])
    expect(() => twoWayBootstrapInterval({ rows: [0, 0], columns: [0, 1] }, statistic)).toThrow('number of rows is 1')
    expect(() => twoWayBootstrapInterval({ rows: [0, 1, 2], columns: [0, 1] }, statistic)).toThrow('3 rows and 2 columns')
    expect(() => twoWayBootstrapInterval({ rows: [0, 0.5], columns: [0, 1] }, statistic)).toThrow('row of cell 1 is 0.5')
  })
})
