import { describe, expect, it } from 'vitest'
import { IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { toKeyed } from '../../../src/items/questionnaire.ts'
import { SD3 } from '../../../src/items/sd3.ts'
import { emptySample, respondentAt, respondentsOf } from '../../../src/people/sample.ts'
import { simulateSample } from '../../../src/people/simulate.ts'

describe('sample', () => {
  it('gives worded answers whose keyed form is what it stores', () => {
    const sample = simulateSample({ count: 3, seed: 1, questionnaire: IPIP_NEO_300 })
    const { answers, row } = respondentAt(sample, 2)
    expect([row, answers.coding]).toEqual([2, 'worded'])
    const keyed = toKeyed(IPIP_NEO_300, answers).byItem
    expect(IPIP_NEO_300.items.map((item) => keyed.get(item.itemNumber))).toEqual([...sample.values.subarray(600, 900)])
  })

  it('stores SD3 answers as worded', () => {
    const sample = simulateSample({ count: 1, seed: 1, questionnaire: SD3 })
    expect([...respondentAt(sample, 0).answers.byItem.values()]).toEqual([...sample.values])
  })

  it('turns 0 into an absent answer, sex and age', () => {
    const sample = emptySample(SD3, 'worded', 2)
    sample.values[27 + 4] = 5
    sample.sex[1] = 3
    sample.age[1] = 44
    expect(respondentsOf(sample)).toEqual([
      { row: 0, questionnaire: SD3, answers: { coding: 'worded', byItem: new Map() } },
      { row: 1, questionnaire: SD3, answers: { coding: 'worded', byItem: new Map([[5, 5]]) }, sex: 'other', age: 44 },
    ])
  })
})
