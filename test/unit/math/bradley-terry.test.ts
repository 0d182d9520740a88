import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type BradleyTerryFit,
  fitBradleyTerry,
  outcomeChances,
  type PairRecord,
  strengthInterval,
} from '../../../src/math/bradley-terry.ts'
import { twoWayBootstrapInterval } from '../../../src/math/clusters.ts'

/** Wins of the row over the column, and ties. */
function recordsOf(wins: readonly (readonly number[])[], ties: readonly (readonly number[])[] = []): PairRecord[] {
  return wins.flatMap((row, first) =>
    row.flatMap((firstWins, second) =>
      first < second ? [{ first, second, firstWins, secondWins: wins[second]![first]!, ties: ties[first]?.[second] ?? 0 }] : [],
    ),
  )
}

const two = (firstWins: number, secondWins: number, ties: number) => [{ first: 0, second: 1, firstWins, secondWins, ties }]

/** Agresti, Categorical Data Analysis, section 10.6: American League 1987, Milwaukee to Baltimore, 13 games a pair. */
const baseball = [
  [0, 7, 9, 7, 7, 9, 11],
  [6, 0, 7, 5, 11, 9, 9],
  [4, 6, 0, 7, 7, 8, 12],
  [6, 8, 6, 0, 6, 7, 10],
  [6, 2, 6, 7, 0, 7, 12],
  [4, 4, 5, 6, 6, 0, 6],
  [2, 4, 1, 3, 1, 7, 0],
]

const fourWins = [
  [0, 8, 10, 12],
  [4, 0, 7, 9],
  [3, 5, 0, 6],
  [1, 2, 7, 0],
]
const fourTies = [
  [0, 3, 2, 2],
  [3, 0, 4, 4],
  [2, 4, 0, 5],
  [2, 4, 5, 0],
]

describe('Bradley-Terry without ties', () => {
  const fit = fitBradleyTerry(7, recordsOf(baseball))!

  it('gives the published strengths of the baseball teams, against the last', () => {
    const published = [1.58, 1.44, 1.29, 1.25, 1.11, 0.68, 0]
    const againstLast = Array.from(fit.strengths, (strength) => strength - fit.strengths[6]!)
    for (const [team, value] of published.entries()) expect(Math.abs(againstLast[team]! - value)).toBeLessThan(0.0051)
    expect(fit.tie).toBe(0)
  })

  it('gives the standard errors of another implementation, with intervals 1.96 of them wide', () => {
    // From the numeric second derivatives of the likelihood at scipy's maximum.
    const [low, high] = strengthInterval(fit, 0, { against: 6 })
    expect((high - low) / (2 * 1.959963984540054)).toBeCloseTo(0.343256, 5)
    const [lowToMean, highToMean] = strengthInterval(fit, 6)
    expect((highToMean - lowToMean) / (2 * 1.959963984540054)).toBeCloseTo(0.232462, 5)
    expect((lowToMean + highToMean) / 2).toBeCloseTo(-1.050203, 5)
  })
})

