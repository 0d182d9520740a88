/** @file What both databases share: JSON as text, opaque ids, and the row of a job. */
import { PalignError } from '../errors.ts'
import { JOB_STATES, type Job, type JobError, type JobProgress, type JobState, type LeasedJob, MOST_JOB_BYTES } from './jobs.ts'

/** @throws PalignError `invalid-input` for what is no JSON, or too large */
export function jsonText(value: unknown, what: string, mostBytes: number): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw new PalignError('invalid-input', `${what} is no JSON`, { cause })
  }
  if (text === undefined) throw new PalignError('invalid-input', `${what} is no JSON`)
  const bytes = new TextEncoder().encode(text).length
  if (bytes <= mostBytes) return text
  throw new PalignError('invalid-input', `${what} has ${bytes} bytes, expected at most ${mostBytes}`)
}

/** @throws PalignError `malformed-file`; the parser's own message is not passed on, because it quotes the text */
export function storedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new PalignError('malformed-file', 'store holds text that is no JSON', { hint: 'the store is damaged: use another one' })
  }
}

/** 128 random bits in hexadecimal. */
export function randomHex(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const JOB_ID = /^job-[0-9a-f]{32}$/
export const newJobId = () => `job-${randomHex()}`
export const isJobId = (id: string) => JOB_ID.test(id)

const KIND = /^[a-z][a-z0-9-]{0,63}$/

/** What is stored of a new job. */
export function checkedJob(kind: string, payload: unknown): string {
  if (!KIND.test(kind)) {
    throw new PalignError('invalid-input', `job has the kind ${JSON.stringify(kind)}, expected lower-case letters, digits and -`)
  }
  return jsonText(payload, 'payload of a job', MOST_JOB_BYTES)
}

export function tooManyOpen(open: number): PalignError {
  return new PalignError('invalid-input', `owner has ${open} open jobs, no more are taken`, {
    hint: 'wait until one has ended, or cancel one',
  })
}

/** The job that was made under an idempotency key. @throws PalignError `invalid-input` where something else is asked for under it now */
export function sameJob(row: JobRow, kind: string, payload: string): Job {
  if (row.kind === kind && row.payload === payload) return jobOf(row)
  throw new PalignError('invalid-input', 'idempotency key was used for another job', { hint: 'give every job its own key' })
}

export const OUT_OF_ATTEMPTS = JSON.stringify({
  code: 'engine-failed',
  message: 'job was left unfinished by every worker that tried it',
} satisfies JobError)

/** As SQLite gives it; PostgreSQL gives whole numbers as text. */
export interface JobRow {
  readonly id: string
  readonly kind: string
  readonly owner: string
  readonly state: JobState
  readonly priority: number | string
  readonly payload: string
  readonly progress: string | null
  readonly checkpoint: string | null
  readonly result: string | null
  readonly error: string | null
  readonly attempts: number | string
  readonly created: number | string
  readonly started: number | string | null
  readonly ended: number | string | null
}

export const JOB_COLUMNS =
  'id, kind, owner, state, priority, payload, progress, checkpoint, result, error, attempts, created, started, ended'

export function jobOf(row: JobRow): Job {
  const json = (text: string | null) => (text === null ? undefined : storedJson(text))
  const time = (value: number | string | null) => (value === null ? undefined : Number(value))
  return {
    id: row.id,
    kind: row.kind,
    owner: row.owner,
    state: row.state,
    priority: Number(row.priority),
    payload: storedJson(row.payload),
    progress: json(row.progress) as JobProgress | undefined,
    result: json(row.result),
    error: json(row.error) as JobError | undefined,
    attempts: Number(row.attempts),
    created: Number(row.created),
    started: time(row.started),
    ended: time(row.ended),
  }
}

export interface CountRow {
  readonly state: JobState
  readonly count: number | string
}

export function countsOf(rows: readonly CountRow[]): Readonly<Record<JobState, number>> {
  const counted = Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]))
  return { ...(Object.fromEntries(JOB_STATES.map((state) => [state, 0])) as Record<JobState, number>), ...counted }
}

export function leasedJobOf(row: JobRow, token: string): LeasedJob {
  const checkpoint = row.checkpoint === null ? undefined : storedJson(row.checkpoint)
  return { ...jobOf(row), lease: { id: row.id, token }, checkpoint }
}
