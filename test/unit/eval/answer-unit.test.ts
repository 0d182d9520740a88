import { describe, expect, it } from 'vitest'
import { answerUnitKey, decodeAnswerUnit, encodeAnswerUnit } from '../../../src/eval/answer-unit.ts'
import { sumOfCosts } from '../../../src/eval/cost.ts'
import { IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import type { Answer } from '../../../src/items/questionnaire.ts'
import { simulateRespondents } from '../../../src/people/simulate.ts'

const [person, other] = simulateRespondents({ count: 2, seed: 6, questionnaire: IPIP_NEO_300 })
const { known, heldOut } = splitItems()
const context = { model: { fingerprint: 'f' }, questionnaire: IPIP_NEO_300, known, heldOut, seed: 1 }

/** The person with another answer to one item. */
function changed(itemNumber: number) {
  const answer = (((person!.answers.byItem.get(itemNumber) ?? 1) % 5) + 1) as Answer
  return {
    ...person!,
    answers: { coding: 'worded' as const, byItem: new Map([...person!.answers.byItem, [itemNumber, answer]]) },
  }
}

describe('key of an answer unit', () => {
  const key = answerUnitKey('pas', context, person)

  it.each<[string, () => Promise<string>]>([
    ['the method', () => answerUnitKey('few-shot', context, person)],
    ['the model', () => answerUnitKey('pas', { ...context, model: { fingerprint: 'g' } }, person)],
    ['the seed', () => answerUnitKey('pas', { ...context, seed: 2 }, person)],
    ['the option orders', () => answerUnitKey('pas', { ...context, orders: ['ascending'] }, person)],
    ['the version', () => answerUnitKey('pas', { ...context, version: '2' }, person)],
    ['the person', () => answerUnitKey('pas', context, other)],
    ['a known answer', () => answerUnitKey('pas', context, changed(known.items[0]!.itemNumber))],
    ['being shared', () => answerUnitKey('pas', context)],
  ])('depends on %s', async (_, differently) => {
    expect(await differently()).not.toBe(await key)
  })

  it('depends on no held-out answer but where the method looks at them', async () => {
    const held = changed(heldOut.items[0]!.itemNumber)
    expect(await answerUnitKey('pas', context, held)).toBe(await key)
    const asPublished = (respondent: typeof person) => answerUnitKey('pas:as-published', context, respondent)
    expect(await asPublished(held)).not.toBe(await asPublished(person))
  })

  it('is one for everybody where nothing of the person is used', async () => {
    expect(await answerUnitKey('unchanged', context, other)).toBe(await answerUnitKey('unchanged', context, person))
  })

  it('depends on steps for methods that train, and on the description for those that read it', async () => {
    expect(await answerUnitKey('pas', { ...context, steps: 3 }, person)).toBe(await key)
    expect(await answerUnitKey('dpo', { ...context, steps: 3 }, person)).not.toBe(await answerUnitKey('dpo', context, person))
    const described = (text: string) => answerUnitKey('personality-prompt+pas', { ...context, descriptions: [text] }, person)
    expect(await described('calm')).not.toBe(await described('loud'))
  })
})

describe('answer unit', () => {
  const probabilities = Float32Array.from({ length: 10 }, (_, i) => Math.fround(Math.sin(i)))
  const unit = {
    regime: 'person' as const,
    hyperparameters: { steps: 2 },
    distributions: { probabilities, unanswered: Float32Array.of(1e-30, 0.5) },
    cost: { totalSeconds: 1.5 },
  }

  it('is read back to the last bit', () => {
    expect(decodeAnswerUnit(encodeAnswerUnit(unit), 2)).toEqual(unit)
  })

  it.each(['', '{}', '{"probabilities":"AAAA","unanswered":"AAAA"}', '{"probabilities":"%","unanswered":""}'])(
    'refuses %j',
    (text) => {
      expect(() => decodeAnswerUnit(text, 2)).toThrow(/cannot be read/)
    },
  )
})

describe('sum of costs', () => {
  it('adds totals, averages what is per person, and takes the largest peak', () => {
    const shared = { sharedSeconds: 4, totalSeconds: 4, answerSecondsPerPerson: 0, peakMemoryBytes: 10 }
    const persons = [
      { sharedSeconds: 0, totalSeconds: 1, answerSecondsPerPerson: 1, peakMemoryBytes: 30, divergedPersons: 1 },
      { sharedSeconds: 0, totalSeconds: 3, answerSecondsPerPerson: 3, peakMemoryBytes: 20 },
    ]
    expect(sumOfCosts(shared, persons, 2)).toEqual({
      sharedSeconds: 4,
      totalSeconds: 8,
      answerSecondsPerPerson: 2,
      peakMemoryBytes: 30,
      divergedPersons: 1,
    })
  })

  it('spreads a part that serves everybody over all of them', () => {
    expect(sumOfCosts({}, [{ answerSecondsPerPerson: 3 }], 3)).toEqual({ answerSecondsPerPerson: 1 })
  })
})
