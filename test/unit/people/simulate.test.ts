import { describe, expect, it } from 'vitest'
import { respondentCount, scoreMatrix } from '../../../src/items/answer-matrix.ts'
import { IPIP_NEO_120, IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { JOHNSON_NORMS_300 } from '../../../src/items/norms.ts'
import type { Questionnaire } from '../../../src/items/questionnaire.ts'
import { cronbachAlpha } from '../../../src/items/reliability.ts'
import { SD3 } from '../../../src/items/sd3.ts'
import { profile } from '../../../src/people/profile.ts'
import { respondentsOf } from '../../../src/people/sample.ts'
import { simulateRespondents, simulateSample } from '../../../src/people/simulate.ts'

const mean = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length
const covariance = (a: readonly number[], b: readonly number[]) => mean(a.map((x, i) => x * b[i]!)) - mean(a) * mean(b)
const correlation = (a: readonly number[], b: readonly number[]) =>
  covariance(a, b) / Math.sqrt(covariance(a, a) * covariance(b, b))

const sample = simulateSample({ count: 1000, seed: 11, questionnaire: IPIP_NEO_300 })

describe('simulated respondents', () => {
  it('are the same for the same seed, and the first of many are those of few', () => {
    const few = simulateSample({ count: 10, seed: 11, questionnaire: IPIP_NEO_300 })
    expect(few.values).toEqual(sample.values.slice(0, 3000))
    expect(few.age).toEqual(sample.age.slice(0, 10))
    expect(simulateSample({ count: 10, seed: 12, questionnaire: IPIP_NEO_300 }).values).not.toEqual(few.values)
  })

  it('answer everything from 1 to 5 and are adults of stated sex', () => {
    for (const questionnaire of [IPIP_NEO_300, IPIP_NEO_120, SD3]) {
      const people = simulateRespondents({ count: 20, seed: 3, questionnaire })
      expect(people).toHaveLength(20)
      for (const person of people) {
        expect(person.answers.byItem.size).toBe(questionnaire.items.length)
        expect([...person.answers.byItem.values()].every((answer) => answer >= 1 && answer <= 5)).toBe(true)
        expect(['male', 'female']).toContain(person.sex)
        expect(person.age).toBeGreaterThanOrEqual(18)
      }
    }
  })

  it('have domain correlations like people', () => {
    const { raw, scales } = scoreMatrix(sample)
    const domain = (code: string) => {
      const column = scales.findIndex((scale) => scale.code === code)
      return Array.from({ length: respondentCount(sample) }, (_, row) => raw[row * scales.length + column]!)
    }
    // Standard error of a correlation of 1,000 persons is at most .032, and items attenuate by a few hundredths.
    for (const [pair, r] of [
      ['CN', -0.584],
      ['EN', -0.508],
      ['AC', 0.438],
      ['EO', 0.365],
      ['NO', -0.096],
      ['CO', -0.059],
    ] as const) {
      expect(Math.abs(correlation(domain(pair[0]!), domain(pair[1]!)) - r)).toBeLessThan(0.13)
    }
  })

  it('are as consistent as the population: domains .89 to .97, facets .80 to .90', () => {
    for (const domain of IPIP_NEO_300.domains) {
      expect(cronbachAlpha(sample, domain)).toBeGreaterThan(0.89)
      expect(cronbachAlpha(sample, domain)).toBeLessThan(0.97)
    }
    for (const facet of IPIP_NEO_300.facets) {
      expect(cronbachAlpha(sample, facet)).toBeGreaterThan(0.8)
      expect(cronbachAlpha(sample, facet)).toBeLessThan(0.9)
    }
  })

  it('have T scores around 50 with a deviation around 10', () => {
    const profiles = respondentsOf(sample).map((person) => profile(person, { norms: JOHNSON_NORMS_300 }))
    IPIP_NEO_300.domains.forEach((_, index) => {
      const scores = profiles.map((person) => {
        const scale = person.domains[index]!
        return scale.kind === 'normed' ? scale.t : Number.NaN
      })
      // Rounding and cutting at 1 and 5 move means by up to a quarter of a deviation; the aim is plausible, not exact.
      expect(Math.abs(mean(scores) - 50)).toBeLessThan(3.5)
      expect(Math.sqrt(covariance(scores, scores))).toBeGreaterThan(8)
      expect(Math.sqrt(covariance(scores, scores))).toBeLessThan(12)
    })
  })

  it('spread over the answers like ordinary people: item deviation near 1.14, 20 to 40 % extreme answers', () => {
    const width = IPIP_NEO_300.items.length
    const answersTo = (column: number) =>
      Array.from({ length: respondentCount(sample) }, (_, row) => sample.values[row * width + column]!)
    const deviations = IPIP_NEO_300.items.map((_, column) => Math.sqrt(covariance(answersTo(column), answersTo(column))))
    expect(Math.abs(mean(deviations) - 1.14)).toBeLessThan(0.1)
    const extreme = sample.values.filter((value) => value === 1 || value === 5).length / sample.values.length
    expect(extreme).toBeGreaterThan(0.2)
    expect(extreme).toBeLessThan(0.4)
  })

  it('need a known questionnaire', () => {
    const questionnaire: Questionnaire = { ...SD3, id: 'unknown' }
    expect(() => simulateSample({ count: 1, seed: 1, questionnaire })).toThrow('questionnaire unknown has no population')
  })
})
