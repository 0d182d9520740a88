import { describe, expect, it } from 'vitest'
import { SD3, sd3ItemName } from '../../../src/items/sd3.ts'
import { readDarkTriad } from '../../../src/people/read-dark-triad.ts'
import { simulateSample } from '../../../src/people/simulate.ts'

const ROWS = 60
const { values } = simulateSample({ count: ROWS, seed: 8, questionnaire: SD3 })
const names = SD3.items.map(sd3ItemName)
const row = (index: number) => [...values.subarray(index * 27, (index + 1) * 27)]

const table = [[...names, 'country', 'source'], ...Array.from({ length: ROWS }, (_, index) => [...row(index), 'DE', 1])]
const text = (lines: readonly (readonly unknown[])[], end = '\r\n') => lines.map((cells) => cells.join('\t') + end).join('')
const records = Array.from({ length: ROWS }, (_, index) => ({
  ...Object.fromEntries(names.map((name, column) => [name, row(index)[column]])),
  country: 'DE',
}))

describe('Dark Triad reader', () => {
  const fromJson = readDarkTriad(JSON.stringify(records))

  it('reads JSON', () => {
    expect(fromJson).toMatchObject({ format: 'dark-triad', codingCheck: { kind: 'confirmed' } })
    expect(fromJson.sample).toMatchObject({ questionnaire: SD3, coding: 'worded', values })
    expect(fromJson.sample.sex).toEqual(new Uint8Array(ROWS))
  })

  it('reads the same from a table with CRLF, with LF, without a last line end, and from bytes', () => {
    for (const source of [text(table), text(table, '\n'), text(table).trimEnd(), new TextEncoder().encode(text(table))]) {
      expect(readDarkTriad(source)).toEqual(fromJson)
    }
  })

  it('finds columns by name, in any order', () => {
    expect(readDarkTriad(text(table.map((cells) => [...cells].reverse())))).toEqual(fromJson)
  })

  it('takes 0 for missing', () => {
    expect(readDarkTriad(text(table.with(5, [0, ...table[5]!.slice(1)]))).sample.values[4 * 27]).toBe(0)
  })

  it.each([
    [table.map((cells) => cells.slice(1)), 'column M1 is absent'],
    [table.with(3, table[3]!.slice(1)), 'row 2 has 28 columns, expected 29'],
    [table.with(3, [7, ...table[3]!.slice(1)]), 'field M1 of row 2 is 7, expected a whole number from 0 (missing) to 5'],
    [table.with(3, ['', ...table[3]!.slice(1)]), 'field M1 of row 2 is ""'],
    [table.with(3, [...table[3]!.slice(0, -1), 'x'.repeat(1000)]), 'line 4 is longer than 1000 characters'],
    [table.slice(0, 1), 'respondents number 0'],
  ])('refuses a bad table (%#)', (lines, message) => {
    expect(() => readDarkTriad(text(lines))).toThrow(
      expect.objectContaining({ code: 'malformed-file', message: expect.stringContaining(message) }),
    )
  })

  it('refuses reversed minus items', () => {
    const keyed = table.map((cells, line) =>
      line === 0 ? cells : cells.map((cell, column) => (SD3.items[column]?.keying === -1 ? 6 - Number(cell) : cell)),
    )
    expect(() => readDarkTriad(text(keyed))).toThrow(expect.objectContaining({ code: 'wrong-coding' }))
  })
})
