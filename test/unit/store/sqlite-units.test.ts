import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterAll, describe, expect, it } from 'vitest'
import { sqliteUnits } from '../../../src/store/sqlite-units.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-store-'))
afterAll(() => rmSync(scratch, { recursive: true }))
let count = 0
const newPath = () => join(scratch, `units-${count++}.sqlite`)

describe('units in SQLite', () => {
  it('keep results over processes', async () => {
    const path = newPath()
    const first = sqliteUnits({ path, owner: 'a' })
    expect(await first.read('k')).toBeUndefined()
    expect(await first.claim('k')).toBe(true)
    expect(await first.read('k')).toBeUndefined()
    await first.write('k', 'a result with ünïcode')
    first.close()
    const second = sqliteUnits({ path, owner: 'b' })
    expect(await second.read('k')).toBe('a result with ünïcode')
    expect(await second.claim('k')).toBe(false)
    second.close()
  })

  it('are held by one at a time, until they are released', async () => {
    const path = newPath()
    const [a, b] = [sqliteUnits({ path, owner: 'a' }), sqliteUnits({ path, owner: 'b' })]
    expect(await a.claim('k')).toBe(true)
    expect(await b.claim('k')).toBe(false)
    await b.release('k')
    expect(await b.claim('k')).toBe(false)
    await a.release('k')
    expect(await b.claim('k')).toBe(true)
    a.close()
    b.close()
  })

  it('are free again when the lease of a silent holder has run out', async () => {
    const path = newPath()
    let time = 1000
    const a = sqliteUnits({ path, owner: 'a', now: () => time })
    const b = sqliteUnits({ path, owner: 'b', now: () => time })
    await a.claim('k')
    time += 29_000
    expect(await b.claim('k')).toBe(false)
    time += 2000
    expect(await b.claim('k')).toBe(true)
    a.close()
    b.close()
  })

  it('are free at once where the holder is known to be gone, and the first result stays', async () => {
    const path = newPath()
    const dead = sqliteUnits({ path, owner: 'dead' })
    await dead.claim('k')
    const next = sqliteUnits({ path, owner: 'next', isGone: (owner) => owner === 'dead' })
    expect(await next.claim('k')).toBe(true)
    await next.write('k', 'first')
    await dead.write('k', 'second')
    expect(await next.read('k')).toBe('first')
    dead.close()
    next.close()
  })

  it('refuse a file that is none of ours, and one of a later version', () => {
    const text = newPath()
    writeFileSync(text, 'not a database at all, but longer than a header would be'.repeat(10))
    expect(() => sqliteUnits({ path: text, owner: 'a' })).toThrow(/cannot be opened as SQLite/)
    const foreign = newPath()
    const database = new DatabaseSync(foreign)
    database.exec('CREATE TABLE things (id INTEGER)')
    database.close()
    expect(() => sqliteUnits({ path: foreign, owner: 'a' })).toThrow(/of another program/)
    const later = newPath()
    sqliteUnits({ path: later, owner: 'a' }).close()
    const newer = new DatabaseSync(later)
    newer.exec('PRAGMA user_version = 99')
    newer.close()
    expect(() => sqliteUnits({ path: later, owner: 'a' })).toThrow(/version 99/)
  })
})
