import { describe, expect, it } from 'vitest'
import { ACCURACY_LABELS, IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import {
  answerOfLetter,
  LETTERS,
  letterOfAnswer,
  lettersForm,
  OPTION_ORDERS,
  questionText,
  statementOf,
} from '../../../src/items/question-form.ts'
import { secondPerson } from '../../../src/items/second-person.ts'

const item = (itemNumber: number) => IPIP_NEO_300.items[itemNumber - 1]!

describe('second person', () => {
  it.each([
    ['Worry about things.', 'You worry about things.'],
    ['Am always prepared.', 'You are always prepared.'],
    ['Dislike myself.', 'You dislike yourself.'],
    ["Feel that I'm unable to deal with things.", "You feel that you're unable to deal with things."],
    ['Believe that I am better than others.', 'You believe that you are better than others.'],
    ["Can't make up my mind.", "You can't make up your mind."],
  ])('turns "%s" into "%s"', (first, second) => {
    expect(secondPerson(first)).toBe(second)
  })

  it('leaves no first-person word in any of the 300 items', () => {
    const left = IPIP_NEO_300.items.map(statementOf).filter((text) => /\b(I|am|me|my|myself|mine)\b/i.test(text))
    expect(left).toEqual([])
  })
})

describe('question form', () => {
  it('maps letters to answers and back in both orders', () => {
    for (const order of OPTION_ORDERS) {
      for (const letter of LETTERS) expect(letterOfAnswer(answerOfLetter(letter, order), order)).toBe(letter)
    }
    expect(answerOfLetter('A', 'descending')).toBe(5)
    expect(answerOfLetter('A', 'ascending')).toBe(1)
  })

  it('writes the question as the reference implementation does, in the second person', () => {
    expect(questionText(item(1), ACCURACY_LABELS, lettersForm('descending'))).toBe(
      'Given a statement of you: "You worry about things."\n' +
        'Please choose from the following options to identify how accurately this statement describes you.\n' +
        'Options:\n(A). Very Accurate\n(B). Moderately Accurate\n(C). Neither Accurate Nor Inaccurate\n(D). Moderately Inaccurate\n(E). Very Inaccurate\n',
    )
  })

  it('lists the opposite label first in the ascending order', () => {
    expect(questionText(item(1), ACCURACY_LABELS, lettersForm('ascending'))).toContain('(A). Very Inaccurate\n')
  })

  it('refuses an item without wording', () => {
    expect(() => statementOf({ itemNumber: 1, keying: 1, domain: 'M' })).toThrow(/item 1 has no wording/)
  })
})
