import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { runUnits } from '../../src/eval/units.ts'
import { POSTGRES_MIGRATIONS } from '../../src/store/migrations.ts'
import { openPostgres, type PostgresDatabase } from '../../src/store/postgres-database.ts'
import { postgresUnits } from '../../src/store/postgres-units.ts'
import { sqliteUnits, type UnitStore } from '../../src/store/sqlite-units.ts'
import { POSTGRES_MISSING, startPostgres, type TestPostgres } from '../postgres.ts'

type Open = (owner: string, now?: () => number) => UnitStore

/** One contract, whoever keeps the units. */
function keepsUnits(openers: () => Promise<Open>): void {
  let open: Open
  beforeEach(async () => {
    open = await openers()
  })

  it('keeps results for everybody', async () => {
    const [a, b] = [open('a'), open('b')]
    expect(await a.read('k')).toBeUndefined()
    expect(await a.claim('k')).toBe(true)
    expect(await a.read('k')).toBeUndefined()
    await a.write('k', 'a result with ünïcode')
    expect(await b.read('k')).toBe('a result with ünïcode')
    expect(await b.claim('k')).toBe(false)
  })

  it('lets one at a time hold a unit, until it is released', async () => {
    const [a, b] = [open('a'), open('b')]
    expect(await a.claim('k')).toBe(true)
    expect(await b.claim('k')).toBe(false)
    expect(await a.claim('k')).toBe(true)
    await b.release('k')
    expect(await b.claim('k')).toBe(false)
    await a.release('k')
    expect(await b.claim('k')).toBe(true)
  })

  it('frees what a silent holder had once its lease has run out, and keeps the first result', async () => {
    let time = 1000
    const [a, b] = [open('a', () => time), open('b', () => time)]
    await a.claim('k')
    time += 30_000
    expect(await b.claim('k')).toBe(false)
    time += 1
    expect(await b.claim('k')).toBe(true)
    await b.write('k', 'first')
    await a.write('k', 'second')
    expect(await a.read('k')).toBe('first')
  })

  it('has every unit of a run computed once by several', async () => {
    const computed: string[] = []
    const units = Array.from({ length: 40 }, (_, n) => ({
      key: `unit-${n}`,
      async compute() {
        computed.push(`unit-${n}`)
        return `result ${n}`
      },
    }))
    const runs = ['a', 'b', 'c', 'd'].map((owner) => runUnits(open(owner), units))
    for (const results of await Promise.all(runs)) expect(results).toEqual(units.map((_, n) => `result ${n}`))
    expect(computed.sort()).toEqual(units.map(({ key }) => key).sort())
  })
}

describe('a store of units in SQLite', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'palign-units-'))
  const opened: { close(): void }[] = []
  let count = 0
  afterAll(() => {
    for (const units of opened) units.close()
    rmSync(scratch, { recursive: true })
  })
  keepsUnits(async () => {
    const path = join(scratch, `${count++}.sqlite`)
    return (owner, now) => {
      const units = sqliteUnits({ path, owner, now })
      opened.push(units)
      return units
    }
  })
})

const why = POSTGRES_MISSING === undefined ? '' : ` (skipped: ${POSTGRES_MISSING})`
describe.skipIf(POSTGRES_MISSING !== undefined)(`a store of units in PostgreSQL${why}`, () => {
  let server: TestPostgres
  const databases: PostgresDatabase[] = []
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(async () => {
    for (const database of databases) await database.close()
    await server.stop()
  })
  keepsUnits(async () => {
    const database = await openPostgres({ url: await server.database(), migrations: POSTGRES_MIGRATIONS })
    databases.push(database)
    return (owner, now) => postgresUnits(database.pool, { owner, now })
  })
})
