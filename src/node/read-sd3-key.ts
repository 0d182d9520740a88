/**
 * @file The wording of the Short Dark Triad from the item key of its data set, an old binary spreadsheet (.xls) with the columns
 * Id (0..26), Key (M1..P9), Item and Sign (+ or -). The wording may not ship with the package: whoever has the file brings it.
 * The library behind it: docs/decisions/0002-spreadsheet-reader.md.
 */
import { open } from 'node:fs/promises'
import { PalignError } from '../errors.ts'
import type { Questionnaire } from '../items/questionnaire.ts'
import { SD3, sd3ItemName, sd3WithTexts } from '../items/sd3.ts'

const MOST_BYTES = 2 ** 20
/** Header, 27 items, and room to notice a table that is too long. */
const MOST_ROWS = 40
const MOST_CHARACTERS = 200
/** First bytes of a compound file, the container of .xls; nothing else is given to the spreadsheet library. */
const COMPOUND_FILE = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]
const COLUMNS = ['Id', 'Key', 'Item', 'Sign'] as const

/** SD3 with its wording. A file that does not agree with the built-in key in Id, Key and Sign of every item is `malformed-file`. */
export async function readSd3Key(path: string): Promise<Questionnaire> {
  const rows = await readRows(await readBytes(path))
  const [header = [], ...items] = rows
  const columns = Object.fromEntries(COLUMNS.map((title) => [title, header.indexOf(title)])) as Record<
    (typeof COLUMNS)[number],
    number
  >
  const absent = COLUMNS.find((title) => columns[title] < 0)
  if (absent !== undefined) throw malformed(`column ${absent} of the item key is absent, expected ${COLUMNS.join(', ')}`)
  if (items.length !== SD3.items.length) throw malformed(`items of the key number ${items.length}, expected ${SD3.items.length}`)
  const texts = SD3.items.map((item, index) => {
    const row = items[index]!
    const seen = `${row[columns.Id]} ${row[columns.Key]} ${row[columns.Sign]}`
    const expected = `${index} ${sd3ItemName(item)} ${item.keying === 1 ? '+' : '-'}`
    if (seen !== expected) throw malformed(`row ${index} of the item key is "${seen}", expected "${expected}"`)
    const text = row[columns.Item]
    if (typeof text !== 'string' || text.length > MOST_CHARACTERS) {
      throw malformed(`wording of item ${expected} is not a text of at most ${MOST_CHARACTERS} characters`)
    }
    return text.trim()
  })
  return sd3WithTexts(texts)
}

async function readBytes(path: string): Promise<Uint8Array> {
  const file = await open(path).catch((cause: unknown) => {
    throw new PalignError('not-found', `item key ${path} cannot be opened`, { cause })
  })
  try {
    const bytes = new Uint8Array(MOST_BYTES + 1)
    const { bytesRead } = await file.read(bytes)
    if (bytesRead > MOST_BYTES) throw malformed(`item key is larger than ${MOST_BYTES} bytes`)
    return bytes.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/** Rows of the first sheet as arrays of cells. */
async function readRows(bytes: Uint8Array): Promise<unknown[][]> {
  if (COMPOUND_FILE.some((byte, index) => bytes[index] !== byte)) {
    throw malformed('item key does not begin like an .xls file')
  }
  const { read, utils } = await import('@e965/xlsx')
  try {
    const book = read(bytes, { type: 'array', sheets: 0, sheetRows: MOST_ROWS, cellFormula: false, cellHTML: false })
    const sheet = book.Sheets[book.SheetNames[0]!]!
    return utils.sheet_to_json<unknown[]>(sheet, { header: 1, blankrows: false })
  } catch (cause) {
    throw malformed('item key cannot be read as a spreadsheet', cause)
  }
}

function malformed(message: string, cause?: unknown): PalignError {
  return new PalignError('malformed-file', message, {
    hint: 'expected is the item key that comes with the PAPI data (dark_triad-ItemKey.xls)',
    cause,
  })
}
