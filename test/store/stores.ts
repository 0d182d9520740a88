/** @file The stores that one suite of tests runs over, and a clock that stands still. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import type { StoreAddress } from '../../src/node/open-store.ts'
import type { JobQueue } from '../../src/store/jobs.ts'
import { POSTGRES_MIGRATIONS, SQLITE_MIGRATIONS } from '../../src/store/migrations.ts'
import { openPostgres } from '../../src/store/postgres-database.ts'
import { postgresJobs } from '../../src/store/postgres-jobs.ts'
import { postgresRecords } from '../../src/store/postgres-records.ts'
import type { Records } from '../../src/store/records.ts'
import { openSqlite } from '../../src/store/sqlite-database.ts'
import { sqliteJobs } from '../../src/store/sqlite-jobs.ts'
import { sqliteRecords } from '../../src/store/sqlite-records.ts'
import { POSTGRES_MISSING, startPostgres, type TestPostgres } from '../postgres.ts'

export interface TestStore {
  readonly jobs: JobQueue
  readonly records: Records
  close(): Promise<void>
}

export interface TestStores {
  /** Where a new, empty store is. */
  address(): Promise<StoreAddress>
  /** Opens it with a clock of the test's. */
  open(address: StoreAddress, now: () => number): Promise<TestStore>
}

/** Runs a suite over SQLite and PostgreSQL; skips the latter where it is not installed, and says so. */
export function overStores(name: string, suite: (stores: TestStores) => void): void {
  const scratch = mkdtempSync(join(tmpdir(), 'palign-stores-'))
  afterAll(() => rmSync(scratch, { recursive: true }))
  let count = 0
  describe(`${name} in SQLite`, () =>
    suite({ address: async () => ({ kind: 'folder', folder: mkdtempSync(join(scratch, `${count++}-`)) }), open }))

  const why = POSTGRES_MISSING === undefined ? '' : ` (skipped: ${POSTGRES_MISSING})`
  describe.skipIf(POSTGRES_MISSING !== undefined)(`${name} in PostgreSQL${why}`, () => {
    let server: TestPostgres
    beforeAll(async () => {
      server = await startPostgres()
    })
    afterAll(() => server.stop())
    suite({ address: async () => ({ kind: 'postgres', url: await server.database() }), open })
  })
}

async function open(address: StoreAddress, now: () => number): Promise<TestStore> {
  if (address.kind === 'folder') {
    const path = join(address.folder, 'jobs.sqlite')
    const database = openSqlite({ path, application: 'palj', migrations: SQLITE_MIGRATIONS })
    return {
      jobs: sqliteJobs(database, { now }),
      records: sqliteRecords(database, { now }),
      close: async () => database.close(),
    }
  }
  const database = await openPostgres({ url: address.url, migrations: POSTGRES_MIGRATIONS })
  return {
    jobs: postgresJobs(database, { now }),
    records: postgresRecords(database.pool, { now }),
    close: () => database.close(),
  }
}
