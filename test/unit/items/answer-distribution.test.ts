import { describe, expect, it } from 'vitest'
import { argmaxAnswer, expectedAnswer, medianAnswer, rankedProbabilityScore } from '../../../src/items/answer-distribution.ts'

const example = [0.1, 0.2, 0.4, 0.2, 0.1]
const certain = (answer: number) => [1, 2, 3, 4, 5].map((k) => (k === answer ? 1 : 0))
const ANSWERS = [1, 2, 3, 4, 5] as const

describe('answer distribution', () => {
  it('that is certain has that answer as argmax, median and mean, and a score of 0', () => {
    for (const answer of ANSWERS) {
      const point = certain(answer)
      expect([argmaxAnswer(point), medianAnswer(point), expectedAnswer(point)]).toEqual([answer, answer, answer])
      expect(rankedProbabilityScore(point, answer)).toBe(0)
    }
  })

  it('that is certain and wrong scores its distance from the answer', () => {
    expect(ANSWERS.map((answer) => rankedProbabilityScore(certain(2), answer))).toEqual([1, 0, 1, 2, 3])
  })

  it('of the example has mean 3.0 and scores .60 against answer 4', () => {
    expect(expectedAnswer(example)).toBeCloseTo(3, 12)
    expect(rankedProbabilityScore(example, 4)).toBeCloseTo(0.6, 12)
  })

  it('need not be normalised for argmax, median and mean', () => {
    const skewed = [0.05, 0.1, 0.15, 0.3, 0.4]
    const scaled = skewed.map((p) => p * 0.01)
    expect([argmaxAnswer(scaled), medianAnswer(scaled)]).toEqual([5, 4])
    expect(expectedAnswer(scaled)).toBeCloseTo(expectedAnswer(skewed), 12)
  })

  it('has its median where half of the mass is reached, its argmax at the lowest of equals', () => {
    expect(medianAnswer([0.5, 0, 0, 0, 0.5])).toBe(1)
    expect(argmaxAnswer([0.1, 0.4, 0.1, 0.4, 0])).toBe(2)
  })

  it('has a median that minimises the expected absolute error', () => {
    const distribution = [0.3, 0.15, 0.1, 0.2, 0.25]
    const loss = (y: number) => distribution.reduce((sum, p, k) => sum + p * Math.abs(y - (k + 1)), 0)
    expect(loss(medianAnswer(distribution))).toBe(Math.min(...ANSWERS.map(loss)))
    expect(medianAnswer(distribution)).not.toBe(argmaxAnswer(distribution))
  })
})
