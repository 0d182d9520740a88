/**
 * @file Reader of Short Dark Triad answers, worded, 0 missing: a JSON array of `{ M1..M9, N1..N9, P1..P9, ... }` or a table separated
 * by tabs with the same names in its first line. Sex and age are not in these files; other columns are left out.
 */
import { PalignError } from '../errors.ts'
import { SD3, sd3ItemName } from '../items/sd3.ts'
import { checkCount, jsonOf, type PeopleFile, peopleFile, recordsOf, storedAnswer, textOf } from './people-file.ts'
import { emptySample } from './sample.ts'

/** Longest line of the table: 27 digits, a country and a source fit many times. */
const MOST_LINE_CHARACTERS = 1000

const names = () => SD3.items.map(sd3ItemName)

/** Reads JSON or table, text or UTF-8 bytes. `malformed-file` names row and field; `wrong-coding` if minus items are reversed. */
export function readDarkTriad(source: string | Uint8Array): PeopleFile {
  const text = textOf(source)
  return text.trimStart().startsWith('[') ? darkTriadPeople(jsonOf(text)) : tablePeople(text)
}

/** The same from parsed JSON. */
export function darkTriadPeople(json: unknown): PeopleFile {
  const records = recordsOf(json)
  return fill(records.length, (row, name) => records[row]![name])
}

function tablePeople(text: string): PeopleFile {
  const [header = '', ...lines] = text.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  checkCount(lines.length)
  const long = [header, ...lines].findIndex((line) => line.length > MOST_LINE_CHARACTERS)
  if (long >= 0) throw new PalignError('malformed-file', `line ${long + 1} is longer than ${MOST_LINE_CHARACTERS} characters`)
  const titles = header.split('\t')
  const columns = new Map(titles.map((title, column) => [title, column]))
  const absent = names().find((name) => !columns.has(name))
  if (absent !== undefined) {
    throw new PalignError(
      'malformed-file',
      `column ${absent} is absent, expected M1 to M9, N1 to N9 and P1 to P9 separated by tabs`,
    )
  }
  const cells = lines.map((line) => line.split('\t'))
  const ragged = cells.findIndex((row) => row.length !== titles.length)
  if (ragged >= 0) {
    throw new PalignError('malformed-file', `row ${ragged} has ${cells[ragged]!.length} columns, expected ${titles.length}`)
  }
  return fill(cells.length, (row, name) => {
    const cell = cells[row]![columns.get(name)!]!
    return /^\d$/.test(cell) ? Number(cell) : cell
  })
}

function fill(count: number, valueAt: (row: number, name: string) => unknown): PeopleFile {
  const sample = emptySample(SD3, SD3.storedAs, count)
  const fields = names()
  for (let row = 0; row < count; row++) {
    fields.forEach((name, column) => {
      sample.values[row * fields.length + column] = storedAnswer(valueAt(row, name), row, name)
    })
  }
  return peopleFile('dark-triad', sample)
}
