import { describe, expect, it } from 'vitest'
import { NO_OPTION_REWARD, optionIn, optionReward } from '../../../src/align/reward.ts'
import { ACCURACY_LABELS } from '../../../src/items/ipip-neo.ts'

describe('option named by a text', () => {
  it.each([
    ['Very Inaccurate', 1],
    ['Moderately Inaccurate', 2],
    ['Neither Accurate Nor Inaccurate', 3],
    ['Moderately Accurate', 4],
    ['Very Accurate', 5],
  ])('is read from its own text: %s', (text, answer) => {
    expect(optionIn(text, ACCURACY_LABELS)).toBe(answer)
    expect(optionIn(`Option (B). ${text.toUpperCase()}!`, ACCURACY_LABELS)).toBe(answer)
    expect(optionIn(text.replace(' ', '\n  '), ACCURACY_LABELS)).toBe(answer)
  })

  it.each([
    'Accurate',
    'Inaccurate',
    'Option (B).',
    'B',
    '',
    'very',
    'VeryAccurate',
    'every accurate',
    'Very Accurately',
    'Very_Accurate',
    'Sehr Vèry Accuraté',
  ])('is none in %j', (text) => expect(optionIn(text, ACCURACY_LABELS)).toBeUndefined())

  it('is the -6 of the paper where no option is given', () => {
    expect(NO_OPTION_REWARD).toBe(-6)
  })

  it('is the first of two', () => {
    expect(optionIn('Moderately Accurate, or Very Inaccurate', ACCURACY_LABELS)).toBe(4)
    expect(optionIn('Very Inaccurate? No: Very Accurate', ACCURACY_LABELS)).toBe(1)
  })

  it('is the longest of those that begin together, also where labels hold signs', () => {
    const labels = ['No', 'No (never)', 'a.b', 'Yes', 'Yes, always'] as const
    expect(optionIn('no (never) again', labels)).toBe(2)
    expect(optionIn('axb', labels)).toBeUndefined()
    expect(optionIn('A.B', labels)).toBe(3)
    expect(optionIn('yes, always', labels)).toBe(5)
  })
})

describe('reward', () => {
  it('is minus the distance to the own answer, and 0 (not -0) at best', () => {
    const of = (text: string) => optionReward(text, 4, ACCURACY_LABELS)
    expect(ACCURACY_LABELS.map(of)).toEqual([-3, -2, -1, 0, -1])
    expect(Object.is(of('Moderately Accurate'), 0)).toBe(true)
  })

  it('is worse without an option than with the farthest one', () => {
    expect(optionReward('I like turtles', 5, ACCURACY_LABELS)).toBe(NO_OPTION_REWARD)
    expect(NO_OPTION_REWARD).toBeLessThan(optionReward('Very Inaccurate', 5, ACCURACY_LABELS))
  })
})
