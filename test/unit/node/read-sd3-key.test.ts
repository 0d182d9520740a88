import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utils, write } from '@e965/xlsx'
import { afterAll, describe, expect, it } from 'vitest'
import { SD3, sd3ItemName } from '../../../src/items/sd3.ts'
import { readSd3Key } from '../../../src/node/read-sd3-key.ts'
import { hasSharedData, sharedPath } from '../../shared-data.ts'

const folder = mkdtempSync(join(tmpdir(), 'palign-'))
afterAll(() => rmSync(folder, { recursive: true }))

const header = [null, 'Id', 'Key', 'Item', 'Sign']
const rows = SD3.items.map((item, index) => [
  index,
  index,
  sd3ItemName(item),
  `Statement ${index}. `,
  item.keying === 1 ? '+' : '-',
])

function fileWith(bytes: Uint8Array): string {
  const path = join(folder, 'key.xls')
  writeFileSync(path, bytes)
  return path
}

/** An .xls file (or another kind) with these rows. */
function keyFile(table: unknown[][], bookType: 'biff8' | 'xlsx' = 'biff8'): string {
  const book = utils.book_new()
  utils.book_append_sheet(book, utils.aoa_to_sheet(table), 'Sheet1')
  return fileWith(write(book, { type: 'buffer', bookType }))
}

describe('SD3 key reader', () => {
  it('gives SD3 with the wording of the file', async () => {
    const questionnaire = await readSd3Key(keyFile([header, ...rows]))
    expect(questionnaire.items.map((item) => item.text)).toEqual(rows.map((_, index) => `Statement ${index}.`))
    expect(questionnaire.items.map(({ itemNumber, keying, domain }) => ({ itemNumber, keying, domain }))).toEqual(SD3.items)
  })

  it.each([
    [[header, ...rows.with(10, rows[10]!.with(4, '+'))], 'row 10 of the item key is "10 N2 +", expected "10 N2 -"'],
    [[header, ...rows.with(0, rows[0]!.with(2, 'M2'))], 'row 0 of the item key is "0 M2 +", expected "0 M1 +"'],
    [[header, ...rows.with(26, rows[26]!.with(1, 27))], 'row 26 of the item key is "27 P9 +"'],
    [[header, ...rows.with(5, rows[5]!.with(3, 'x'.repeat(201)))], 'wording of item 5 M6 + is not a text of at most 200'],
    [[header, ...rows.with(5, rows[5]!.with(3, 17))], 'wording of item 5 M6 + is not a text'],
    [[header, ...rows.slice(1)], 'items of the key number 26, expected 27'],
    [[header.with(4, 'Key2'), ...rows], 'column Sign of the item key is absent'],
  ])('refuses a key that does not agree (%#)', async (table, message) => {
    await expect(readSd3Key(keyFile(table))).rejects.toMatchObject({
      code: 'malformed-file',
      message: expect.stringContaining(message),
    })
  })

  it('refuses other containers before the spreadsheet library sees them', async () => {
    await expect(readSd3Key(keyFile([header, ...rows], 'xlsx'))).rejects.toThrow('item key does not begin like an .xls file')
    await expect(readSd3Key(fileWith(new Uint8Array(0)))).rejects.toThrow('item key does not begin like an .xls file')
  })

  it('refuses a file that is too large, cut off, or absent', async () => {
    await expect(readSd3Key(fileWith(new Uint8Array(2 ** 20 + 1)))).rejects.toThrow('item key is larger than 1048576 bytes')
    const cutOff = Uint8Array.of(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, 0, 0)
    await expect(readSd3Key(fileWith(cutOff))).rejects.toMatchObject({ code: 'malformed-file' })
    await expect(readSd3Key(join(folder, 'none.xls'))).rejects.toMatchObject({ code: 'not-found' })
  })

  it.skipIf(!hasSharedData)('reads the key of the data set (needs shared data)', async () => {
    const { items } = await readSd3Key(sharedPath('papi/dark_triad-ItemKey.xls'))
    expect(new Set(items.map((item) => item.text)).size).toBe(27)
    expect(items.every((item) => item.text!.length > 10)).toBe(true)
  })
})
