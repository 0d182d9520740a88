/** @file Jobs in SQLite, shared by any number of processes of one machine: claims are transactions that stand one behind the other. */
import {
  JOB_LEASE_MILLISECONDS,
  type Job,
  type JobQueue,
  type Lease,
  MOST_ATTEMPTS,
  MOST_JOB_BYTES,
  MOST_OPEN_JOBS,
} from './jobs.ts'
import { emptyLog, type SqliteDatabase, transaction } from './sqlite-database.ts'
import {
  type CountRow,
  checkedJob,
  countsOf,
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

/** `place` is the order of arrival. */
export const SQLITE_JOBS = `
  CREATE TABLE job (
    place INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL,
    priority INTEGER NOT NULL, payload TEXT NOT NULL, idempotency_key TEXT, progress TEXT, checkpoint TEXT, result TEXT, error TEXT,
    attempts INTEGER NOT NULL DEFAULT 0, worker TEXT, token TEXT, expires INTEGER, created INTEGER NOT NULL, started INTEGER, ended INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX job_key ON job (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;
  CREATE INDEX job_waiting ON job (kind, priority DESC, place) WHERE state = 'waiting';
  CREATE INDEX job_running ON job (expires) WHERE state = 'running';
  CREATE INDEX job_owner ON job (owner, state)`

export interface SqliteJobsOptions {
  readonly leaseMilliseconds?: number | undefined
  /** Whether the worker of that name is known to be gone; default: nobody is known to be, leases run out. */
  readonly isGone?: ((worker: string) => boolean) | undefined
  /** Milliseconds since 1970; default the clock. */
  readonly now?: (() => number) | undefined
}

const FREE = 'worker = NULL, token = NULL, expires = NULL'
/** A lease that somebody else has got since fits no row. */
const HELD = "id = :id AND token = :token AND state = 'running'"

export function sqliteJobs(
  database: SqliteDatabase,
  { leaseMilliseconds = JOB_LEASE_MILLISECONDS, isGone = () => false, now = Date.now }: SqliteJobsOptions = {},
): JobQueue {
  const one = (sql: string) => {
    const statement = database.prepare(sql)
    return (values: Record<string, string | number | null>) => statement.get(values) as JobRow | undefined
  }
  const change = (sql: string) => {
    const statement = database.prepare(sql)
    return (values: Record<string, string | number | null>) => statement.run(values).changes === 1
  }
  const byId = one(`SELECT ${JOB_COLUMNS} FROM job WHERE id = :id`)
  const byKey = one(`SELECT ${JOB_COLUMNS} FROM job WHERE owner = :owner AND idempotency_key = :key`)
  const countOpen = database.prepare("SELECT count(*) AS open FROM job WHERE owner = ? AND state IN ('waiting', 'running')")
  const insert = one(`
    INSERT INTO job (id, kind, owner, state, priority, payload, idempotency_key, created)
    VALUES (:id, :kind, :owner, 'waiting', :priority, :payload, :key, :now) RETURNING ${JOB_COLUMNS}`)
  const holders = database.prepare("SELECT DISTINCT worker FROM job WHERE state = 'running'")
  const takeBack = database.prepare(`
    UPDATE job SET ${FREE}, state = iif(attempts < ${MOST_ATTEMPTS}, 'waiting', 'failed'),
      error = iif(attempts < ${MOST_ATTEMPTS}, error, :error), ended = iif(attempts < ${MOST_ATTEMPTS}, NULL, :now)
    WHERE state = 'running' AND (expires < :now OR worker = :gone)`)
  const take = one(`
    UPDATE job SET state = 'running', worker = :worker, token = :token, expires = :expires, started = :now, attempts = attempts + 1
    WHERE place = (SELECT place FROM job WHERE state = 'waiting' AND kind = :kind ORDER BY priority DESC, place LIMIT 1)
    RETURNING ${JOB_COLUMNS}`)
  const renew = change(`UPDATE job SET expires = :expires WHERE ${HELD}`)
  const setProgress = change(`UPDATE job SET progress = :value WHERE ${HELD}`)
  const setCheckpoint = change(`UPDATE job SET checkpoint = :value WHERE ${HELD}`)
  const end = change(`
    UPDATE job SET ${FREE}, state = :state, result = :result, error = :error, checkpoint = NULL, ended = :now WHERE ${HELD}`)
  const tryAgain = change(
    `UPDATE job SET ${FREE}, state = 'waiting', error = :error WHERE ${HELD} AND attempts < ${MOST_ATTEMPTS}`,
  )
  const giveBack = change(`UPDATE job SET ${FREE}, state = 'waiting', attempts = attempts - 1 WHERE ${HELD}`)
  const stop = change(`
    UPDATE job SET ${FREE}, state = 'cancelled', checkpoint = NULL, ended = :now WHERE id = :id AND state IN ('waiting', 'running')`)
  const list = database.prepare(`
    SELECT ${JOB_COLUMNS} FROM job WHERE (:owner IS NULL OR owner = :owner) AND (:state IS NULL OR state = :state)
    ORDER BY place DESC LIMIT :limit`)
  const counts = database.prepare('SELECT state, count(*) AS count FROM job GROUP BY state')
  const remove = change('DELETE FROM job WHERE id = :id')

  const held = ({ id, token }: Lease) => ({ id, token })
  const get = async (id: string): Promise<Job | undefined> => {
    const row = byId({ id })
    return row && jobOf(row)
  }

  return {
    leaseMilliseconds,
    async enqueue(kind, payload, { idempotencyKey, priority = 0, owner = 'local' } = {}) {
      const text = checkedJob(kind, payload)
      return transaction(database, () => {
        const known = idempotencyKey === undefined ? undefined : byKey({ owner, key: idempotencyKey })
        if (known !== undefined) return sameJob(known, kind, text)
        const { open } = countOpen.get(owner) as { open: number }
        if (open >= MOST_OPEN_JOBS) throw tooManyOpen(open)
        const key = idempotencyKey ?? null
        return jobOf(insert({ id: newJobId(), kind, owner, priority, payload: text, key, now: now() })!)
      })
    },
    async claim(kinds, { worker }) {
      const token = randomHex()
      return transaction(database, () => {
        takeBack.run({ error: OUT_OF_ATTEMPTS, now: now(), gone: null })
        for (const { worker: holder } of holders.all() as { worker: string }[]) {
          if (holder !== worker && isGone(holder)) takeBack.run({ error: OUT_OF_ATTEMPTS, now: now(), gone: holder })
        }
        for (const kind of kinds) {
          const row = take({ kind, worker, token, expires: now() + leaseMilliseconds, now: now() })
          if (row !== undefined) return leasedJobOf(row, token)
        }
        return undefined
      })
    },
    async heartbeat(lease) {
      if (renew({ ...held(lease), expires: now() + leaseMilliseconds })) return 'held'
      return byId({ id: lease.id })?.state === 'cancelled' ? 'cancelled' : 'lost'
    },
    progress: async (lease, progress) => setProgress({ ...held(lease), value: JSON.stringify(progress) }),
    checkpoint: async (lease, value) =>
      setCheckpoint({ ...held(lease), value: jsonText(value, 'checkpoint of a job', MOST_JOB_BYTES) }),
    async complete(lease, result) {
      const text = jsonText(result ?? null, 'result of a job', MOST_JOB_BYTES)
      return end({ ...held(lease), state: 'done', result: text, error: null, now: now() })
    },
    async fail(lease, { code, message, retry }) {
      const error = JSON.stringify({ code, message })
      if (retry && tryAgain({ ...held(lease), error })) return true
      return end({ ...held(lease), state: 'failed', result: null, error, now: now() })
    },
    release: async (lease) => giveBack(held(lease)),
    async cancel(id) {
      stop({ id, now: now() })
      return get(id)
    },
    get,
    async list({ owner, state, limit = 100 } = {}) {
      return (list.all({ owner: owner ?? null, state: state ?? null, limit }) as unknown as JobRow[]).map(jobOf)
    },
    counts: async () => countsOf(counts.all() as unknown as CountRow[]),
    async delete(id) {
      const existed = remove({ id })
      if (existed) emptyLog(database)
      return existed
    },
    watch: (id, options) => watchJob(() => get(id), options),
  }
}
