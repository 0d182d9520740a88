/**
 * @file A PostgreSQL database shared by many machines: connections, our schema `palign` in numbered steps, and pg-boss in a schema of its own.
 * Nothing of the address is ever part of an error: it may hold a password.
 */
import type { Pool, PoolClient } from 'pg'
import type PgBoss from 'pg-boss'
import { PalignError } from '../errors.ts'

export interface PostgresDatabase {
  readonly pool: Pool
  readonly boss: PgBoss
  close(): Promise<void>
}

export interface OpenPostgresOptions {
  /** `postgres://user:password@host:port/name`. */
  readonly url: string
  /** SQL that leads from version i to i + 1. A step that was once released is never changed. */
  readonly migrations: readonly string[]
}

/** Any number, the same in every process: who changes the schema does so alone. */
const MIGRATION_LOCK = 0x70_61_6c_6e
const CONNECT_MILLISECONDS = 10_000
const CONNECTIONS = 4

/** Milliseconds since 1970 by the database's clock, so that clocks of machines are never compared; a parameter before it wins. */
export const orClock = (parameter: string) =>
  `coalesce(${parameter}::bigint, (extract(epoch from clock_timestamp()) * 1000)::bigint)`

/** @throws PalignError `invalid-input` for an address that is none, `not-found` where it cannot be reached, `malformed-file` for a schema that is not ours */
export async function openPostgres({ url, migrations }: OpenPostgresOptions): Promise<PostgresDatabase> {
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new PalignError('invalid-input', 'address of the database does not begin with postgres:// or postgresql://')
  }
  const { pg, Boss } = await loadPackages()
  const pool = reachable(() => {
    const options = { connectionString: url, max: CONNECTIONS, connectionTimeoutMillis: CONNECT_MILLISECONDS }
    return new pg.Pool({ ...options, allowExitOnIdle: true, application_name: 'palign' })
  })
  // An idle connection that breaks is replaced when the next one is needed.
  pool.on('error', () => undefined)
  try {
    const first = await connected(pool)
    first.release()
    await transaction(pool, (client) => migrate(client, migrations))
    const db = { executeSql: (text: string, values: unknown[]) => pool.query(text, values) }
    const boss = new Boss({ db, schema: 'palign_queue', supervise: false, schedule: false, migrate: true })
    boss.on('error', () => undefined)
    await boss.start()
    return {
      pool,
      boss,
      async close() {
        await boss.stop({ graceful: false, close: false })
        await pool.end()
      },
    }
  } catch (error) {
    await pool.end()
    throw error
  }
}

/** Optional packages: who keeps everything in SQLite installs neither. */
async function loadPackages() {
  try {
    const [pg, boss] = await Promise.all([import('pg'), import('pg-boss')])
    return { pg: pg.default, Boss: boss.default }
  } catch (cause) {
    throw new PalignError('not-found', 'PostgreSQL needs the packages pg and pg-boss, which are not installed', {
      hint: 'npm i pg pg-boss',
      cause,
    })
  }
}

function reachable<T>(open: () => T): T {
  try {
    return open()
  } catch {
    throw new PalignError('invalid-input', 'address of the database cannot be read')
  }
}

async function connected(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    const { code } = error as { code?: string }
    throw new PalignError('not-found', `database cannot be opened: ${code ?? 'no answer'}`, {
      hint: 'look at host, port, name, user and password in the address of the database',
    })
  }
}

async function migrate(client: PoolClient, migrations: readonly string[]): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
  const { rows } = await client.query<{ namespace: string | null; version: string | null }>(
    "SELECT to_regnamespace('palign')::text AS namespace, to_regclass('palign.version')::text AS version",
  )
  const { namespace, version: table } = rows[0]!
  if (namespace !== null && table === null) {
    throw new PalignError('malformed-file', 'database has a schema palign of another program', { hint: 'use another database' })
  }
  if (namespace === null) {
    await client.query(
      'CREATE SCHEMA palign; CREATE TABLE palign.version (version int NOT NULL); INSERT INTO palign.version VALUES (0)',
    )
  }
  const version = (await client.query<{ version: number }>('SELECT version FROM palign.version')).rows[0]?.version
  if (version === undefined || version > migrations.length) {
    throw new PalignError('malformed-file', `database has version ${version}, this palign knows up to ${migrations.length}`, {
      hint: 'use the palign that made it, or a newer one',
    })
  }
  for (const step of migrations.slice(version)) await client.query(step)
  await client.query('UPDATE palign.version SET version = $1', [migrations.length])
}

/** Serialization failure and deadlock: the work was undone and may be done again. */
const AGAIN = ['40001', '40P01']
const MOST_TRIES = 5

/** Whole or not at all. */
export async function transaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    const client = await pool.connect()
    try {
      await client.query('BEGIN')
      const result = await work(client)
      await client.query('COMMIT')
      client.release()
      return result
    } catch (error) {
      // A connection on which not even this works is thrown away.
      const broken = await client.query('ROLLBACK').then(
        () => false,
        () => true,
      )
      client.release(broken)
      if (tries === MOST_TRIES || !AGAIN.includes((error as { code?: string }).code ?? '')) throw error
    }
  }
}
