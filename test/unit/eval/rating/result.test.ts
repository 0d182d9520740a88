import { describe, expect, it } from 'vitest'
import { designRating } from '../../../../src/eval/rating/design.ts'
import { formatRatings } from '../../../../src/eval/rating/format-ratings.ts'
import { type Ballot, type Choice, countBallot, type PlacedRating } from '../../../../src/eval/rating/ratings.ts'
import { parseRatingsResult, ratingsResult } from '../../../../src/eval/rating/result.ts'
import { seededRandom } from '../../../../src/math/random.ts'
import { DESIGN, keyOf, promptsOf, vote } from './studies.ts'

const options = { seed: 5, version: '0.0.0', resamples: 400 }

const key = keyOf([
  [10, 4],
  [10, 20],
  [5, 5],
  [8, 3],
])
const ballot: Ballot = {
  raters: ['x', 'y'],
  dropped: [{ rater: 'z', checks: 2, failed: 1 }],
  votes: [
    vote('x', 0, 'first', 1),
    vote('x', 1, 'first', 2),
    vote('x', 2, 'tie', 3),
    vote('x', 3, 'second', 4),
    vote('y', 0, 'first', 2),
    vote('y', 1, 'second', 2),
    vote('y', 2, 'first', 3),
    vote('y', 3, 'both-bad', 4),
  ],
  repeats: [
    { before: vote('x', 0, 'first'), again: vote('x', 0, 'first') },
    { before: vote('x', 1, 'first'), again: vote('x', 1, 'tie') },
    { before: vote('y', 0, 'first'), again: vote('y', 0, 'first') },
    { before: vote('y', 2, 'first'), again: vote('y', 2, 'first') },
  ],
}

describe('result of raters, worked by hand', () => {
  const result = ratingsResult(key, ballot, options)

  it('counts outcomes; ties and both-bad are half a win', () => {
    const [pair] = result.pairs
    expect(pair).toMatchObject({ first: 'a', second: 'b', wins: 4, losses: 2, ties: 1, bothBad: 1 })
    // (4 + 2 / 2) / 8
    expect(pair!.winRate.value).toBe(0.625)
    expect(pair!.winRate.interval[0]).toBeLessThan(0.625)
    expect(pair!.winRate.interval[1]).toBeGreaterThan(0.625)
  })

  it('gives decisive votes the interval of Wilson', () => {
    const { value, interval } = result.pairs[0]!.decisive
    expect(value).toBeCloseTo(4 / 6, 12)
    expect(interval[0]).toBeCloseTo(0.29999, 4)
    expect(interval[1]).toBeCloseTo(0.90323, 4)
  })

  it('two arms have strengths of half the log odds, and nu is ties over the root of wins times losses', () => {
    expect(result.strengths.map(({ arm }) => arm)).toEqual(['a', 'b'])
    expect(result.strengths[0]!.value).toBeCloseTo(Math.log(2) / 2, 9)
    expect(result.strengths[1]!.value).toBeCloseTo(-Math.log(2) / 2, 9)
    expect(result.tie).toBeCloseTo(2 / Math.sqrt(8), 9)
  })

  it('agreement is what the tables of coincidences say', () => {
    const { krippendorffNominal, krippendorffOrdinal, weightedKappa } = result.agreement
    // Three of four units disagree: 6 ordered pairs observed; expected (64 - 16 - 4 - 1 - 1) / 7 = 6.
    expect(krippendorffNominal.value).toBeCloseTo(0, 12)
    // Places .5, 2.5, 5, 7; observed 2 * 4, expected 2 * 312 / 7.
    expect(krippendorffOrdinal.value).toBeCloseTo(1 - 8 / (624 / 7), 12)
    // Observed 1, expected 32 / 4.
    expect(weightedKappa).toEqual([{ raters: ['x', 'y'], value: 0.875, n: 4 }])
  })

  it('the intraclass correlation is that of the analysis of variance', () => {
    // Mean squares: answers 7.375 / 3, raters .125, error .125.
    const { icc } = result.agreement
    expect(icc).toMatchObject({ form: 'ICC(2,k)', targets: 4, raters: 2 })
    expect(icc!.single.value).toBeCloseTo((7.375 / 3 - 0.125) / (7.375 / 3 + 0.125), 9)
    expect(icc!.average.value).toBeCloseTo((7.375 / 3 - 0.125) / (7.375 / 3), 9)
  })

  it('other raters for each answer make it the one-way form', () => {
    const votes = [...ballot.votes, ...[0, 1, 2, 3].map((comparison) => vote('w', comparison, 'tie', undefined, comparison + 1))]
    expect(ratingsResult(key, { ...ballot, votes, raters: ['w', 'x', 'y'] }, options).agreement.icc).toMatchObject({
      form: 'ICC(1,k)',
      targets: 4,
      raters: 2,
    })
  })

  it('counts how often a rater chose the same again', () => {
    expect(result.repeatConsistency).toMatchObject({
      value: 0.75,
      raters: [
        { rater: 'x', repeats: 2, same: 1 },
        { rater: 'y', repeats: 2, same: 2 },
      ],
    })
  })

  it('measures by how much preferred answers are longer', () => {
    // 6 - 10 - 5 + 6 + 10 + 0 over six decisive votes; of the five of unequal length three went to the longer answer.
    expect(result.lengthOfWinners.difference.value).toBeCloseTo(7 / 6, 12)
    expect(result.lengthOfWinners.longerWon.value).toBe(0.6)
  })

  it('says what six decisive votes can detect: nothing', () => {
    expect(result.power).toEqual({ decisivePairs: 6, detectable: null })
  })

  it('reads back from its JSON, and shows every arm and who was dropped', () => {
    expect(parseRatingsResult(JSON.parse(JSON.stringify(result)))).toEqual(result)
    expect(formatRatings(result)).toMatch(/a against b: 4 won, 2 lost, 1 alike, 1 both bad/)
    expect(formatRatings(result)).toContain('z: 1 of 2 checks failed')
  })

  it('refuses what is none, and a ballot without votes', () => {
    expect(() => parseRatingsResult({ ...result, pairs: [{}] })).toThrow(/pairs\.0/)
    expect(() => ratingsResult(key, { ...ballot, votes: [] }, options)).toThrow(/no vote/)
  })
})

