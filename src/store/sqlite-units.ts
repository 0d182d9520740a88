/**
 * @file Units of work in one SQLite file, shared by any number of processes of one machine. A result is written in one transaction:
 * a process that is killed loses the unit it was at, no other. What it held is free again once its lease has run out, or at once where the
 * next process sees that it is gone.
 */
import { DatabaseSync } from '@photostructure/sqlite'
import { PalignError } from '../errors.ts'
import type { UnitStore } from '../eval/units.ts'

type Database = InstanceType<typeof DatabaseSync>

export interface SqliteUnitsOptions {
  /** The file; it is made where it is missing. */
  readonly path: string
  /** Names this process among all that may share the file. */
  readonly owner: string
  /** Whether the process of that name is known to be gone; default: nobody is known to be, leases run out. */
  readonly isGone?: ((owner: string) => boolean) | undefined
  /** Milliseconds since 1970; default the clock. */
  readonly now?: (() => number) | undefined
}

export interface SqliteUnits extends UnitStore {
  close(): void
}

/** Long beside a pause of the process, short beside a night: renewed while the unit is computed. */
const LEASE_MILLISECONDS = 30_000
const BUSY_MILLISECONDS = 10_000
const VERSION = 1
/** "paln" in the file's header. */
const APPLICATION = 0x70_61_6c_6e

/** @throws PalignError `malformed-file` for a file that is no store of ours, or one of a later version */
export function sqliteUnits({ path, owner, isGone = () => false, now = Date.now }: SqliteUnitsOptions): SqliteUnits {
  const database = openDatabase(path)
  const read = database.prepare('SELECT result FROM unit WHERE key = ?')
  const claim = database.prepare(`
    INSERT INTO unit (key, owner, expires) VALUES (:key, :owner, :expires)
    ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, expires = excluded.expires
    WHERE unit.result IS NULL AND (unit.owner IS NULL OR unit.owner = excluded.owner OR unit.expires < :now)`)
  const write = database.prepare(`
    INSERT INTO unit (key, result) VALUES (:key, :result)
    ON CONFLICT (key) DO UPDATE SET result = excluded.result, owner = NULL, expires = NULL WHERE unit.result IS NULL`)
  const free = database.prepare('UPDATE unit SET owner = NULL, expires = NULL WHERE key = :key AND owner = :owner')
  const renew = database.prepare('UPDATE unit SET expires = :expires WHERE owner = :owner')
  const expires = () => now() + LEASE_MILLISECONDS

  for (const row of database.prepare('SELECT DISTINCT owner FROM unit WHERE owner IS NOT NULL').all()) {
    const { owner: holder } = row as { owner: string }
    if (isGone(holder)) database.prepare('UPDATE unit SET owner = NULL, expires = NULL WHERE owner = ?').run(holder)
  }
  const renewal = setInterval(() => renew.run({ expires: expires(), owner }), LEASE_MILLISECONDS / 3)
  // A program that has nothing else to do may end.
  renewal.unref()

  return {
    read: async (key) => (read.get(key) as { result: string | null } | undefined)?.result ?? undefined,
    claim: async (key) => claim.run({ key, owner, expires: expires(), now: now() }).changes === 1,
    async write(key, result) {
      write.run({ key, result })
    },
    async release(key) {
      free.run({ key, owner })
    },
    close() {
      clearInterval(renewal)
      database.close()
    },
  }
}

function openDatabase(path: string): Database {
  let database: Database | undefined
  try {
    database = new DatabaseSync(path, { timeout: BUSY_MILLISECONDS })
    migrate(database, path)
    return database
  } catch (cause) {
    database?.close()
    if (cause instanceof PalignError) throw cause
    throw new PalignError('malformed-file', `store ${path} cannot be opened as SQLite`, {
      hint: 'give another folder, or move the file away',
      cause,
    })
  }
}

function migrate(database: Database, path: string): void {
  const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get() as object)[0] as number
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
  // Two processes may open a new file at once: one makes it, the other waits and finds it made.
  database.exec('BEGIN IMMEDIATE')
  try {
    const [application, version] = [pragma('application_id'), pragma('user_version')]
    const isNew = application === 0 && version === 0 && database.prepare('SELECT 1 FROM sqlite_schema').get() === undefined
    if (!isNew && application !== APPLICATION) {
      throw new PalignError('malformed-file', `store ${path} is a SQLite file of another program`, {
        hint: 'give another folder',
      })
    }
    if (version > VERSION) {
      throw new PalignError('malformed-file', `store ${path} has version ${version}, this palign knows up to ${VERSION}`, {
        hint: 'use the palign that made it, or a newer one',
      })
    }
    if (isNew) {
      database.exec('CREATE TABLE unit (key TEXT PRIMARY KEY, result TEXT, owner TEXT, expires INTEGER) STRICT')
      database.exec(`PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${VERSION}`)
    }
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}
