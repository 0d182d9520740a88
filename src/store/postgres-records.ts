/** @file Records in PostgreSQL. What is deleted is no row any more; its bytes go when the server cleans up (docs/decisions/0013-jobs.md). */
import type { Pool } from 'pg'
import { PalignError } from '../errors.ts'
import { orClock } from './postgres-database.ts'
import { MOST_RECORD_BYTES, type RecordFacts, type RecordKey, type Records, type StoredRecord } from './records.ts'
import { jsonText, storedJson } from './stored-json.ts'

export const POSTGRES_RECORDS = `
  CREATE TABLE palign.record (
    place bigint GENERATED ALWAYS AS IDENTITY, collection text NOT NULL, id text NOT NULL, owner text NOT NULL, expires bigint,
    created bigint NOT NULL, json text NOT NULL, PRIMARY KEY (collection, id)
  );
  CREATE INDEX record_owner ON palign.record (owner, collection, created);
  CREATE INDEX record_expires ON palign.record (expires) WHERE expires IS NOT NULL`

/** Whole numbers of 64 bits come as text. */
interface Row {
  readonly collection: string
  readonly id: string
  readonly owner: string
  readonly expires: string | null
  readonly created: string
  readonly json: string
}

const FACTS = 'collection, id, owner, expires, created'
const COLUMNS = `${FACTS}, json`

export function postgresRecords(pool: Pool, { now }: { readonly now?: (() => number) | undefined } = {}): Records {
  const time = () => now?.() ?? null
  const alive = (parameter: string) => `(expires IS NULL OR expires > ${orClock(parameter)})`
  return {
    async put(collection, id, { owner, expires, json }) {
      const { rowCount } = await pool.query(
        `INSERT INTO palign.record AS record (${COLUMNS}) VALUES ($1, $2, $3, $4, ${orClock('$5')}, $6)
         ON CONFLICT (collection, id) DO UPDATE SET json = excluded.json, expires = excluded.expires
         WHERE record.owner = excluded.owner`,
        [collection, id, owner, expires ?? null, time(), jsonText(json, 'record', MOST_RECORD_BYTES)],
      )
      if (rowCount === 0) throw new PalignError('invalid-input', 'record belongs to another owner')
    },
    async get(collection, id) {
      const { rows } = await pool.query<Row>(
        `SELECT ${COLUMNS} FROM palign.record WHERE collection = $1 AND id = $2 AND ${alive('$3')}`,
        [collection, id, time()],
      )
      return rows[0] && recordOf(rows[0])
    },
    async list(collection, { owner, limit = 1000 }) {
      const { rows } = await pool.query<Row>(
        `SELECT ${COLUMNS} FROM palign.record WHERE collection = $1 AND ($2::text IS NULL OR owner = $2) AND ${alive('$3')}
         ORDER BY created, place LIMIT $4`,
        [collection, owner ?? null, time(), limit],
      )
      return rows.map(recordOf)
    },
    async about(collection, id) {
      const { rows } = await pool.query<Omit<Row, 'json'>>(
        `SELECT ${FACTS} FROM palign.record WHERE collection = $1 AND id = $2 AND ${alive('$3')}`,
        [collection, id, time()],
      )
      return rows[0] && factsOf(rows[0])
    },
    async delete(collection, id) {
      return (await pool.query('DELETE FROM palign.record WHERE collection = $1 AND id = $2', [collection, id])).rowCount === 1
    },
    async expired(at) {
      const sql = 'SELECT collection, id FROM palign.record WHERE expires <= $1 ORDER BY expires'
      return (await pool.query<RecordKey>(sql, [at])).rows
    },
    async deleteOwner(owner) {
      return (await pool.query('DELETE FROM palign.record WHERE owner = $1', [owner])).rowCount ?? 0
    },
  }
}

function recordOf({ json, ...row }: Row): StoredRecord {
  return { ...factsOf(row), json: storedJson(json) }
}

function factsOf({ expires, created, ...row }: Omit<Row, 'json'>): RecordFacts {
  return { ...row, expires: expires === null ? undefined : Number(expires), created: Number(created) }
}
