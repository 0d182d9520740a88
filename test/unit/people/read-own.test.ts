import { describe, expect, it } from 'vitest'
import { IPIP_NEO_120 } from '../../../src/items/ipip-neo.ts'
import { readOwn } from '../../../src/people/read-own.ts'
import { respondentAt, respondentsOf } from '../../../src/people/sample.ts'
import { simulateRespondents } from '../../../src/people/simulate.ts'

const file = (respondent: unknown, changes: Record<string, unknown> = {}) =>
  JSON.stringify({ questionnaire: 'ipip-neo-300', coding: 'worded', respondents: [respondent], ...changes })

describe('own format', () => {
  it('gives back what was written', () => {
    const people = simulateRespondents({ count: 35, seed: 2, questionnaire: IPIP_NEO_120 })
    const respondents = people.map(({ sex, age, answers }) => ({ sex, age, answers: Object.fromEntries(answers.byItem) }))
    const { sample, codingCheck, format } = readOwn(
      JSON.stringify({ questionnaire: 'ipip-neo-120', coding: 'worded', respondents }),
    )
    expect([format, codingCheck.kind]).toEqual(['own', 'confirmed'])
    expect(respondentsOf(sample)).toEqual(people)
  })

  it('refuses answers that contradict the stated coding', () => {
    const respondents = simulateRespondents({ count: 35, seed: 2, questionnaire: IPIP_NEO_120 }).map(({ answers }) => ({
      answers: Object.fromEntries(answers.byItem),
    }))
    expect(() => readOwn(JSON.stringify({ questionnaire: 'ipip-neo-120', coding: 'keyed', respondents }))).toThrow(
      expect.objectContaining({ code: 'wrong-coding' }),
    )
  })

  it('leaves out what was left out, and believes the coding of a single person', () => {
    const { sample, codingCheck } = readOwn(file({ sex: 'other', answers: { 1: 5, 300: 2 } }))
    expect(codingCheck).toEqual({ kind: 'undecided', reason: '1 respondents, at least 30 needed' })
    expect(respondentAt(sample, 0)).toMatchObject({ sex: 'other', age: undefined })
    expect(respondentAt(sample, 0).answers).toEqual({
      coding: 'worded',
      byItem: new Map([
        [1, 5],
        [300, 2],
      ]),
    })
  })

  it.each([
    [
      file({ answers: { 1: 0 } }),
      'field answers.1 of row 0 is 0, expected a whole number from 1 to 5; a missing answer is left out',
    ],
    [file({ answers: { 1: '5' } }), 'field answers.1 of row 0 is "5"'],
    [file({ answers: { 301: 5 } }), 'field answers.301 of row 0 is 5, expected nothing: ipip-neo-300 has no such item'],
    [file({ answers: { '01': 5 } }), 'field answers.01 of row 0'],
    [file({ answers: [5] }), 'field answers of row 0 is an array'],
    [file({ sex: 'f', answers: {} }), 'field sex of row 0 is "f", expected female, male or other'],
    [file({ age: 7, answers: {} }), 'field age of row 0 is 7'],
    [file({ name: 'x', answers: {} }), 'row 0 has the field "name", expected only sex, age, answers'],
    [file({ answers: {} }, { case: 1 }), 'file has the field "case"'],
    [file({ answers: {} }, { questionnaire: 'neo' }), 'questionnaire is "neo", expected one of ipip-neo-300, ipip-neo-120, sd3'],
    [file({ answers: {} }, { coding: 'raw' }), 'coding is "raw", expected worded or keyed'],
    [file({ answers: {} }, { respondents: undefined }), 'respondents are absent, expected an array'],
    ['[]', 'file is an array, expected an object'],
  ])('refuses a bad file (%#)', (text, message) => {
    expect(() => readOwn(text)).toThrow(
      expect.objectContaining({ code: 'malformed-file', message: expect.stringContaining(message) }),
    )
  })
})
