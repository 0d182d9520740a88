import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { readJsonLines } from '../../../src/node/read-json-lines.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-lines-'))
afterAll(() => rmSync(scratch, { recursive: true }))

function file(name: string, content: string | Uint8Array): string {
  const path = join(scratch, name)
  writeFileSync(path, content)
  return path
}
const limits = { maxBytes: 1000, maxRows: 3 }

describe('JSONL file', () => {
  it('is read with the numbers of its lines, packed or not', async () => {
    const text = '{"a":1}\n\n{"a":2}\r\n'
    const rows = [
      { line: 1, value: { a: 1 } },
      { line: 3, value: { a: 2 } },
    ]
    const plain = await readJsonLines(file('a.jsonl', text), limits)
    const packed = await readJsonLines(file('a.jsonl.gz', gzipSync(text)), limits)
    expect(plain.rows).toEqual(rows)
    expect(packed.rows).toEqual(rows)
    expect(packed.sha256).not.toBe(plain.sha256)
  })

  it.each([
    ['broken.jsonl', '{"a":1}\n{', /broken\.jsonl, line 2 is no JSON/],
    ['empty.jsonl', '\n', /holds no rows/],
    ['rows.jsonl', '1\n2\n3\n4', /more than 3 rows/],
    ['long.jsonl', `"${'a'.repeat(1000)}"`, /1002 bytes, at most 1000/],
    ['bomb.jsonl.gz', gzipSync(`"${'a'.repeat(5000)}"`), /unpacks to more than 1000 bytes/],
    ['plain.jsonl.gz', '{"a":1}', /cannot be unpacked/],
    ['latin.jsonl', Uint8Array.of(0x22, 0xe9, 0x22), /no text in UTF-8/],
  ])('is refused: %s', async (name, content, message) => {
    await expect(readJsonLines(file(name, content), limits)).rejects.toThrow(message)
  })
})
