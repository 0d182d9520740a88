import { describe, expect, it } from 'vitest'
import { compareArms, mostMoved } from '../../../src/eval/before-after.ts'
import { IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import { simulateRespondents } from '../../../src/people/simulate.ts'

const { known, heldOut } = splitItems()
const [respondent] = simulateRespondents({ count: 1, seed: 4, questionnaire: IPIP_NEO_300 })

/** All mass on one answer per item. */
function answering(answer: (itemNumber: number) => number) {
  const probabilities = new Float32Array(180 * 5)
  for (const [i, { itemNumber }] of heldOut.items.entries()) probabilities[i * 5 + answer(itemNumber) - 1] = 1
  return { probabilities, unanswered: new Float32Array(180) }
}

const truth = (itemNumber: number) => respondent!.answers.byItem.get(itemNumber)!
const comparison = { respondent: respondent!, known, heldOut, before: answering(() => 3), after: answering(truth) }

describe('comparison of one respondent', () => {
  const arm = (name: string) => compareArms(comparison).find((row) => row.arm === name)!

  it('gives the truth no error and no score', () => {
    expect(arm('pas')).toEqual({ arm: 'pas', error: 0, score: 0 })
  })

  it('gives the constant what it gives an unsteered model that always answers 3, score and error alike', () => {
    expect(arm('unchanged')).toEqual({ ...arm('constant-3'), arm: 'unchanged' })
    expect(arm('constant-3').score).toBeCloseTo(arm('constant-3').error, 6)
  })

  it('lists the answers that moved, most first, and no more than asked for', () => {
    const [item] = heldOut.items.filter(({ itemNumber }) => truth(itemNumber) !== 3)
    const after = answering((itemNumber) => (itemNumber === item!.itemNumber ? truth(itemNumber) : 3))
    const moved = mostMoved({ ...comparison, after }, 2)
    expect(moved).toHaveLength(2)
    expect(moved[0]).toMatchObject({ item, answered: truth(item!.itemNumber), before: [0, 0, 1, 0, 0] })
    expect(moved[1]!.before).toEqual(moved[1]!.after)
  })
})
