import { describe, expect, it } from 'vitest'
import {
  argmax,
  brierScore,
  mutualInformation,
  perByte,
  perCharacter,
  truthfulMass,
} from '../../../../src/eval/capability/metrics.ts'

describe('measures of a multiple-choice document', () => {
  it('take the first of equals', () => {
    expect(argmax([-2, -1, -1])).toBe(1)
  })

  it('count characters as code points and bytes as UTF-8', () => {
    expect(perCharacter([-6, -6, -6], ['ab', 'né', '🌊'])).toEqual([-3, -3, -6])
    expect(perByte([-6, -6, -6], ['ab', 'né', '🌊'])).toEqual([-3, -2, -1.5])
  })

  it('subtract what a choice is worth without the context', () => {
    expect(mutualInformation([-3, -4], [-1, -5])).toEqual([-2, 1])
  })

  it('have a Brier score of 1 - 1/k where all choices are alike, and of 0 for certainty', () => {
    expect(brierScore([-5, -5, -5, -5], 2)).toBeCloseTo(0.75, 12)
    expect(brierScore([-1000, 0], 1)).toBe(0)
    // p = 3/4 and 1/4, the second is right: 9/16 + 9/16.
    expect(brierScore([Math.log(3), 0], 1)).toBeCloseTo(1.125, 12)
  })

  it('give true answers the share of likelihood that they have', () => {
    const answers = [-1, -2, -3].map((logLikelihood, i) => ({ logLikelihood, isTrue: i < 2 }))
    expect(truthfulMass(answers)).toBeCloseTo(0.909969, 6)
    const far = answers.map(({ logLikelihood, isTrue }) => ({ logLikelihood: logLikelihood - 2000, isTrue }))
    expect(truthfulMass(far)).toBeCloseTo(truthfulMass(answers), 12)
  })
})
