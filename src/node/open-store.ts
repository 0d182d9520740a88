/** @file Where work, jobs and records are kept: files of SQLite in a folder, or a PostgreSQL database that many machines share. */
import { open } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { JobQueue } from '../store/jobs.ts'
import { POSTGRES_MIGRATIONS, SQLITE_MIGRATIONS } from '../store/migrations.ts'
import { openPostgres } from '../store/postgres-database.ts'
import { postgresJobs } from '../store/postgres-jobs.ts'
import { postgresRecords } from '../store/postgres-records.ts'
import { postgresUnits } from '../store/postgres-units.ts'
import type { Records } from '../store/records.ts'
import { openSqlite } from '../store/sqlite-database.ts'
import { sqliteJobs } from '../store/sqlite-jobs.ts'
import { sqliteRecords } from '../store/sqlite-records.ts'
import { sqliteUnits, type UnitStore } from '../store/sqlite-units.ts'
import { makeFolder } from './atomic-write.ts'

/** Where a store is: the folder of files, or the address of a database (which holds a password: it is never printed). */
export type StoreAddress =
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 'postgres'; readonly url: string }

export interface OpenStoreOptions {
  /** Of jobs; default `JOB_LEASE_MILLISECONDS`. */
  readonly leaseMilliseconds?: number | undefined
}

export interface Store {
  readonly units: UnitStore
  readonly jobs: JobQueue
  readonly records: Records
  close(): Promise<void>
}

/** Names this process among all that may share a store. */
export function workerName(): string {
  return [hostname(), process.pid, Date.now()].join(' ')
}

/** Errors as those of `openSqlite` and `openPostgres`. */
export function openStore(address: StoreAddress, options: OpenStoreOptions = {}): Promise<Store> {
  switch (address.kind) {
    case 'folder':
      return openFolder(address.folder, options)
    case 'postgres':
      return openDatabase(address.url, options)
    default:
      return address satisfies never
  }
}

async function openFolder(folder: string, { leaseMilliseconds }: OpenStoreOptions): Promise<Store> {
  await makeFolder(folder)
  const path = join(folder, 'jobs.sqlite')
  // Answers of persons are for nobody else on the machine; what SQLite puts beside the file gets the same rights.
  await (await open(path, 'a', 0o600)).close()
  const database = openSqlite({ path, application: 'palj', migrations: SQLITE_MIGRATIONS })
  const units = sqliteUnits({ path: join(folder, 'units.sqlite'), owner: workerName(), isGone })
  return {
    units,
    jobs: sqliteJobs(database, { leaseMilliseconds, isGone }),
    records: sqliteRecords(database),
    async close() {
      units.close()
      database.close()
    },
  }
}

async function openDatabase(url: string, { leaseMilliseconds }: OpenStoreOptions): Promise<Store> {
  const database = await openPostgres({ url, migrations: POSTGRES_MIGRATIONS })
  const units = postgresUnits(database.pool, { owner: workerName() })
  return {
    units,
    jobs: postgresJobs(database, { leaseMilliseconds }),
    records: postgresRecords(database.pool),
    async close() {
      units.close()
      await database.close()
    },
  }
}

/** Only of this machine's processes is it known. A number that another process has got since looks alive: then the lease runs out. */
export function isGone(owner: string): boolean {
  const [host, pid] = owner.split(' ')
  if (host !== hostname()) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
