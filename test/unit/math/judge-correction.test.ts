import { describe, expect, it } from 'vitest'
import { correctedRate, predictionPoweredMean } from '../../../src/math/judge-correction.ts'
import { gaussian, seededRandom } from '../../../src/math/random.ts'

describe('prediction-powered mean', () => {
  it('by hand: 3 of the judge + 1/2 of correction, variance 8/3/4 + 1/3/4', () => {
    // Judge 1, 3, 3, 5: variance 8/3. Corrections 0, 0, 1, 1: variance 1/3.
    const result = predictionPoweredMean({ judged: [1, 3, 3, 5], human: [2, 4, 3, 5], judgedToo: [2, 4, 2, 4] })
    expect(result.mean).toBeCloseTo(3.5, 14)
    expect(result.standardError).toBeCloseTo(Math.sqrt(8 / 3 / 4 + 1 / 3 / 4), 14)
    const reach = 1.959963984540054 * Math.sqrt(0.75)
    expect(result.interval).toEqual([expect.closeTo(3.5 - reach, 12), expect.closeTo(3.5 + reach, 12)])
  })

  it('takes any constant bias of the judge away', () => {
    const honest = predictionPoweredMean({ judged: [1, 3, 3, 5], human: [2, 4, 3], judgedToo: [2, 4, 2] })
    const biased = predictionPoweredMean({ judged: [11, 13, 13, 15], human: [2, 4, 3], judgedToo: [12, 14, 12] })
    expect(biased.mean).toBeCloseTo(honest.mean, 12)
    expect(biased.standardError).toBeCloseTo(honest.standardError, 12)
  })

  it('covers the true mean in about 95 of 100 cases, with a judge that is half right', () => {
    const random = seededRandom(1)
    let covered = 0
    for (let trial = 0; trial < 1000; trial++) {
      const truth = Array.from({ length: 260 }, () => gaussian(random))
      const judge = truth.map((value) => 0.7 + 0.5 * value + 0.5 * gaussian(random))
      const parts = { judged: judge.slice(60), human: truth.slice(0, 60), judgedToo: judge.slice(0, 60) }
      const { interval } = predictionPoweredMean(parts)
      if (interval[0] <= 0 && 0 <= interval[1]) covered++
    }
    // Standard error .007: four of them.
    expect(Math.abs(covered / 1000 - 0.95)).toBeLessThan(0.028)
  })

  it('refuses one label, unequal lists and NaN', () => {
    expect(() => predictionPoweredMean({ judged: [1, 2], human: [1], judgedToo: [1] })).toThrow('at least 2')
    expect(() => predictionPoweredMean({ judged: [1, 2], human: [1, 2], judgedToo: [1] })).toThrow('2 and 1 numbers')
    expect(() => predictionPoweredMean({ judged: [1, Number.NaN], human: [1, 2], judgedToo: [1, 2] })).toThrow('NaN at 1')
  })
})

describe('corrected rate', () => {
  it('gives the example of the protocol', () => {
    expect(correctedRate(0.68, { sensitivity: 0.9, specificity: 0.8 })).toBeCloseTo(0.685714, 6)
  })

  it('undoes the judge: rate = truth x sensitivity + (1 - truth) (1 - specificity)', () => {
    expect(correctedRate(0.3 * 0.85 + 0.7 * 0.25, { sensitivity: 0.85, specificity: 0.75 })).toBeCloseTo(0.3, 14)
  })

  it('stays a rate', () => {
    expect(correctedRate(0.05, { sensitivity: 0.9, specificity: 0.8 })).toBe(0)
    expect(correctedRate(0.95, { sensitivity: 0.9, specificity: 0.8 })).toBe(1)
  })

  it('has no value where the judge is no better than chance', () => {
    expect(correctedRate(0.5, { sensitivity: 0.6, specificity: 0.4 })).toBeNaN()
  })

  it('refuses what is no probability', () => {
    expect(() => correctedRate(1.1, { sensitivity: 0.9, specificity: 0.8 })).toThrow('rate is 1.1')
    expect(() => correctedRate(0.5, { sensitivity: Number.NaN, specificity: 0.8 })).toThrow('sensitivity is NaN')
  })
})
