/**
 * @file Jobs in PostgreSQL, shared by any number of machines. pg-boss delivers: an open job has one message in the queue of its kind, which is fetched by
 * priority and age, by one worker alone, and given back where a worker fails. Our table beside it holds what pg-boss does not know: leases that are
 * renewed, their tokens, progress, checkpoints, owners. Both change in one transaction (docs/decisions/0013-jobs.md).
 */
import type { PoolClient } from 'pg'
import type PgBoss from 'pg-boss'
import {
  JOB_LEASE_MILLISECONDS,
  type Job,
  type JobQueue,
  type Lease,
  MOST_ATTEMPTS,
  MOST_JOB_BYTES,
  MOST_OPEN_JOBS,
} from './jobs.ts'
import { orClock, type PostgresDatabase, transaction } from './postgres-database.ts'
import {
  type CountRow,
  checkedJob,
  countsOf,
  isJobId,
  JOB_COLUMNS,
  type JobRow,
  jobOf,
  jsonText,
  leasedJobOf,
  newJobId,
  OUT_OF_ATTEMPTS,
  randomHex,
  sameJob,
  tooManyOpen,
} from './stored-json.ts'
import { watchJob } from './watch-job.ts'

export const POSTGRES_JOBS = `
  CREATE TABLE palign.job (
    place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL UNIQUE, kind text NOT NULL, owner text NOT NULL,
    state text NOT NULL, priority int NOT NULL, payload text NOT NULL, idempotency_key text, progress text, checkpoint text,
    result text, error text, attempts int NOT NULL DEFAULT 0, worker text, token text, expires bigint, created bigint NOT NULL,
    started bigint, ended bigint
  );
  CREATE UNIQUE INDEX job_key ON palign.job (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;
  CREATE INDEX job_running ON palign.job (expires) WHERE state = 'running';
  CREATE INDEX job_owner ON palign.job (owner, state)`

export interface PostgresJobsOptions {
  readonly leaseMilliseconds?: number | undefined
  /** Milliseconds since 1970; default the database's clock. */
  readonly now?: (() => number) | undefined
}

const FREE = 'worker = NULL, token = NULL, expires = NULL'
/** A lease that somebody else has got since fits no row. */
const HELD = "id = $1 AND token = $2 AND state = 'running'"
/** Attempts are counted by us, who also know which of them were given back. */
const NEVER_OUT_OF_RETRIES = 1_000_000

/** The message of a job has the job's 128 bits as its id. */
const messageOf = (jobId: string) => jobId.slice('job-'.length)
const jobOfMessage = (messageId: string) => `job-${messageId.replaceAll('-', '')}`
const through = (client: PoolClient) => ({ executeSql: (text: string, values: unknown[]) => client.query(text, values) })

