/** @file Files of ours in SQLite: opened by any number of processes at once, known by their header, brought up to date by numbered steps. */
import { DatabaseSync } from '@photostructure/sqlite'
import { PalignError } from '../errors.ts'

export type SqliteDatabase = InstanceType<typeof DatabaseSync>

export interface SqliteFile {
  /** The file; it is made where it is missing. */
  readonly path: string
  /** Four letters in the file's header: what kind of file of ours it is. */
  readonly application: string
  /** SQL that leads from version i to i + 1. A step that was once released is never changed. */
  readonly migrations: readonly string[]
}

const BUSY_MILLISECONDS = 10_000

/** @throws PalignError `malformed-file` for a file that is no store of ours, or one of a later version */
export function openSqlite(file: SqliteFile): SqliteDatabase {
  let database: SqliteDatabase | undefined
  try {
    database = new DatabaseSync(file.path, { timeout: BUSY_MILLISECONDS })
    migrate(database, file)
    return database
  } catch (cause) {
    database?.close()
    if (cause instanceof PalignError) throw cause
    throw new PalignError('malformed-file', `store ${file.path} cannot be opened as SQLite`, {
      hint: 'give another folder, or move the file away',
      cause,
    })
  }
}

function migrate(database: SqliteDatabase, { path, application, migrations }: SqliteFile): void {
  const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get() as object)[0] as number
  // What is deleted is overwritten with zeros.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON')
  const ours = [...application].reduce((number, letter) => number * 256 + letter.charCodeAt(0), 0)
  // Two processes may open a new file at once: one makes it, the other waits and finds it made.
  transaction(database, () => {
    const [header, version] = [pragma('application_id'), pragma('user_version')]
    const isNew = header === 0 && version === 0 && database.prepare('SELECT 1 FROM sqlite_schema').get() === undefined
    if (!isNew && header !== ours) {
      throw new PalignError('malformed-file', `store ${path} is a SQLite file of another program`, {
        hint: 'give another folder',
      })
    }
    if (version > migrations.length) {
      throw new PalignError(
        'malformed-file',
        `store ${path} has version ${version}, this palign knows up to ${migrations.length}`,
        { hint: 'use the palign that made it, or a newer one' },
      )
    }
    for (const step of migrations.slice(version)) database.exec(step)
    database.exec(`PRAGMA application_id = ${ours}; PRAGMA user_version = ${migrations.length}`)
  })
}

/** Whole or not at all, and alone among writers from its first statement on. */
export function transaction<T>(database: SqliteDatabase, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

/**
 * Moves the write-ahead log into the file and empties it: until then it holds copies of what was deleted. Where another process is reading for longer
 * than we wait, the log is emptied with the next deletion, or by the last process that closes the file.
 */
export function emptyLog(database: SqliteDatabase): void {
  database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
}
