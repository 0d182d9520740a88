/** @file Records in SQLite. What is deleted or replaced is overwritten in the file and gone from its log. */
import { PalignError } from '../errors.ts'
import { MOST_RECORD_BYTES, type RecordKey, type Records, type StoredRecord } from './records.ts'
import { emptyLog, type SqliteDatabase } from './sqlite-database.ts'
import { jsonText, storedJson } from './stored-json.ts'

export const SQLITE_RECORDS = `
  CREATE TABLE record (
    collection TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL, expires INTEGER, created INTEGER NOT NULL, json TEXT NOT NULL,
    PRIMARY KEY (collection, id)
  ) STRICT;
  CREATE INDEX record_owner ON record (owner, collection, created);
  CREATE INDEX record_expires ON record (expires) WHERE expires IS NOT NULL`

interface Row {
  readonly collection: string
  readonly id: string
  readonly owner: string
  readonly expires: number | null
  readonly created: number
  readonly json: string
}

const FACTS = 'collection, id, owner, expires, created'
const COLUMNS = `${FACTS}, json`
const ALIVE = '(expires IS NULL OR expires > :now)'

export function sqliteRecords(
  database: SqliteDatabase,
  { now = Date.now }: { readonly now?: (() => number) | undefined } = {},
): Records {
  const put = database.prepare(`
    INSERT INTO record (${COLUMNS}) VALUES (:collection, :id, :owner, :expires, :now, :json)
    ON CONFLICT (collection, id) DO UPDATE SET json = excluded.json, expires = excluded.expires WHERE record.owner = excluded.owner`)
  const has = database.prepare('SELECT 1 FROM record WHERE collection = ? AND id = ?')
  const get = database.prepare(`SELECT ${COLUMNS} FROM record WHERE collection = :collection AND id = :id AND ${ALIVE}`)
  const list = database.prepare(`
    SELECT ${COLUMNS} FROM record WHERE collection = :collection AND (:owner IS NULL OR owner = :owner) AND ${ALIVE}
    ORDER BY created, rowid LIMIT :limit`)
  const about = database.prepare(`SELECT ${FACTS} FROM record WHERE collection = :collection AND id = :id AND ${ALIVE}`)
  const remove = database.prepare('DELETE FROM record WHERE collection = ? AND id = ?')
  const removeOwner = database.prepare('DELETE FROM record WHERE owner = ?')
  const expired = database.prepare('SELECT collection, id FROM record WHERE expires <= ? ORDER BY expires')
  return {
    async put(collection, id, { owner, expires, json }) {
      const text = jsonText(json, 'record', MOST_RECORD_BYTES)
      const replaces = has.get(collection, id) !== undefined
      const { changes } = put.run({ collection, id, owner, expires: expires ?? null, now: now(), json: text })
      if (changes === 0) throw new PalignError('invalid-input', 'record belongs to another owner')
      if (replaces) emptyLog(database)
    },
    async get(collection, id) {
      const row = get.get({ collection, id, now: now() }) as unknown as Row | undefined
      return row && recordOf(row)
    },
    async list(collection, { owner, limit = 1000 }) {
      return (list.all({ collection, owner: owner ?? null, limit, now: now() }) as unknown as Row[]).map(recordOf)
    },
    async about(collection, id) {
      const row = about.get({ collection, id, now: now() }) as unknown as Omit<Row, 'json'> | undefined
      return row && { ...row, expires: row.expires ?? undefined }
    },
    async delete(collection, id) {
      const existed = remove.run(collection, id).changes === 1
      if (existed) emptyLog(database)
      return existed
    },
    expired: async (time) => expired.all(time) as unknown as RecordKey[],
    async deleteOwner(owner) {
      const count = Number(removeOwner.run(owner).changes)
      if (count > 0) emptyLog(database)
      return count
    },
  }
}

function recordOf({ expires, json, ...row }: Row): StoredRecord {
  return { ...row, expires: expires ?? undefined, json: storedJson(json) }
}
