/**
 * @file Units of work in one SQLite file, shared by any number of processes of one machine. A result is written in one transaction:
 * a process that is killed loses the unit it was at, no other. What it held is free again once its lease has run out, or at once where the
 * next process sees that it is gone.
 */
import type { UnitStore } from '../eval/units.ts'
import { openSqlite } from './sqlite-database.ts'

export type { UnitStore }

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
export const UNIT_LEASE_MILLISECONDS = 30_000
const MIGRATIONS = ['CREATE TABLE unit (key TEXT PRIMARY KEY, result TEXT, owner TEXT, expires INTEGER) STRICT']

/** @throws PalignError `malformed-file` for a file that is no store of ours, or one of a later version */
export function sqliteUnits({ path, owner, isGone = () => false, now = Date.now }: SqliteUnitsOptions): SqliteUnits {
  const database = openSqlite({ path, application: 'paln', migrations: MIGRATIONS })
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
  const expires = () => now() + UNIT_LEASE_MILLISECONDS

  for (const row of database.prepare('SELECT DISTINCT owner FROM unit WHERE owner IS NOT NULL').all()) {
    const { owner: holder } = row as { owner: string }
    if (isGone(holder)) database.prepare('UPDATE unit SET owner = NULL, expires = NULL WHERE owner = ?').run(holder)
  }
  const renewal = setInterval(() => renew.run({ expires: expires(), owner }), UNIT_LEASE_MILLISECONDS / 3)
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
