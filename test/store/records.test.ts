import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { IPIP_NEO_120 } from '../../src/items/ipip-neo.ts'
import type { StoreAddress } from '../../src/node/open-store.ts'
import { simulateRespondents } from '../../src/people/simulate.ts'
import { SQLITE_MIGRATIONS } from '../../src/store/migrations.ts'
import type { Records } from '../../src/store/records.ts'
import { openSqlite } from '../../src/store/sqlite-database.ts'
import { sqliteRecords } from '../../src/store/sqlite-records.ts'
import { overStores, type TestStore } from './stores.ts'

overStores('records', (stores) => {
  let address: StoreAddress
  let store: TestStore
  let records: Records
  let time: number

  beforeEach(async () => {
    time = 1_000_000
    address = await stores.address()
    store = await stores.open(address, () => time)
    records = store.records
  })
  afterEach(() => store.close())

  it('are read as they were written, by anybody who opens the store', async () => {
    const json = { text: 'ünïcode \u0000', numbers: [1, 2.5], nothing: null }
    await records.put('answers', 'a', { owner: 'o', json })
    const other = await stores.open(address, () => time)
    const expected = { collection: 'answers', id: 'a', owner: 'o', expires: undefined, created: time, json }
    expect(await other.records.get('answers', 'a')).toEqual(expected)
    expect(await other.records.get('personas', 'a')).toBeUndefined()
    await other.close()
  })

  it('are replaced by their owner only', async () => {
    await records.put('answers', 'a', { owner: 'o', json: 1, expires: time + 5 })
    await records.put('answers', 'a', { owner: 'o', json: 2 })
    await expect(records.put('answers', 'a', { owner: 'p', json: 3 })).rejects.toThrow(/another owner/)
    expect(await records.get('answers', 'a')).toMatchObject({ json: 2, expires: undefined, owner: 'o' })
  })

  it('are listed for one owner, oldest first', async () => {
    for (const [n, owner] of ['o', 'p', 'o'].entries()) await records.put('answers', `id-${n}`, { owner, json: n })
    await records.put('personas', 'x', { owner: 'o', json: 9 })
    expect((await records.list('answers', { owner: 'o' })).map(({ json }) => json)).toEqual([0, 2])
    expect(await records.list('answers', { owner: 'o', limit: 1 })).toHaveLength(1)
  })

  it('are listed for everybody where nobody is named, and known without what they hold', async () => {
    for (const owner of ['o', 'p']) await records.put('answers', `of-${owner}`, { owner, json: owner, expires: time + 10 })
    expect((await records.list('answers', {})).map(({ owner }) => owner)).toEqual(['o', 'p'])
    const facts = { collection: 'answers', id: 'of-o', owner: 'o', expires: time + 10, created: time }
    expect(await records.about('answers', 'of-o')).toEqual(facts)
    expect(await records.about('answers', 'of-q')).toBeUndefined()
    time += 10
    expect(await records.about('answers', 'of-o')).toBeUndefined()
  })

  it('are not read any more once they have expired, and can be found to be deleted', async () => {
    await records.put('answers', 'soon', { owner: 'o', json: 1, expires: time + 10 })
    await records.put('answers', 'late', { owner: 'o', json: 2, expires: time + 99 })
    await records.put('answers', 'never', { owner: 'o', json: 3 })
    time += 10
    expect(await records.get('answers', 'soon')).toBeUndefined()
    expect((await records.list('answers', { owner: 'o' })).map(({ id }) => id)).toEqual(['late', 'never'])
    expect(await records.expired(time)).toEqual([{ collection: 'answers', id: 'soon' }])
    expect(await records.expired(time - 1)).toEqual([])
    expect(await records.delete('answers', 'soon')).toBe(true)
    expect(await records.delete('answers', 'soon')).toBe(false)
  })

  it('go all at once where their owner goes', async () => {
    for (const collection of ['answers', 'personas']) {
      await records.put(collection, 'a', { owner: 'o', json: 1 })
      await records.put(collection, 'b', { owner: 'p', json: 2 })
    }
    expect(await records.deleteOwner('o')).toBe(2)
    expect(await records.deleteOwner('o')).toBe(0)
    expect(await records.get('personas', 'a')).toBeUndefined()
    expect(await records.get('personas', 'b')).toBeDefined()
  })

  it('are bounded in size', async () => {
    const json = 'x'.repeat(64 << 20)
    await expect(records.put('answers', 'a', { owner: 'o', json })).rejects.toThrow(/record has 67108866 bytes/)
  })
})

/** Of SQLite alone: when PostgreSQL overwrites a page is the server's business. */
describe('records that are deleted from SQLite', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'palign-deleted-'))
  afterAll(() => rmSync(scratch, { recursive: true }))
  const marker = 'a-text-that-stands-nowhere-else'
  const [person] = simulateRespondents({ count: 1, seed: 3, questionnaire: IPIP_NEO_120 })
  const json = { marker, answers: Object.fromEntries(person!.answers.byItem), more: marker.repeat(1000) }
  const found = (folder: string) =>
    readdirSync(folder).filter((name) => readFileSync(join(folder, name)).includes(Buffer.from(marker)))

  it.each([
    ['one by one', (from: Records) => from.delete('answers', 'a')],
    ['with their owner', (from: Records) => from.deleteOwner('o')],
    ['by being replaced', (from: Records) => from.put('answers', 'a', { owner: 'o', json: 'nothing' })],
  ])('leave no byte in any file, %s', async (_, remove) => {
    const folder = mkdtempSync(join(scratch, 'store-'))
    const [writer, reader] = [1, 2].map(() =>
      openSqlite({ path: join(folder, 'jobs.sqlite'), application: 'palj', migrations: SQLITE_MIGRATIONS }),
    )
    const records = sqliteRecords(writer!)
    await records.put('answers', 'kept', { owner: 'p', json: { text: 'something else' } })
    await records.put('answers', 'a', { owner: 'o', json })
    expect(await sqliteRecords(reader!).get('answers', 'a')).toBeDefined()
    expect(found(folder).length).toBeGreaterThan(0)
    await remove(records)
    expect(found(folder)).toEqual([])
    expect(await sqliteRecords(reader!).get('answers', 'kept')).toBeDefined()
    for (const database of [writer!, reader!]) database.close()
    expect(found(folder)).toEqual([])
  })
})
