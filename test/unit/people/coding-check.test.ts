import { describe, expect, it } from 'vitest'
import { respondentCount } from '../../../src/items/answer-matrix.ts'
import { IPIP_NEO_120, IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { flipIfMinus } from '../../../src/items/questionnaire.ts'
import { SD3 } from '../../../src/items/sd3.ts'
import { seededRandom } from '../../../src/math/random.ts'
import { checkCoding, requireCoding, requireOwnCoding } from '../../../src/people/coding-check.ts'
import { readDarkTriad } from '../../../src/people/read-dark-triad.ts'
import { readPapi } from '../../../src/people/read-papi.ts'
import type { Sample } from '../../../src/people/sample.ts'
import { simulateSample } from '../../../src/people/simulate.ts'
import { hasSharedData, sharedBytes } from '../../shared-data.ts'

const FORMS = [IPIP_NEO_300, IPIP_NEO_120, SD3]

/** The same claim over values in the other coding. */
function reversed(sample: Sample): Sample {
  const { items } = sample.questionnaire
  const flip = (value: number, index: number) => (value === 0 ? 0 : flipIfMinus(value, items[index % items.length]!.keying))
  return { ...sample, values: sample.values.map(flip) }
}

describe('coding check', () => {
  it.each(FORMS)('confirms simulated answers and contradicts the reversed ones (%#)', (questionnaire) => {
    const sample = simulateSample({ count: 200, seed: 4, questionnaire })
    expect(checkCoding(sample).kind).toBe('confirmed')
    expect(checkCoding(reversed(sample)).kind).toBe('contradicted')
  })

  it('follows the claim: reversed values under the other name are confirmed', () => {
    const sample = simulateSample({ count: 200, seed: 4, questionnaire: IPIP_NEO_300 })
    expect(checkCoding({ ...reversed(sample), coding: 'worded' }).kind).toBe('confirmed')
  })

  it('refuses with the measured correlation, its sign and what was expected', () => {
    const sample = reversed(simulateSample({ count: 200, seed: 4, questionnaire: IPIP_NEO_300 }))
    expect(() => requireCoding(sample)).toThrow(
      expect.objectContaining({
        code: 'wrong-coding',
        message: expect.stringMatching(
          /^correlation of opposite-keyed items is -0\.\d{3} \(negative, 696 pairs, 200 respondents\), expected a positive one for keyed answers$/,
        ),
      }),
    )
  })

  it('looks at two thousand respondents of a larger file and ignores missing answers', () => {
    const sample = simulateSample({ count: 3000, seed: 4, questionnaire: SD3 })
    const random = seededRandom(9)
    const values = sample.values.map((value) => (random() < 0.1 ? 0 : value))
    expect(checkCoding({ ...sample, values })).toMatchObject({ kind: 'confirmed', respondents: 2000, pairs: 32 })
  })

  it('cannot decide with fewer than 30 respondents', () => {
    const sample = simulateSample({ count: 29, seed: 4, questionnaire: IPIP_NEO_300 })
    expect(checkCoding(reversed(sample))).toEqual({ kind: 'undecided', reason: '29 respondents, at least 30 needed' })
  })

  it('cannot decide where nobody varies', () => {
    const sample = simulateSample({ count: 40, seed: 4, questionnaire: SD3 })
    const values = sample.values.map(() => 3)
    expect(checkCoding({ ...sample, values })).toEqual({
      kind: 'undecided',
      reason: '0 of 32 item pairs vary, at least half needed',
    })
  })

  it('cannot decide on answers without structure', () => {
    const random = seededRandom(6)
    const sample = simulateSample({ count: 400, seed: 4, questionnaire: IPIP_NEO_300 })
    const values = sample.values.map(() => 1 + Math.floor(random() * 5))
    expect(checkCoding({ ...sample, values })).toMatchObject({
      kind: 'undecided',
      reason: expect.stringMatching(/^mean correlation [+-]0\.0\d\d is nearer to zero than 0\.1$/),
    })
  })
})

describe('coding of one person', () => {
  const refused = (sample: Sample) =>
    Array.from({ length: respondentCount(sample) }, (_, row) => {
      try {
        requireOwnCoding(sample, row)
        return 0
      } catch (error) {
        expect(error).toMatchObject({ code: 'wrong-coding' })
        return 1
      }
    }).reduce<number>((sum, one) => sum + one, 0)

  it.each([
    [IPIP_NEO_300, 0, 497],
    [IPIP_NEO_120, 1, 400],
  ])('is believed where it is right, and mostly found out where it is wrong (%#)', (questionnaire, most, least) => {
    const sample = simulateSample({ count: 500, seed: 9, questionnaire })
    expect(refused(sample)).toBeLessThanOrEqual(most)
    expect(refused(reversed(sample))).toBeGreaterThanOrEqual(least)
  })

  it('is believed where answers are few or all the same', () => {
    const sample = reversed(simulateSample({ count: 1, seed: 9, questionnaire: IPIP_NEO_300 }))
    expect(() => requireOwnCoding(sample)).toThrow(/contradict/)
    const { items } = IPIP_NEO_300
    const few = new Set(['N1', 'E1', 'O1', 'A1', 'C1', 'N2'])
    const ofFew = sample.values.map((value, i) => (few.has(items[i]!.facet ?? '') ? value : 0))
    for (const values of [ofFew, sample.values.map(() => 3)]) expect(() => requireOwnCoding({ ...sample, values })).not.toThrow()
  })
})

describe.skipIf(!hasSharedData)('coding of the research data (needs shared data)', () => {
  it('PAPI test persons are keyed, at .419 with 99.6 % of 696 pairs positive', () => {
    const { sample, codingCheck } = readPapi(sharedBytes('papi/Test-set.json'))
    expect(codingCheck).toMatchObject({ kind: 'confirmed', pairs: 696, respondents: 300 })
    if (codingCheck.kind !== 'confirmed') return
    expect(codingCheck.correlation).toBeCloseTo(0.419, 3)
    expect(codingCheck.positiveShare).toBeCloseTo(0.996, 3)
    expect(checkCoding(reversed(sample))).toMatchObject({ kind: 'contradicted', correlation: expect.closeTo(-0.419, 3) })
  })

  it('of each PAPI test person is believed, and the other one found out for all but three', () => {
    const { sample } = readPapi(sharedBytes('papi/Test-set.json'))
    const verdicts = [sample, reversed(sample)].map(
      (one) =>
        Array.from({ length: 300 }, (_, row) => row).filter((row) => {
          try {
            requireOwnCoding(one, row)
            return true
          } catch {
            return false
          }
        }).length,
    )
    expect(verdicts).toEqual([300, 3])
  })

  it.each(['dark_triad_Test_set.json', 'Dark-Triad.csv'])('%s is worded', (name) => {
    const { sample } = readDarkTriad(sharedBytes(`papi/${name}`))
    expect(respondentCount(sample)).toBeGreaterThanOrEqual(300)
    expect(checkCoding(sample)).toMatchObject({ kind: 'confirmed', positiveShare: 0, pairs: 32 })
    expect(() => requireCoding(reversed(sample))).toThrow(
      /\+0\.\d+ \(positive, 32 pairs.*expected a negative one for worded answers/,
    )
  })
})
