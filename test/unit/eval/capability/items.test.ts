import { describe, expect, it } from 'vitest'
import { parseChoiceItem, parseProblemItem, parseTruthItem } from '../../../../src/eval/capability/items.ts'

describe('item of a capability set', () => {
  it('is known by its question where it has no id', () => {
    const item = { question: 'Q?', choices: ['a', 'b'], answer: 1 }
    expect(parseChoiceItem(item)).toEqual({ ...item, id: 'Q?', subject: undefined })
    expect(parseChoiceItem({ ...item, id: 7 }).id).toBe('7')
  })

  it.each([
    [{ question: 'Q?', choices: ['a', 'b'], answer: 2 }, /answer: no choice/],
    [{ question: 'Q?', choices: ['a', ''], answer: 0 }, /choices\.1/],
    [{ question: 'Q?', choices: ['a', 'b'], answer: 'A' }, /answer/],
    [[], /the whole/],
  ])('is refused where it is %j', (value, message) => {
    expect(() => parseChoiceItem(value)).toThrow(message)
  })

  it('of TruthfulQA has one true answer in the first list, and both kinds in the second', () => {
    const item = { question: 'Q?', mc1_targets: { no: 0, yes: 1 }, mc2_targets: { yes: 1, no: 0 } }
    expect(parseTruthItem(item)).toMatchObject({
      id: 'Q?',
      mc1: [
        ['no', false],
        ['yes', true],
      ],
    })
    expect(() => parseTruthItem({ ...item, mc1_targets: { a: 1, b: 1 } })).toThrow(/2 true answers/)
    expect(() => parseTruthItem({ ...item, mc2_targets: { a: 1 } })).toThrow(/not both/)
  })

  it('that is a problem has a result', () => {
    expect(() => parseProblemItem({ question: 'Q?', answer: '12' })).toThrow(/####/)
  })
})