describe('result of few raters', () => {
  it('of one rater draws prompts alone, and knows no agreement', () => {
    const votes = ballot.votes.filter(({ rater }) => rater === 'x')
    const { pairs, agreement } = ratingsResult(key, { votes, raters: ['x'], dropped: [], repeats: [] }, options)
    expect(pairs[0]!.winRate.value).toBe(0.625)
    expect(pairs[0]!.winRate.interval[0]).toBeLessThan(0.625)
    expect(agreement).toEqual({
      krippendorffOrdinal: { value: null, interval: [null, null] },
      krippendorffNominal: { value: null, interval: [null, null] },
      weightedKappa: [],
      icc: null,
    })
  })

  it('of one vote has no interval but that of Wilson, and no strengths', () => {
    const { pairs, strengths } = ratingsResult(
      key,
      { votes: [vote('x', 0, 'first')], raters: ['x'], dropped: [], repeats: [] },
      options,
    )
    expect(pairs[0]!.winRate).toEqual({ value: 1, interval: [null, null] })
    expect(strengths.map(({ value }) => value)).toEqual([null, null])
  })
})

/** Raters who see only what the package shows, and prefer by the letter of the text, with Davidson's chances. */
async function simulatedStudy(seed: number, truth: readonly number[], nu: number) {
  const design = await designRating(promptsOf(40, ['arm-a', 'arm-b', 'arm-c']), { ...DESIGN, raters: 12, pairs: 30, seed })
  const random = seededRandom(seed + 1000)
  const strength = (text: string) => truth['abc'.indexOf(text.split(' ')[1]!)]!
  const shown = new Map(design.package.tasks.map((task) => [task.task, task]))
  const choose = (left: string, right: string): Choice => {
    const check = [left, right].findIndex((text) => text.includes('check of attention'))
    if (check >= 0) return check === 0 ? 'left' : 'right'
    const difference = strength(left) - strength(right)
    const [win, loss] = [Math.exp(difference / 2), Math.exp(-difference / 2)]
    const drawn = random() * (win + loss + nu)
    return drawn < win ? 'left' : drawn < win + loss ? 'right' : 'tie'
  }
  const ratings = Object.entries(design.package.assignments).flatMap(([rater, order]) =>
    order.map((task): PlacedRating => {
      const { left, right } = shown.get(task)!
      return { place: task, rating: { package: design.package.id, rater, task, choice: choose(left, right) } }
    }),
  )
  return ratingsResult(design.key, countBallot(design.key, ratings), { ...options, seed })
}

describe('simulated raters of known preference', () => {
  const truth = [0.8, 0, -0.8]

  it('give back the order of the arms, and intervals that cover the truth as often as they say (seeds 1 to 20)', async () => {
    let covered = 0
    for (let seed = 1; seed <= 20; seed++) {
      const { strengths, dropped, votes } = await simulatedStudy(seed, truth, 0.5)
      expect(dropped).toEqual([])
      expect(votes).toBe(360)
      expect([...strengths].sort((a, b) => b.value! - a.value!).map(({ arm }) => arm)).toEqual(['arm-a', 'arm-b', 'arm-c'])
      for (const [arm, { interval }] of strengths.entries())
        covered += interval[0]! <= truth[arm]! && truth[arm]! <= interval[1]! ? 1 : 0
    }
    // 57 of 60 are expected at 95 %; the three of a study hang together, hence the room below.
    expect(covered).toBeGreaterThanOrEqual(52)
  })

  it('without a preference show none, whatever the side (seed 3)', async () => {
    const { pairs } = await simulatedStudy(3, [0, 0, 0], 0.5)
    for (const { winRate } of pairs) {
      expect(winRate.interval[0]).toBeLessThan(0.5)
      expect(winRate.interval[1]).toBeGreaterThan(0.5)
    }
  })
})
