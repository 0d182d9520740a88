import { describe, expect, it } from 'vitest'
import { IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { readPapi } from '../../../src/people/read-papi.ts'
import { simulateSample } from '../../../src/people/simulate.ts'

const { values, sex, age } = simulateSample({ count: 40, seed: 8, questionnaire: IPIP_NEO_300 })

/** Records as in the file, some fields replaced in row 3. */
function records(changes: Record<string, unknown> = {}): Record<string, unknown>[] {
  return Array.from({ length: 40 }, (_, row) => ({
    case: 1000 + row,
    sex: sex[row],
    age: age[row],
    min: 59,
    year: 103,
    country: 'USA',
    ...Object.fromEntries(Array.from({ length: 300 }, (_, item) => [`i${item + 1}`, values[row * 300 + item]])),
    ...(row === 3 ? changes : {}),
  }))
}

const json = (changes: Record<string, unknown> = {}) => JSON.stringify(records(changes))

describe('PAPI reader', () => {
  it('reads values, sex and age, from text or bytes', () => {
    const fromText = readPapi(json())
    expect(fromText).toMatchObject({ format: 'papi', codingCheck: { kind: 'confirmed' } })
    expect(fromText.sample).toEqual({ questionnaire: IPIP_NEO_300, coding: 'keyed', values, sex, age })
    expect(readPapi(new TextEncoder().encode(json()))).toEqual(fromText)
  })

  it('takes 0 for missing', () => {
    const { sample } = readPapi(json({ i2: 0, sex: 0, age: 0 }))
    expect([sample.values[3 * 300 + 1], sample.sex[3], sample.age[3]]).toEqual([0, 0, 0])
  })

  it.each([
    [{ i17: 6 }, 'field i17 of row 3 is 6, expected a whole number from 0 (missing) to 5'],
    [{ i17: 2.5 }, 'field i17 of row 3 is 2.5'],
    [{ i17: '4' }, 'field i17 of row 3 is "4"'],
    [{ i17: undefined }, 'field i17 of row 3 is absent'],
    [{ i17: null }, 'field i17 of row 3 is null'],
    [{ sex: 3 }, 'field sex of row 3 is 3, expected 1 (male), 2 (female) or 0 (not stated)'],
    [{ age: 9 }, 'field age of row 3 is 9, expected a whole number from 10 to 120'],
    [{ age: 121 }, 'field age of row 3 is 121'],
  ])('refuses %o', (changes, message) => {
    expect(() => readPapi(json(changes))).toThrow(
      expect.objectContaining({ code: 'malformed-file', message: expect.stringContaining(message) }),
    )
  })

  it.each([
    ['[{"sex":1', 'text is not JSON'],
    ['{}', 'respondents are an object, expected an array'],
    ['[1]', 'row 0 is 1, expected an object'],
    ['[]', 'respondents number 0, expected at least 1'],
  ])('refuses %s', (text, message) => {
    expect(() => readPapi(text)).toThrow(
      expect.objectContaining({ code: 'malformed-file', message: expect.stringContaining(message) }),
    )
  })

  it('refuses bytes that are not UTF-8', () => {
    expect(() => readPapi(Uint8Array.of(0xff, 0xfe, 0))).toThrow('bytes are not UTF-8 text')
  })

  it('refuses worded values', () => {
    const worded = records().map((record) => ({
      ...record,
      ...Object.fromEntries(
        IPIP_NEO_300.items.map(({ itemNumber, keying }) => {
          const value = record[`i${itemNumber}`] as number
          return [`i${itemNumber}`, keying === 1 ? value : 6 - value]
        }),
      ),
    }))
    expect(() => readPapi(JSON.stringify(worded))).toThrow(expect.objectContaining({ code: 'wrong-coding' }))
  })
})