export function postgresJobs(
  { pool, boss }: Pick<PostgresDatabase, 'pool' | 'boss'>,
  { leaseMilliseconds = JOB_LEASE_MILLISECONDS, now }: PostgresJobsOptions = {},
): JobQueue {
  const time = () => now?.() ?? null
  const openQueue = queueOpener(boss)

  const change = async (sql: string, { id, token }: Lease, ...values: unknown[]) =>
    (await pool.query(sql, [id, token, ...values])).rowCount === 1

  /** Changes a held job and its message together. */
  const settle = (lease: Lease, sql: string, values: unknown[], message: 'delete' | 'give back') =>
    transaction(pool, async (client) => {
      const { rows } = await client.query<{ kind: string }>(`${sql} RETURNING kind`, [lease.id, lease.token, ...values])
      if (rows[0] === undefined) return false
      await dispatch(boss, client, { kind: rows[0].kind, id: lease.id }, message)
      return true
    })
  const end = (lease: Lease, state: 'done' | 'failed', result: string | null, error: string | null) =>
    settle(
      lease,
      `UPDATE palign.job SET ${FREE}, state = $3, result = $4, error = $5, checkpoint = NULL, ended = ${orClock('$6')} WHERE ${HELD}`,
      [state, result, error, time()],
      'delete',
    )

  const get = async (id: string): Promise<Job | undefined> => {
    const { rows } = await pool.query<JobRow>(`SELECT ${JOB_COLUMNS} FROM palign.job WHERE id = $1`, [id])
    return rows[0] && jobOf(rows[0])
  }

  return {
    leaseMilliseconds,
    async enqueue(kind, payload, { idempotencyKey, priority = 0, owner = 'local' } = {}) {
      const text = checkedJob(kind, payload)
      await openQueue(kind)
      return transaction(pool, async (client) => {
        // One owner's jobs are counted and added one after the other.
        await client.query("SELECT pg_advisory_xact_lock(hashtext('palign job'), hashtext($1))", [owner])
        if (idempotencyKey !== undefined) {
          const sql = `SELECT ${JOB_COLUMNS} FROM palign.job WHERE owner = $1 AND idempotency_key = $2`
          const known = (await client.query<JobRow>(sql, [owner, idempotencyKey])).rows[0]
          if (known !== undefined) return sameJob(known, kind, text)
        }
        const count = "SELECT count(*)::int AS open FROM palign.job WHERE owner = $1 AND state IN ('waiting', 'running')"
        const { open } = (await client.query<{ open: number }>(count, [owner])).rows[0]!
        if (open >= MOST_OPEN_JOBS) throw tooManyOpen(open)
        const id = newJobId()
        const { rows } = await client.query<JobRow>(
          `INSERT INTO palign.job (id, kind, owner, state, priority, payload, idempotency_key, created)
           VALUES ($1, $2, $3, 'waiting', $4, $5, $6, ${orClock('$7')}) RETURNING ${JOB_COLUMNS}`,
          [id, kind, owner, priority, text, idempotencyKey ?? null, time()],
        )
        await boss.send(kind, {}, { id: messageOf(id), priority, retryLimit: NEVER_OUT_OF_RETRIES, db: through(client) })
        return jobOf(rows[0]!)
      })
    },
    async claim(kinds, { worker }) {
      for (const kind of kinds) await openQueue(kind)
      const token = randomHex()
      return transaction(pool, async (client) => {
        await takeBackExpired(boss, client, time())
        for (const kind of kinds) {
          const id = await fetchJob(boss, client, kind)
          if (id === undefined) continue
          const { rows } = await client.query<JobRow>(
            `UPDATE palign.job SET state = 'running', worker = $2, token = $3, expires = ${orClock('$4')} + $5,
               started = ${orClock('$4')}, attempts = attempts + 1 WHERE id = $1 RETURNING ${JOB_COLUMNS}`,
            [id, worker, token, time(), leaseMilliseconds],
          )
          return leasedJobOf(rows[0]!, token)
        }
        return undefined
      })
    },
    async heartbeat(lease) {
      const sql = `UPDATE palign.job SET expires = ${orClock('$3')} + $4 WHERE ${HELD}`
      if (await change(sql, lease, time(), leaseMilliseconds)) return 'held'
      return (await get(lease.id))?.state === 'cancelled' ? 'cancelled' : 'lost'
    },
    progress: (lease, progress) => change(`UPDATE palign.job SET progress = $3 WHERE ${HELD}`, lease, JSON.stringify(progress)),
    checkpoint: async (lease, value) =>
      change(
        `UPDATE palign.job SET checkpoint = $3 WHERE ${HELD}`,
        lease,
        jsonText(value, 'checkpoint of a job', MOST_JOB_BYTES),
      ),
    complete: async (lease, result) => end(lease, 'done', jsonText(result ?? null, 'result of a job', MOST_JOB_BYTES), null),
    async fail(lease, { code, message, retry }) {
      const error = JSON.stringify({ code, message })
      const again = `UPDATE palign.job SET ${FREE}, state = 'waiting', error = $3 WHERE ${HELD} AND attempts < ${MOST_ATTEMPTS}`
      if (retry && (await settle(lease, again, [error], 'give back'))) return true
      return end(lease, 'failed', null, error)
    },
    release: (lease) =>
      settle(lease, `UPDATE palign.job SET ${FREE}, state = 'waiting', attempts = attempts - 1 WHERE ${HELD}`, [], 'give back'),
    async cancel(id) {
      await transaction(pool, async (client) => {
        const { rows } = await client.query<{ kind: string }>(
          `UPDATE palign.job SET ${FREE}, state = 'cancelled', checkpoint = NULL, ended = ${orClock('$2')}
           WHERE id = $1 AND state IN ('waiting', 'running') RETURNING kind`,
          [id, time()],
        )
        if (rows[0] !== undefined) await dispatch(boss, client, { kind: rows[0].kind, id }, 'delete')
      })
      return get(id)
    },
    get,
    async list({ owner, state, limit = 100 } = {}) {
      const { rows } = await pool.query<JobRow>(
        `SELECT ${JOB_COLUMNS} FROM palign.job WHERE ($1::text IS NULL OR owner = $1) AND ($2::text IS NULL OR state = $2)
         ORDER BY place DESC LIMIT $3`,
        [owner ?? null, state ?? null, limit],
      )
      return rows.map(jobOf)
    },
    async counts() {
      const sql = 'SELECT state, count(*) AS count FROM palign.job GROUP BY state'
      return countsOf((await pool.query<CountRow>(sql)).rows)
    },
    async delete(id) {
      if (!isJobId(id)) return false
      return transaction(pool, async (client) => {
        const { rows } = await client.query<{ kind: string }>('DELETE FROM palign.job WHERE id = $1 RETURNING kind', [id])
        if (rows[0] === undefined) return false
        await dispatch(boss, client, { kind: rows[0].kind, id }, 'delete')
        return true
      })
    },
    watch: (id, options) => watchJob(() => get(id), options),
  }
}

