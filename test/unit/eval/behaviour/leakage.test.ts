import { describe, expect, it } from 'vitest'
import { leakageOf } from '../../../../src/eval/behaviour/leakage.ts'
import { humanCorrelation, TRAIT_IDS } from '../../../../src/eval/behaviour/traits.ts'

describe('leakage', () => {
  it('of a model that moves traits as people have them is no excess at all', () => {
    const traits = TRAIT_IDS.slice(0, 5)
    const effects = traits.map((steered, i) => traits.map((measured) => (i + 1) * humanCorrelation(steered, measured)!))
    const { excess } = leakageOf(traits, traits, effects)
    expect(excess).toEqual(traits.map(() => traits.map(() => expect.closeTo(0, 12))))
  })

  it('separates what is human-like from the rest', () => {
    const { excess, offDiagonalRatio } = leakageOf(
      ['conscientiousness', 'neuroticism'],
      ['conscientiousness', 'neuroticism', 'openness'],
      [
        [2, -1, 0.5],
        [0, 1, -1],
      ],
    )
    // C-N -.584, C-O -.059, N-O -.096.
    const expected = [
      [0, -1 + 2 * 0.584, 0.5 + 2 * 0.059],
      [0.584, 0, -1 + 0.096],
    ]
    expect(excess).toEqual(expected.map((row) => row.map((value) => expect.closeTo(value, 12))))
    // (1 + .5 + 0 + 1) / 4 over (2 + 1) / 2
    expect(offDiagonalRatio).toBeCloseTo(0.625 / 1.5, 12)
  })

  it('has no excess where no correlation over persons is known, and no ratio without another trait or an effect', () => {
    const { excess } = leakageOf(['openness'], ['openness', 'psychopathy'], [[1, 1]])
    expect(excess).toEqual([[0, null]])
    expect(leakageOf(['openness'], ['openness'], [[1]]).offDiagonalRatio).toBeNull()
    expect(leakageOf(['openness'], ['openness', 'neuroticism'], [[0, 1]]).offDiagonalRatio).toBeNull()
    expect(leakageOf(['openness'], ['openness', 'neuroticism'], [[null, 1]])).toMatchObject({
      excess: [[null, null]],
      offDiagonalRatio: null,
    })
  })
})

describe('correlations of traits over persons', () => {
  it('are symmetric, 1 with oneself, and unknown between the two questionnaires', () => {
    for (const a of TRAIT_IDS) {
      expect(humanCorrelation(a, a)).toBe(1)
      for (const b of TRAIT_IDS) expect(humanCorrelation(a, b)).toBe(humanCorrelation(b, a))
    }
    expect(humanCorrelation('extraversion', 'neuroticism')).toBe(-0.508)
    expect(humanCorrelation('machiavellianism', 'psychopathy')).toBe(0.514)
    expect(humanCorrelation('openness', 'narcissism')).toBeUndefined()
  })
})
