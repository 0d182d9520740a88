import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readCsv, readJsonLines } from '../../../src/node/read-table.ts'

const folder = mkdtempSync(join(tmpdir(), 'palign-table-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(content: string | Uint8Array): string {
  const path = join(folder, 'file')
  writeFileSync(path, content)
  return path
}

describe('lines of JSON', () => {
  it('are counted with blank ones, which give nothing', async () => {
    expect(await readJsonLines(file('{"a":1}\r\n\n[2]\n'))).toEqual([
      { line: 1, value: { a: 1 } },
      { line: 3, value: [2] },
    ])
  })

  it('are refused with their number where they are none', async () => {
    await expect(readJsonLines(file('{}\n{"a":'))).rejects.toThrow(/file, line 2 is not valid JSON/)
    await expect(readJsonLines(file('{}\n{"__proto__":1}'))).rejects.toThrow(/line 2 .*forbidden key/)
    await expect(readJsonLines(file(Uint8Array.of(0xff, 0xfe)))).rejects.toThrow(/no text in UTF-8/)
  })
})

describe('a table of comma-separated values', () => {
  it('gives cells by column; quoted ones hold commas, quotes and line ends', async () => {
    expect(await readCsv(file('\ufeffid,text\n1,"a, ""b""\nc"\n2,d\n'))).toEqual([
      { line: 3, cells: { id: '1', text: 'a, "b"\nc' } },
      { line: 4, cells: { id: '2', text: 'd' } },
    ])
  })

  it('is refused where rows differ in length or a quote has no end', async () => {
    await expect(readCsv(file('a,b\n1\n'))).rejects.toThrow(/is no CSV: .*line 2/)
    await expect(readCsv(file('a,b\n1,"2\n'))).rejects.toThrow(/is no CSV/)
  })
})
