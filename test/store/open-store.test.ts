import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../../src/node/open-store.ts'
import { PASSWORD, POSTGRES_MISSING, query, startPostgres, type TestPostgres } from '../postgres.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-open-'))
afterAll(() => rmSync(scratch, { recursive: true }))
const newFolder = () => mkdtempSync(join(scratch, 'store-'))
const failure = (opening: Promise<unknown>): Promise<Error> =>
  opening.then(
    () => expect.unreachable(),
    (error) => error,
  )

describe('a store in a folder', () => {
  it('is made where it is missing, its files for this user alone', async () => {
    const folder = join(newFolder(), 'new')
    const store = await openStore({ kind: 'folder', folder })
    await store.records.put('answers', 'a', { owner: 'o', json: 1 })
    for (const name of ['jobs.sqlite', 'jobs.sqlite-wal']) expect(statSync(join(folder, name)).mode & 0o77).toBe(0)
    await store.close()
  })

  it('is refused where its file is no database, another program’s, or a later palign’s', async () => {
    const [text, foreign, later] = [newFolder(), newFolder(), newFolder()]
    writeFileSync(join(text, 'jobs.sqlite'), 'no database at all, but longer than a header would be'.repeat(10))
    const database = new DatabaseSync(join(foreign, 'jobs.sqlite'))
    database.exec('CREATE TABLE job (id TEXT)')
    database.close()
    await (await openStore({ kind: 'folder', folder: later })).close()
    const newer = new DatabaseSync(join(later, 'jobs.sqlite'))
    newer.exec('PRAGMA user_version = 99')
    newer.close()
    for (const [folder, message] of [
      [text, /cannot be opened as SQLite/],
      [foreign, /of another program/],
      [later, /version 99/],
    ] as const) {
      await expect(openStore({ kind: 'folder', folder })).rejects.toMatchObject({ code: 'malformed-file', message })
    }
  })
})

describe('an address of a database', () => {
  it('is refused where it is none, without a word of it', async () => {
    for (const url of [`mysql://u:${PASSWORD}@h/d`, `postgres://u:${PASSWORD}@h:port/d`, `postgres://u:${PASSWORD}@[::/d`]) {
      const error = await failure(openStore({ kind: 'postgres', url }))
      expect(error).toMatchObject({ name: 'PalignError' })
      expect(inspect(error, { depth: 9 })).not.toContain(PASSWORD)
    }
  })

  it('that nobody answers at is an error that says so, without a word of it', async () => {
    const error = await failure(openStore({ kind: 'postgres', url: `postgres://u:${PASSWORD}@127.0.0.1:1/d` }))
    expect(error).toMatchObject({ code: 'not-found', message: expect.stringMatching(/ECONNREFUSED/) })
    expect(inspect(error, { depth: 9 })).not.toContain(PASSWORD)
  })

  it('needs two packages, which the error names where they are missing', () => {
    // A process in which neither can be found.
    const hooks = `export async function resolve(name, context, next) {
      if (name === 'pg' || name === 'pg-boss') throw Object.assign(new Error('none'), { code: 'ERR_MODULE_NOT_FOUND' })
      return next(name, context)
    }`
    const script = `
      import { register } from 'node:module'
      register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}))
      const { openStore } = await import('./dist/node/open-store.js')
      const folder = await openStore({ kind: 'folder', folder: ${JSON.stringify(newFolder())} })
      await folder.close()
      await openStore({ kind: 'postgres', url: 'postgres://h/d' }).catch((error) => console.log(error.code, error.message, error.hint))`
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    expect(printed).toMatch(/^not-found .*pg and pg-boss.* npm i pg pg-boss\n$/)
  })
})

const why = POSTGRES_MISSING === undefined ? '' : ` (skipped: ${POSTGRES_MISSING})`
describe.skipIf(POSTGRES_MISSING !== undefined)(`a store in PostgreSQL${why}`, () => {
  let server: TestPostgres
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.stop())

  it('is made by whoever comes first, several at once', async () => {
    const url = await server.database()
    const stores = await Promise.all([1, 2, 3, 4].map(() => openStore({ kind: 'postgres', url })))
    const { id } = await stores[0]!.jobs.enqueue('task', 1)
    const claims = await Promise.all(stores.map(({ jobs }, n) => jobs.claim(['task'], { worker: `w${n}` })))
    expect(claims.flatMap((job) => job?.id ?? [])).toEqual([id])
    for (const store of stores) await store.close()
  })

  it('is refused where its schema is another program’s, or a later palign’s', async () => {
    const [foreign, later] = [await server.database(), await server.database()]
    await query(foreign, 'CREATE SCHEMA palign; CREATE TABLE palign.job (id int)')
    await expect(openStore({ kind: 'postgres', url: foreign })).rejects.toThrow(/schema palign of another program/)
    await (await openStore({ kind: 'postgres', url: later })).close()
    await query(later, 'UPDATE palign.version SET version = 99')
    await expect(openStore({ kind: 'postgres', url: later })).rejects.toThrow(/version 99/)
  })

  it('refuses a wrong password, without a word of it', async () => {
    const url = (await server.database()).replace(PASSWORD, 'a-wrong-password')
    const error = await failure(openStore({ kind: 'postgres', url }))
    expect(error).toMatchObject({ code: 'not-found', message: expect.stringMatching(/28P01/) })
    expect(inspect(error, { depth: 9 })).not.toContain('a-wrong-password')
  })

  it('holds no message of a job that has ended', async () => {
    const url = await server.database()
    const { jobs, close } = await openStore({ kind: 'postgres', url })
    const ids: string[] = []
    for (let n = 0; n < 4; n++) ids.push((await jobs.enqueue('task', n)).id)
    const messages = () => query(url, 'SELECT state FROM palign_queue.job')
    expect(await messages()).toHaveLength(4)
    await jobs.complete((await jobs.claim(['task'], { worker: 'w' }))!.lease, 'r')
    const failing = (await jobs.claim(['task'], { worker: 'w' }))!
    await jobs.fail(failing.lease, { code: 'invalid-input', message: 'm', retry: false })
    await jobs.cancel(ids[2]!)
    await jobs.delete(ids[3]!)
    expect(await messages()).toEqual([])
    await close()
  })

  it('survives ends and claims of the same jobs at once', async () => {
    const url = await server.database()
    const stores = await Promise.all([1, 2, 3].map(() => openStore({ kind: 'postgres', url })))
    const [a, b, c] = stores.map(({ jobs }) => jobs)
    const ids: string[] = []
    for (let n = 0; n < 60; n++) ids.push((await a!.enqueue('task', n)).id)
    const claimed = async () => {
      const found: string[] = []
      for (
        let job = await a!.claim(['task'], { worker: 'a' });
        job !== undefined;
        job = await a!.claim(['task'], { worker: 'a' })
      ) {
        found.push(job.id)
        await a!.complete(job.lease, 'r')
      }
      return found
    }
    await Promise.all([claimed(), ...ids.map((id, n) => (n % 2 ? b! : c!).cancel(id))])
    await claimed()
    const states = new Set((await a!.list({ limit: 100 })).map(({ state }) => state))
    expect([...states].every((state) => state === 'done' || state === 'cancelled')).toBe(true)
    expect(await query(url, 'SELECT state FROM palign_queue.job')).toEqual([])
    for (const store of stores) await store.close()
  })
})
