import { describe, expect, it } from 'vitest'
import { antiSteeredShare, DEFAULT_UNIT, DOSES, doseUnit, summariseDoses } from '../../../../src/eval/behaviour/dose-response.ts'

/** KL is four times the dose unless said. */
const points = (scores: readonly number[], kl = (dose: number) => 4 * dose) =>
  scores.map((score, i) => ({ dose: DOSES[i]!, alpha: 2 * DOSES[i]!, klP95: kl(DOSES[i]!), score }))

describe('dose-response', () => {
  it('of a straight line is perfect: it rises in every step and has the slope of the line over KL', () => {
    const summary = summariseDoses(points(DOSES.map((dose) => 1 + 2 * dose)), 'high')
    expect(summary).toEqual({
      spearman: expect.closeTo(1, 12),
      rSquared: expect.closeTo(1, 12),
      slopePerKl: expect.closeTo(0.5, 12),
      monotoneShare: 1,
      overshootAt: null,
    })
  })

  it('is counted towards the pole: the same scores at the other one are wrong from the start', () => {
    const rising = points(DOSES.map((dose) => dose))
    expect(summariseDoses(rising, 'low')).toMatchObject({ spearman: -1, monotoneShare: 0, overshootAt: 0 })
    const falling = points(DOSES.map((dose) => -dose))
    expect(summariseDoses(falling, 'low')).toEqual(summariseDoses(rising, 'high'))
  })

  it('overshoots at the dose after which every step falls, not where it falls once', () => {
    expect(summariseDoses(points([0, 1, 0.5, 2, 3, 2.5, 2, 1, 0]), 'high').overshootAt).toBe(1)
    expect(summariseDoses(points([0, 1, 0.5, 2, 3, 2.5, 2, 1, 1.5]), 'high').overshootAt).toBeNull()
    expect(summariseDoses(points([0, 1, 2, 3, 4, 5, 6, 7, 6]), 'high').overshootAt).toBe(1.75)
  })

  it('gives the share of rising steps and the correlations of a curve that bends', () => {
    // Ranks 1..5 of three doses by hand: scores 0 2 1: rank correlation .5, Pearson .5.
    const summary = summariseDoses(points([0, 2, 1]), 'high')
    expect(summary).toMatchObject({ spearman: 0.5, rSquared: expect.closeTo(0.25, 12), monotoneShare: 0.5, overshootAt: 0.25 })
  })

  it('of a score that does not move has no correlation, and of a model that is not moved no slope', () => {
    const flat = summariseDoses(points(DOSES.map(() => 1)), 'high')
    expect(flat).toEqual({ spearman: null, rSquared: null, slopePerKl: 0, monotoneShare: 0, overshootAt: null })
    const rising = points(
      DOSES.map((dose) => dose),
      () => 0,
    )
    expect(summariseDoses(rising, 'high').slopePerKl).toBeNull()
  })

  it('counts in the selected alpha, whatever its sign, and in the default unit where none was selected', () => {
    expect([doseUnit(2), doseUnit(-4), doseUnit(0)]).toEqual([2, -4, DEFAULT_UNIT])
  })

  it('counts statements that moved away from the pole, not those that stayed', () => {
    expect(antiSteeredShare([0, 0, 0, 0], [1, -1, 0, -0.1], 'high')).toBe(0.5)
    expect(antiSteeredShare([0, 0, 0, 0], [1, -1, 0, -0.1], 'low')).toBe(0.25)
  })
})
