/**
 * @file Units of work in PostgreSQL, shared by any number of machines, by the rules of `sqlite-units.ts`. Whether a process of another machine still
 * lives is not known here: what it held is free once its lease has run out.
 */
import type { Pool } from 'pg'
import type { UnitStore } from '../eval/units.ts'
import { orClock } from './postgres-database.ts'
import { UNIT_LEASE_MILLISECONDS } from './sqlite-units.ts'

export const POSTGRES_UNITS = 'CREATE TABLE palign.unit (key text PRIMARY KEY, result text, owner text, expires bigint)'

export interface PostgresUnitsOptions {
  /** Names this process among all that share the database. */
  readonly owner: string
  /** Milliseconds since 1970; default the database's clock. */
  readonly now?: (() => number) | undefined
}

export interface PostgresUnits extends UnitStore {
  /** Ends the renewal of leases; the connections are the caller's. */
  close(): void
}

export function postgresUnits(pool: Pool, { owner, now }: PostgresUnitsOptions): PostgresUnits {
  const renew = () =>
    pool.query(`UPDATE palign.unit SET expires = ${orClock('$1')} + $2 WHERE owner = $3`, [
      now?.() ?? null,
      UNIT_LEASE_MILLISECONDS,
      owner,
    ])
  // A renewal that fails is made good by the next: a lease has three.
  const renewal = setInterval(() => void renew().catch(() => undefined), UNIT_LEASE_MILLISECONDS / 3)
  // A program that has nothing else to do may end.
  renewal.unref()
  return {
    async read(key) {
      const { rows } = await pool.query<{ result: string | null }>('SELECT result FROM palign.unit WHERE key = $1', [key])
      return rows[0]?.result ?? undefined
    },
    async claim(key) {
      const { rowCount } = await pool.query(
        `INSERT INTO palign.unit AS unit (key, owner, expires) VALUES ($1, $2, ${orClock('$3')} + $4)
         ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, expires = excluded.expires
         WHERE unit.result IS NULL AND (unit.owner IS NULL OR unit.owner = excluded.owner OR unit.expires < ${orClock('$3')})`,
        [key, owner, now?.() ?? null, UNIT_LEASE_MILLISECONDS],
      )
      return rowCount === 1
    },
    async write(key, result) {
      await pool.query(
        `INSERT INTO palign.unit AS unit (key, result) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE SET result = excluded.result, owner = NULL, expires = NULL WHERE unit.result IS NULL`,
        [key, result],
      )
    },
    async release(key) {
      await pool.query('UPDATE palign.unit SET owner = NULL, expires = NULL WHERE key = $1 AND owner = $2', [key, owner])
    },
    close: () => clearInterval(renewal),
  }
}