describe('Davidson model', () => {
  it('of two contestants has the closed form: log odds of the wins, nu = ties / sqrt(wins x wins)', () => {
    const fit = fitBradleyTerry(2, two(9, 4, 3))!
    expect(fit.strengths[0]! - fit.strengths[1]!).toBeCloseTo(Math.log(9 / 4), 10)
    expect(fit.tie).toBeCloseTo(3 / 6, 10)
    // The variance of a log odds, ties left aside.
    const [low, high] = strengthInterval(fit, 0, { against: 1 })
    expect((high - low) / (2 * 1.959963984540054)).toBeCloseTo(Math.sqrt(1 / 9 + 1 / 4), 10)
    expect(outcomeChances(fit, 0, 1)).toEqual([9, 4, 3].map((count) => expect.closeTo(count / 16, 10)))
  })

  it('of four contestants is the maximum that another optimiser finds', () => {
    const fit = fitBradleyTerry(4, recordsOf(fourWins, fourTies))!
    const expected = [1.093014, 0.217538, -0.492598, -0.817954]
    for (const [i, value] of expected.entries()) expect(fit.strengths[i]).toBeCloseTo(value, 5)
    expect(Math.log(fit.tie)).toBeCloseTo(-0.462593, 5)
    const errors = [0.310564, 0.269788, 0.266678, 0.282202]
    for (const [i, value] of errors.entries()) expect(Math.sqrt(fit.covariance[i * 5]!)).toBeCloseTo(value, 5)
  })

  it('expects as many wins, half counted for ties, and as many ties as were seen', () => {
    const records = recordsOf(fourWins, fourTies)
    const fit = fitBradleyTerry(4, records)!
    const [points, expectedPoints] = [new Float64Array(4), new Float64Array(4)]
    let [ties, expectedTies] = [0, 0]
    for (const record of records) {
      const count = record.firstWins + record.secondWins + record.ties
      const [win, loss, tie] = outcomeChances(fit, record.first, record.second)
      points[record.first]! += record.firstWins + record.ties / 2
      points[record.second]! += record.secondWins + record.ties / 2
      expectedPoints[record.first]! += count * (win + tie / 2)
      expectedPoints[record.second]! += count * (loss + tie / 2)
      ties += record.ties
      expectedTies += count * tie
    }
    for (let i = 0; i < 4; i++) expect(expectedPoints[i]).toBeCloseTo(points[i]!, 7)
    expect(expectedTies).toBeCloseTo(ties, 7)
  })

  it('does not change when a record is split or its sides are exchanged', () => {
    const records = recordsOf(fourWins, fourTies)
    const exchanged = records.map(({ first, second, firstWins, secondWins, ties }) => {
      return { first: second, second: first, firstWins: secondWins, secondWins: firstWins, ties }
    })
    const halved = records.map((r) => ({ ...r, firstWins: r.firstWins / 2, secondWins: r.secondWins / 2, ties: r.ties / 2 }))
    const fit = fitBradleyTerry(4, records)!
    for (const other of [fitBradleyTerry(4, exchanged)!, fitBradleyTerry(4, [...halved, ...halved])!]) {
      for (let i = 0; i < 4; i++) expect(other.strengths[i]).toBeCloseTo(fit.strengths[i]!, 8)
      expect(other.tie).toBeCloseTo(fit.tie, 8)
    }
  })

  it('finds all equal where everything is balanced', () => {
    const fit = fitBradleyTerry(
      3,
      recordsOf(
        [
          [0, 2, 2],
          [2, 0, 2],
          [2, 2, 0],
        ],
        [
          [0, 4, 4],
          [4, 0, 4],
          [4, 4, 0],
        ],
      ),
    )!
    for (const strength of fit.strengths) expect(strength).toBeCloseTo(0, 12)
    expect(fit.tie).toBeCloseTo(2, 9)
  })
})

describe('where the likelihood has no finite maximum', () => {
  it.each([
    ['one never lost', 2, two(5, 0, 0)],
    ['one never lost but tied, and could win ever more', 2, two(5, 0, 3)],
    ['all tied', 2, two(0, 0, 4)],
    ['two pairs never met', 4, [...two(2, 1, 0), { first: 2, second: 3, firstWins: 1, secondWins: 2, ties: 0 }]],
    ['one never played', 3, two(2, 1, 0)],
    ['nothing was played', 2, []],
  ])('there is none: %s', (_, contestants, records) => {
    expect(fitBradleyTerry(contestants, records)).toBeNull()
  })

  it('a tie can close a circle of wins', () => {
    // A beats B, B beats C, C ties with A: scipy's maximum.
    const records = recordsOf(
      [
        [0, 5, 0],
        [0, 0, 4],
        [0, 0, 0],
      ],
      [
        [0, 0, 2],
        [0, 0, 0],
        [2, 0, 0],
      ],
    )
    const fit = fitBradleyTerry(3, records)!
    for (const [i, value] of [2.077934, -0.136511, -1.941423].entries()) expect(fit.strengths[i]).toBeCloseTo(value, 4)
    expect(Math.log(fit.tie)).toBeCloseTo(-0.238295, 4)
  })
})

