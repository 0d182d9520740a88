import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { bytesSource } from '../../../src/formats/byte-source.ts'
import { readGgufHeader } from '../../../src/formats/gguf.ts'
import { openFile } from '../../../src/node/read-file.ts'
import { goodGguf, hostileGguf } from '../../fixtures/hostile-gguf.ts'
import { expectRefusal } from '../../fixtures/refusal.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-hostile-gguf-'))
afterAll(() => rmSync(scratch, { recursive: true }))

describe('a hostile GGUF file (S-02, S-07)', () => {
  it('is one of many, made from one that is good', async () => {
    expect(hostileGguf().length).toBeGreaterThan(400)
    expect((await readGgufHeader(bytesSource(goodGguf()))).tensors).toHaveLength(2)
  })

  it('is refused by its rule, in 100 ms and without 64 MB', async () => {
    for (const [name, bytes] of hostileGguf()) await expectRefusal(name, () => readGgufHeader(bytesSource(bytes)))
  })

  it('says that it is big-endian', async () => {
    const bytes = goodGguf()
    bytes.set([0, 0, 0, 3], 4)
    await expect(readGgufHeader(bytesSource(bytes))).rejects.toThrow('big-endian')
  })

  it('of a terabyte is not read to see that it is none', async () => {
    const path = join(scratch, 'sparse.gguf')
    writeFileSync(path, goodGguf())
    truncateSync(path, 2 ** 40)
    const file = await openFile(path)
    try {
      await expectRefusal('sparse', () => readGgufHeader(file))
    } finally {
      await file.close()
    }
  })

  it('whose strings fill more than a header may have is refused before all is read', async () => {
    // 100 keys with a string of a megabyte each, all zeros: only what is asked for exists.
    const strings = 100
    const each = 1_000_000
    const key = (i: number) => {
      const bytes = new Uint8Array(8 + 2 + 4 + 8)
      bytes.set([2, 0, 0, 0, 0, 0, 0, 0, 48 + Math.floor(i / 10), 48 + (i % 10), 8])
      new DataView(bytes.buffer).setBigUint64(14, BigInt(each), true)
      return bytes
    }
    const start = Uint8Array.of(0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, strings, 0, 0, 0, 0, 0, 0, 0)
    const whole = new Uint8Array(start.length + strings * (22 + each))
    whole.set(start)
    for (let i = 0; i < strings; i++) whole.set(key(i), start.length + i * (22 + each))
    let asked = 0
    const source = {
      byteLength: whole.length,
      slice: async (begin: number, end: number) => {
        asked = Math.max(asked, end)
        return whole.subarray(begin, end)
      },
    }
    await expect(readGgufHeader(source)).rejects.toThrow('header is longer than 64000000 bytes')
    expect(asked).toBeLessThanOrEqual(64_000_000)
  })
})
