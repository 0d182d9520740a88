import { describe, expect, it } from 'vitest'
import { type ContrastSample, headActivations, recordedContrasts } from '../../../src/activations/head-activations.ts'
import type { Answer, Worded } from '../../../src/items/questionnaire.ts'
import { labelContrasts } from '../../../src/probes/labels.ts'
import { ORDERS, SAYS } from './planted.ts'

const contrasts = (itemNumber: number): ContrastSample[] =>
  ORDERS.flatMap((order) => SAYS.map((says) => ({ itemNumber, says, order })))

function record(samples: ContrastSample[]) {
  return recordedContrasts(samples, headActivations(new Float32Array(samples.length), { layers: 1, heads: 1, headDim: 1 }))
}

const worded = (...answers: [number, Answer][]): Worded => ({ coding: 'worded', byItem: new Map(answers) })
const recorded = record([11, 22, 33, 44].flatMap(contrasts))

describe('labelContrasts', () => {
  it('gives 1 to the sample that says what the respondent said, in both orders', () => {
    const { samples, labels, itemNumbers } = labelContrasts(recorded, worded([11, 5], [33, 1]))
    expect([...samples]).toEqual([0, 1, 2, 3, 8, 9, 10, 11])
    expect([...labels]).toEqual([1, 0, 1, 0, 0, 1, 0, 1])
    expect([...itemNumbers]).toEqual([11, 11, 11, 11, 33, 33, 33, 33])
  })

  it('draws the line between 2 and 4', () => {
    expect([...labelContrasts(recorded, worded([11, 4], [22, 2])).labels]).toEqual([1, 0, 1, 0, 0, 1, 0, 1])
  })

  it('leaves out missing answers, answers of 3 and items that were not recorded', () => {
    const { itemNumbers } = labelContrasts(recorded, worded([11, 3], [22, 2], [99, 5]))
    expect(new Set(itemNumbers)).toEqual(new Set([22]))
  })

  it('takes one order only when asked', () => {
    const { samples } = labelContrasts(recorded, worded([22, 4]), { orders: ['descending'] })
    expect([...samples]).toEqual([4, 5])
  })

  it('takes only the items it is given', () => {
    const items = { kind: 'known', items: [{ itemNumber: 44, keying: 1, domain: 'A' }] } as const
    const { itemNumbers } = labelContrasts(recorded, worded([11, 5], [44, 5]), { items })
    expect(new Set(itemNumbers)).toEqual(new Set([44]))
  })

  it('refuses answers that take no side', () => {
    expect(() => labelContrasts(recorded, worded([11, 3]))).toThrow('all missing or 3')
  })

  it('refuses a recording with one side of an item missing', () => {
    const unbalanced = record([...contrasts(11), ...contrasts(22).slice(1)])
    expect(() => labelContrasts(unbalanced, worded([11, 4], [22, 4]))).toThrow('item 22 in descending order is unbalanced')
  })
})
