import { describe, expect, it } from 'vitest'
import { IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { SD3, sd3ItemName } from '../../../src/items/sd3.ts'
import { readPeople } from '../../../src/people/read-people.ts'
import { simulateSample } from '../../../src/people/simulate.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const { values } = simulateSample({ count: 1, seed: 1, questionnaire: IPIP_NEO_300 })
const papi = [{ sex: 1, age: 30, ...Object.fromEntries([...values].map((value, index) => [`i${index + 1}`, value])) }]
const names = SD3.items.map(sd3ItemName)
const triad = [Object.fromEntries(names.map((name) => [name, 3]))]

describe('reader of any file', () => {
  it.each([
    ['papi', JSON.stringify(papi)],
    ['papi', `\ufeff \n ${JSON.stringify(papi)}`],
    ['dark-triad', JSON.stringify(triad)],
    ['dark-triad', `${names.join('\t')}\r\n${names.map(() => 3).join('\t')}\r\n`],
    ['johnson', `     1130${' '.repeat(24)}${values.join('')}\n`],
    ['own', '{"questionnaire":"sd3","coding":"worded","respondents":[{"answers":{"1":5}}]}'],
  ])('tells %s by its content (%#)', (format, text) => {
    expect(readPeople(bytesOf(text))).toMatchObject({ format, codingCheck: { kind: 'undecided' } })
  })

  it.each([
    ['', 'answers.csv has no known format: it is neither JSON nor a table nor records'],
    ['name,age\nx,3', 'answers.csv has no known format'],
    ['[{"q1":3}]', 'answers.csv has no known format: its first record has neither the field i1 nor the field M1'],
    ['[]', 'answers.csv has no known format'],
    ['{"i1":', 'text is not JSON'],
  ])('names the file it cannot tell (%#)', (text, message) => {
    expect(() => readPeople(bytesOf(text), 'answers.csv')).toThrow(
      expect.objectContaining({ code: 'malformed-file', message: expect.stringContaining(message) }),
    )
  })
})
