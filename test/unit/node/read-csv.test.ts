import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readCsv } from '../../../src/node/read-csv.ts'

const folder = mkdtempSync(join(tmpdir(), 'palign-csv-'))
afterAll(() => rmSync(folder, { recursive: true }))

const path = join(folder, 'table.csv')
function read(content: string | Uint8Array, limits: { maxBytes?: number; maxRows?: number } = {}) {
  writeFileSync(path, content)
  return readCsv(path, { maxBytes: 1000, maxRows: 100, ...limits })
}

describe('CSV reader', () => {
  it('reads quoted commas, quotes and line ends, and says where a row ends', async () => {
    const { columns, rows } = await read('name,text\r\na,"one, ""two""\r\nthree"\r\n\r\nb,\r\n')
    expect(columns).toEqual(['name', 'text'])
    expect(rows.map(({ line, values }) => [line, values.get('name'), values.get('text')])).toEqual([
      [3, 'a', 'one, "two"\nthree'],
      [5, 'b', ''],
    ])
  })

  it('leaves out a byte order mark, and hashes the file as it lies there', async () => {
    const plain = await read('name\na\n')
    const marked = await read('\uFEFFname\na\n')
    expect(marked.columns).toEqual(['name'])
    expect(marked.sha256).not.toBe(plain.sha256)
    expect(plain.sha256).toBe('6e823acf26f8eea539f8a8c81a662c6179fcbbde3696542ef9087443644de67e')
  })

  it('names file and line of what is wrong, and quotes nothing of it', async () => {
    await expect(read('a,b\n1,2\nsecret\n')).rejects.toThrow(`file ${path}, line 3 has 1 columns, the header has 2`)
    const broken = await read('a,b\n1,"secret"x\n').catch((error: Error) => error.message)
    expect(broken).toMatch(/table\.csv, line 2 is no CSV: CSV_/)
    expect(broken).not.toContain('secret')
  })

  it('refuses what is no table: empty, a header alone, columns of one name, bytes that are no text', async () => {
    await expect(read('')).rejects.toThrow('holds no rows')
    await expect(read('a,b\n')).rejects.toThrow('holds no rows')
    await expect(read('a,a\n1,2\n')).rejects.toThrow('names the column a twice')
    await expect(read(Uint8Array.of(97, 10, 0xff))).rejects.toThrow('is no text in UTF-8')
  })

  it('is bounded in bytes and rows', async () => {
    await expect(read('a\n1\n', { maxBytes: 3 })).rejects.toThrow('at most 3 are read')
    expect((await read('a\n1\n2\n', { maxRows: 2 })).rows).toHaveLength(2)
    await expect(read('a\n1\n2\n3\n', { maxRows: 2 })).rejects.toThrow('has more than 2 rows')
  })
})
