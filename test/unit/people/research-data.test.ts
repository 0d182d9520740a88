import { beforeAll, describe, expect, it } from 'vitest'
import { type AnswerMatrix, respondentCount, scoreMatrix } from '../../../src/items/answer-matrix.ts'
import { IPIP_NEO_120, IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { JOHNSON_NORMS_120, SD3_WEB_NORMS } from '../../../src/items/norms.ts'
import { cronbachAlpha } from '../../../src/items/reliability.ts'
import { SD3 } from '../../../src/items/sd3.ts'
import { profile } from '../../../src/people/profile.ts'
import { readDarkTriad } from '../../../src/people/read-dark-triad.ts'
import { readPapi } from '../../../src/people/read-papi.ts'
import type { Respondent } from '../../../src/people/respondent.ts'
import { respondentsOf, type Sample } from '../../../src/people/sample.ts'
import { hasSharedData, sharedBytes } from '../../shared-data.ts'

const mean = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length
const covariance = (a: readonly number[], b: readonly number[]) =>
  (a.length / (a.length - 1)) * (mean(a.map((x, i) => x * b[i]!)) - mean(a) * mean(b))
const deviation = (numbers: readonly number[]) => Math.sqrt(covariance(numbers, numbers))

describe.skipIf(!hasSharedData)('PAPI test persons (needs shared data)', () => {
  let sample: Sample
  let people: Respondent[]
  beforeAll(() => {
    sample = readPapi(sharedBytes('papi/Test-set.json')).sample
    people = respondentsOf(sample)
  })

  it('have the published T scores on the short form', () => {
    const profiles = people.map((person) => profile({ ...person, questionnaire: IPIP_NEO_120 }, { norms: JOHNSON_NORMS_120 }))
    const expected = { N: [49.17, 8.98], E: [48.87, 8.65], O: [48.39, 8.05], A: [47.04, 7.98], C: [49.39, 8.23] }
    const all: number[] = []
    for (const [code, [centre, spread]] of Object.entries(expected)) {
      const scores = profiles.map(({ domains }) => {
        const scale = domains.find((domain) => domain.trait.code === code)!
        return scale.kind === 'normed' ? scale.t : Number.NaN
      })
      expect(mean(scores)).toBeCloseTo(centre!, 2)
      expect(deviation(scores)).toBeCloseTo(spread!, 2)
      all.push(...scores)
    }
    expect([Math.round(Math.min(...all)), Math.round(Math.max(...all))]).toEqual([22, 74])
  })

  it('give the published share of each answer, stored and worded', () => {
    const share = (answers: readonly number[]) =>
      [1, 2, 3, 4, 5].map((answer) => Math.round((1000 * answers.filter((x) => x === answer).length) / answers.length) / 10)
    expect(share([...sample.values].filter((value) => value > 0))).toEqual([1.8, 17.3, 32.6, 41, 7.3])
    expect(share(people.flatMap((person) => [...person.answers.byItem.values()]))).toEqual([4.5, 25.1, 32.6, 33.2, 4.6])
  })

  it('have the published alphas over 60 items', () => {
    const alphas = IPIP_NEO_300.domains.map((domain) => [domain.code, Math.round(1000 * cronbachAlpha(sample, domain)) / 1000])
    expect(Object.fromEntries(alphas)).toEqual({ A: 0.948, C: 0.971, E: 0.966, N: 0.976, O: 0.942 })
  })

  it('lack 52 answers, spread over 41 persons', () => {
    expect(sample.values.filter((value) => value === 0)).toHaveLength(52)
    expect(people.filter((person) => person.answers.byItem.size < 300)).toHaveLength(41)
  })

  it('carry no case number, time or country', () => {
    const fields = new Set(people.flatMap((person) => Object.keys(person)))
    expect([...fields].sort()).toEqual(['age', 'answers', 'questionnaire', 'row', 'sex'])
    expect(Object.keys(sample).sort()).toEqual(['age', 'coding', 'questionnaire', 'sex', 'values'])
  })
})

describe.skipIf(!hasSharedData)('SD3 web sample (needs shared data)', () => {
  let complete: AnswerMatrix
  /** Raw sums by scale. */
  let sums: number[][]
  beforeAll(() => {
    const { sample } = readDarkTriad(sharedBytes('papi/Dark-Triad.csv'))
    const width = SD3.items.length
    const rows = Array.from({ length: respondentCount(sample) }, (_, row) =>
      sample.values.subarray(row * width, (row + 1) * width),
    )
    complete = { ...sample, values: Uint8Array.from(rows.filter((row) => !row.includes(0)).flatMap((row) => [...row])) }
    const { raw, scales } = scoreMatrix(complete)
    sums = scales.map((_, column) => [...raw].filter((_, index) => index % scales.length === column))
  })

  it('has 17,740 complete protocols with the published means, deviations and alphas', () => {
    expect(respondentCount(complete)).toBe(17740)
    const expected = [
      [3.7132, 0.7901, 0.8606],
      [3.0703, 0.7696, 0.805],
      [2.815, 0.8066, 0.7978],
    ]
    SD3.domains.forEach((domain, column) => {
      expect(mean(sums[column]!) / 9).toBeCloseTo(expected[column]![0]!, 4)
      expect(deviation(sums[column]!) / 9).toBeCloseTo(expected[column]![1]!, 4)
      expect(cronbachAlpha(complete, domain)).toBeCloseTo(expected[column]![2]!, 4)
    })
  })

  it('has the published correlations', () => {
    const r = (a: number, b: number) => covariance(sums[a]!, sums[b]!) / (deviation(sums[a]!) * deviation(sums[b]!))
    expect(r(0, 2)).toBeCloseTo(0.673, 3)
    expect(r(0, 1)).toBeCloseTo(0.514, 3)
    expect(r(1, 2)).toBeCloseTo(0.567, 3)
  })

  it('ranks as the shipped table says', () => {
    const { percentileBySum } = SD3_WEB_NORMS.cells[0]!.scales.P!
    const psychopathy = sums[2]!
    for (const sum of [9, 27, 45]) {
      const below = psychopathy.filter((x) => x < sum).length + psychopathy.filter((x) => x === sum).length / 2
      expect((100 * below) / psychopathy.length).toBeCloseTo(percentileBySum![sum - 9]!, 3)
    }
  })
})
