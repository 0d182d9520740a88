import { describe, expect, it } from 'vitest'
import { IPIP_NEO_120, IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { readJohnson } from '../../../src/people/read-johnson.ts'
import { simulateSample } from '../../../src/people/simulate.ts'

const ROWS = 40
const FORMS = [
  { questionnaire: IPIP_NEO_300, width: 333 },
  { questionnaire: IPIP_NEO_120, width: 151 },
]

/** Records of simulated persons, with a case number and a time in the head. */
function recordsOf({ questionnaire, width }: (typeof FORMS)[number]) {
  const sample = simulateSample({ count: ROWS, seed: 8, questionnaire })
  const items = questionnaire.items.length
  const records = Array.from({ length: ROWS }, (_, row) => {
    const head = `${String(row).padStart(6)}${sample.sex[row]}${String(sample.age[row]).padStart(2)}5947132107103USA`
    return head.padEnd(width - items) + sample.values.subarray(row * items, (row + 1) * items).join('')
  })
  return { sample, records }
}

const bytesOf = (records: readonly string[], end = '\r\n') =>
  new TextEncoder().encode(records.map((record) => record + end).join(''))
const { records } = recordsOf(FORMS[0]!)
const replace = (row: number, at: number, text: string) =>
  bytesOf(records.with(row, records[row]!.slice(0, at) + text + records[row]!.slice(at + text.length)))

describe('Johnson reader', () => {
  it.each(FORMS)('reads records of $width bytes with CRLF, LF, or no last line end', (form) => {
    const { sample, records } = recordsOf(form)
    for (const bytes of [bytesOf(records), bytesOf(records, '\n'), bytesOf(records).slice(0, -2)]) {
      const file = readJohnson(bytes)
      expect(file).toMatchObject({ format: 'johnson', codingCheck: { kind: 'confirmed' } })
      expect(file.sample).toEqual(sample)
    }
  })

  it('reads a single record without a line end, its coding undecided', () => {
    expect(readJohnson(bytesOf(records.slice(0, 1), ''))).toMatchObject({ codingCheck: { kind: 'undecided' } })
  })

  it('takes 0 for a missing answer and blanks for a sex and age not stated', () => {
    const { sample } = readJohnson(replace(2, 6, '   '))
    expect([sample.sex[2], sample.age[2]]).toEqual([0, 0])
    expect(readJohnson(replace(2, 33, '0')).sample.values[600]).toBe(0)
  })

  it.each([
    [33 + 16, '6', 'field item 17 of row 2 is "6", expected a digit from 0 (missing) to 5'],
    [332, ' ', 'field item 300 of row 2 is " "'],
    [6, '7', 'field sex of row 2 is 7'],
    [6, 'F', 'field sex of row 2 is "F"'],
    [7, '09', 'field age of row 2 is 9, expected a whole number from 10 to 120'],
    [7, '2x', 'field age of row 2 is "2x"'],
  ])('refuses byte %i as %o', (at, text, message) => {
    expect(() => readJohnson(replace(2, at, text))).toThrow(
      expect.objectContaining({ code: 'malformed-file', message: expect.stringContaining(message) }),
    )
  })

  it.each([
    [bytesOf(records.map((record) => record.slice(1))), 'first record is 332 bytes wide, expected 333 or 151'],
    [bytesOf([records.join('')]), 'first record is over 333 bytes wide'],
    [bytesOf(records).slice(0, -50), 'last record is 285 bytes wide, expected 333'],
    [
      bytesOf(records.with(2, `${records[2]} `).with(3, records[3]!.slice(1))),
      'row 2 does not end after 333 bytes like the first',
    ],
    [new Uint8Array(0), 'first record is over 333 bytes wide'],
  ])('refuses records of other widths (%#)', (bytes, message) => {
    expect(() => readJohnson(bytes)).toThrow(
      expect.objectContaining({ code: 'malformed-file', message: expect.stringContaining(message) }),
    )
  })
})
