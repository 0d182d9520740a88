/**
 * @file Jobs that outlive the process and are shared by many: what a queue promises, whoever keeps it.
 *
 *     waiting -> running -> done | failed | cancelled
 *        ^---------'  the lease ran out, the worker gave it back, or it failed and may be tried again
 *
 * At least once: a job is tried up to MOST_ATTEMPTS times. It ends once: who claims a job gets a lease, whose token is new with every claim, and
 * nothing of an older lease counts. A handler must therefore be able to run twice, and write what it makes under the id of its job.
 */
import type { PalignErrorCode } from '../errors.ts'

export const JOB_STATES = ['waiting', 'running', 'done', 'failed', 'cancelled'] as const
export type JobState = (typeof JOB_STATES)[number]

export const MOST_ATTEMPTS = 3
/** Bytes of JSON in UTF-8, of a payload, a checkpoint or a result. */
export const MOST_JOB_BYTES = 1 << 20
/** Waiting or running, of one owner. */
export const MOST_OPEN_JOBS = 100
/** Long beside work that keeps a process from renewing it (probes of a large model), short beside an alignment. */
export const JOB_LEASE_MILLISECONDS = 120_000

export interface JobProgress {
  readonly stage: string
  readonly done: number
  readonly total: number
}

export interface JobError {
  readonly code: PalignErrorCode
  readonly message: string
}

/** As it is at one moment. Times are milliseconds since 1970. */
export interface Job {
  /** Unguessable: `job-` and 32 hexadecimal digits. */
  readonly id: string
  readonly kind: string
  /** Id of the key that asked for it, or `local`. */
  readonly owner: string
  readonly state: JobState
  readonly priority: number
  /** JSON. */
  readonly payload: unknown
  readonly progress: JobProgress | undefined
  /** JSON; of a job that is done. */
  readonly result: unknown
  /** Why it failed, or why the last attempt did. */
  readonly error: JobError | undefined
  /** Claims that were not given back. */
  readonly attempts: number
  readonly created: number
  /** Of the last claim. */
  readonly started: number | undefined
  readonly ended: number | undefined
}

export interface Lease {
  readonly id: string
  readonly token: string
}

export interface LeasedJob extends Job {
  readonly lease: Lease
  /** What an earlier attempt left; undefined where there was none. */
  readonly checkpoint: unknown
}

/** `held`: go on. `cancelled`: somebody wants no more of it. `lost`: it is another worker's, it has ended, or it was deleted. */
export type LeaseState = 'held' | 'cancelled' | 'lost'

export interface EnqueueOptions {
  /** Of one owner, and as long as the job is kept: a second job of the same key is the first one. */
  readonly idempotencyKey?: string | undefined
  /** Higher goes first; default 0. */
  readonly priority?: number | undefined
  /** Default `local`. */
  readonly owner?: string | undefined
}

export interface JobQueue {
  /** How long a claim lasts without a heartbeat. */
  readonly leaseMilliseconds: number
  /**
   * @throws PalignError `invalid-input` for a kind that is no name, a payload that is no JSON or larger than MOST_JOB_BYTES, an owner with
   * MOST_OPEN_JOBS open jobs, and a key that was used for another kind or payload
   */
  enqueue(kind: string, payload: unknown, options?: EnqueueOptions): Promise<Job>
  /** The first kind that has a waiting job; of a kind the highest priority, then the oldest. Jobs whose lease ran out wait again. */
  claim(kinds: readonly string[], options: { readonly worker: string }): Promise<LeasedJob | undefined>
  /** Renews the lease. */
  heartbeat(lease: Lease): Promise<LeaseState>
  /** These are false where the lease is held no more, and then change nothing. */
  progress(lease: Lease, progress: JobProgress): Promise<boolean>
  /** What the next attempt is given, should there be one. */
  checkpoint(lease: Lease, value: unknown): Promise<boolean>
  complete(lease: Lease, result: unknown): Promise<boolean>
  /** With `retry` the job waits again while it has attempts left. */
  fail(lease: Lease, error: JobError & { readonly retry: boolean }): Promise<boolean>
  /** Back to its place; the attempt does not count. */
  release(lease: Lease): Promise<boolean>
  /** Ends an open job at once; a worker that runs it learns of it by its next heartbeat. Undefined for a job that does not exist. */
  cancel(id: string): Promise<Job | undefined>
  get(id: string): Promise<Job | undefined>
  /** Newest first, at most `limit` (default 100). */
  list(options?: {
    readonly owner?: string | undefined
    readonly state?: JobState | undefined
    readonly limit?: number | undefined
  }): Promise<Job[]>
  /** How many there are in each state. */
  counts(): Promise<Readonly<Record<JobState, number>>>
  /** Forgets the job, open or not. False for one that does not exist. */
  delete(id: string): Promise<boolean>
  /** A snapshot now and after every change; ends after a final state, when the job is deleted, and on `signal`. */
  watch(id: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<Job>
}