/** What becomes of a job's message: it goes with the end of the job, or waits again in its old place. */
async function dispatch(
  boss: PgBoss,
  client: PoolClient,
  { kind, id }: { readonly kind: string; readonly id: string },
  message: 'delete' | 'give back',
): Promise<void> {
  const options = { db: through(client) }
  if (message === 'delete') await boss.deleteJob(kind, messageOf(id), options)
  else await boss.fail(kind, messageOf(id), {}, options)
}

/**
 * The next waiting job of a kind, locked; its message is fetched. Whoever ends a job locks the job first and then its message, we the other way round:
 * so we never wait for a job, and where it is being ended put the message back.
 */
async function fetchJob(boss: PgBoss, client: PoolClient, kind: string): Promise<string | undefined> {
  for (;;) {
    await client.query('SAVEPOINT fetched')
    const [message] = await boss.fetch(kind, { ignoreStartAfter: true, db: through(client) } as PgBoss.FetchOptions)
    if (message === undefined) return undefined
    const id = jobOfMessage(message.id)
    const free = "SELECT id FROM palign.job WHERE id = $1 AND state = 'waiting' FOR UPDATE SKIP LOCKED"
    if ((await client.query(free, [id])).rowCount === 1) return id
    if ((await client.query("SELECT id FROM palign.job WHERE id = $1 AND state = 'waiting'", [id])).rowCount === 1) {
      await client.query('ROLLBACK TO SAVEPOINT fetched')
      return undefined
    }
    // A message without a job: nothing here makes one, and nobody should stumble over it twice.
    await boss.deleteJob(kind, message.id, { db: through(client) })
  }
}

/** Jobs whose lease ran out wait again, or have failed. */
async function takeBackExpired(boss: PgBoss, client: PoolClient, time: number | null): Promise<void> {
  const { rows } = await client.query<{ id: string; kind: string; attempts: number }>(
    `SELECT id, kind, attempts FROM palign.job WHERE state = 'running' AND expires < ${orClock('$1')} FOR UPDATE SKIP LOCKED`,
    [time],
  )
  for (const job of rows) {
    if (job.attempts < MOST_ATTEMPTS) {
      await client.query(`UPDATE palign.job SET ${FREE}, state = 'waiting' WHERE id = $1`, [job.id])
      await dispatch(boss, client, job, 'give back')
      continue
    }
    await client.query(
      `UPDATE palign.job SET ${FREE}, state = 'failed', error = $2, checkpoint = NULL, ended = ${orClock('$3')} WHERE id = $1`,
      [job.id, OUT_OF_ATTEMPTS, time],
    )
    await dispatch(boss, client, job, 'delete')
  }
}

/** Makes the queue of a kind where it is missing; asked once for each kind. */
function queueOpener(boss: PgBoss): (kind: string) => Promise<void> {
  const opened = new Map<string, Promise<void>>()
  return (kind) => {
    const known = opened.get(kind)
    if (known !== undefined) return known
    const opening = boss.createQueue(kind).catch((error: unknown) => {
      opened.delete(kind)
      throw error
    })
    opened.set(kind, opening)
    return opening
  }
}