describe('small samples', () => {
  const count = fc.integer({ min: 0, max: 3 })
  const game = (first: number, second: number) =>
    fc.record({ firstWins: count, secondWins: count, ties: count }).map((c) => ({ first, second, ...c }))
  const points = (records: readonly PairRecord[], contestant: number, of: (record: PairRecord) => [number, number, number]) => {
    return records.reduce((sum, record) => {
      const [win, loss, tie] = of(record)
      return sum + (record.first === contestant ? win + tie / 2 : record.second === contestant ? loss + tie / 2 : 0)
    }, 0)
  }

  it('have either no estimate, or one that expects what was seen', () => {
    let fitted = 0
    fc.assert(
      fc.property(fc.tuple(game(0, 1), game(0, 2), game(1, 2)), (records) => {
        const fit = fitBradleyTerry(3, records)
        if (fit === null) return
        fitted++
        for (const contestant of [0, 1, 2]) {
          const seen = points(records, contestant, (r) => [r.firstWins, r.secondWins, r.ties])
          const expected = points(records, contestant, (r) => {
            const [win, loss, tie] = outcomeChances(fit, r.first, r.second)
            const total = r.firstWins + r.secondWins + r.ties
            return [win * total, loss * total, tie * total]
          })
          expect(expected).toBeCloseTo(seen, 7)
        }
      }),
      { numRuns: 500, seed: 1 },
    )
    expect(fitted).toBeGreaterThan(100)
  })
})

describe('with the two-way bootstrap', () => {
  it('gives an interval over raters and prompts around the estimate', () => {
    // Every rater judges every prompt once; of six votes three go to the first, two to the second, one is a tie.
    const cells = Array.from({ length: 20 * 15 }, (_, i) => ({ rater: Math.floor(i / 15), prompt: i % 15, outcome: (7 * i) % 6 }))
    const difference = (weights: ArrayLike<number>) => {
      const counts = [0, 0, 0]
      for (const [i, { outcome }] of cells.entries()) counts[outcome < 3 ? 0 : outcome < 5 ? 1 : 2]! += weights[i]!
      const fit: BradleyTerryFit | null = fitBradleyTerry(2, two(counts[0]!, counts[1]!, counts[2]!))
      return fit === null ? Number.NaN : fit.strengths[0]! - fit.strengths[1]!
    }
    const crossed = { rows: cells.map(({ rater }) => rater), columns: cells.map(({ prompt }) => prompt) }
    const [low, high] = twoWayBootstrapInterval(crossed, difference, { resamples: 300 })
    const estimate = difference(new Float64Array(cells.length).fill(1))
    expect(estimate).toBeCloseTo(Math.log(3 / 2), 1)
    expect(low).toBeLessThan(estimate)
    expect(high).toBeGreaterThan(estimate)
  })
})

describe('records', () => {
  it('are refused where a contestant is unknown or meets itself, or a count is negative or NaN', () => {
    expect(() => fitBradleyTerry(1, [])).toThrow('contestants is 1')
    expect(() => fitBradleyTerry(2, [{ first: 0, second: 2, firstWins: 1, secondWins: 1, ties: 0 }])).toThrow(
      'second contestant of record 0 is 2',
    )
    expect(() => fitBradleyTerry(2, [{ first: 1, second: 1, firstWins: 1, secondWins: 1, ties: 0 }])).toThrow('with itself')
    expect(() => fitBradleyTerry(2, two(-1, 1, 0))).toThrow('counts -1')
    expect(() => fitBradleyTerry(2, two(1, Number.NaN, 0))).toThrow('counts NaN')
  })
})
