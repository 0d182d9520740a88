/** @file A worker: claims jobs one after the other, holds their leases while they run, and says how each ended. */
import { PalignError, type PalignErrorCode } from '../errors.ts'
import type { JobProgress, JobQueue, LeasedJob, LeaseState } from './jobs.ts'
import { pause } from './watch-job.ts'

export interface JobRun {
  readonly job: LeasedJob
  readonly payload: unknown
  /** What an earlier attempt left; undefined where there was none. */
  readonly checkpoint: unknown
  /** Aborts where the job was cancelled or is another's by now, and where the worker stops. */
  readonly signal: AbortSignal
  readonly onProgress: (progress: JobProgress) => void
  readonly saveCheckpoint: (value: unknown) => Promise<void>
}

/** Gives the job's result, as JSON. It may run more than once for one job. */
export type JobHandler = (run: JobRun) => Promise<unknown>

export type JobOutcome = 'done' | 'failed' | 'will be tried again' | 'cancelled' | 'lost' | 'given back'

export interface RunJobsOptions {
  readonly queue: JobQueue
  /** By kind; kinds without a handler are left to others. */
  readonly handlers: Readonly<Record<string, JobHandler>>
  /** Names this worker among all that share the queue. */
  readonly worker: string
  /** Gives back the job at hand and ends. */
  readonly signal: AbortSignal
  /** Where nothing waits: true looks again, false ends. Default: a second's pause. */
  readonly whenIdle?: (() => Promise<boolean>) | undefined
  readonly onClaim?: ((job: LeasedJob) => void) | undefined
  readonly onEnd?: ((job: LeasedJob, outcome: JobOutcome) => void) | undefined
  /** Told of errors that are not of palign, and of a queue that could not be reached; the worker goes on. */
  readonly onFailure?: ((error: unknown) => void) | undefined
}

const IDLE_MILLISECONDS = 1000
const UNREACHABLE_MILLISECONDS = 5000
const PROGRESS_MILLISECONDS = 250
/** What may go better another time. */
const PASSING: readonly PalignErrorCode[] = ['engine-failed', 'deadline-exceeded']

export async function runJobs({
  queue,
  handlers,
  worker,
  signal,
  whenIdle = () => pause(IDLE_MILLISECONDS, signal).then(() => true),
  onClaim,
  onEnd,
  onFailure,
}: RunJobsOptions): Promise<void> {
  while (!signal.aborted) {
    try {
      const job = await queue.claim(Object.keys(handlers), { worker })
      if (job === undefined) {
        if (await whenIdle()) continue
        return
      }
      onClaim?.(job)
      const outcome = await runJob(queue, job, { handler: handlers[job.kind]!, signal, onFailure })
      onEnd?.(job, outcome)
    } catch (error) {
      onFailure?.(error)
      await pause(UNREACHABLE_MILLISECONDS, signal)
    }
  }
}

interface RunOptions extends Pick<RunJobsOptions, 'signal' | 'onFailure'> {
  readonly handler: JobHandler
}

async function runJob(queue: JobQueue, job: LeasedJob, { handler, signal: stop, onFailure }: RunOptions): Promise<JobOutcome> {
  const { lease } = job
  const controller = new AbortController()
  const abort = () => controller.abort()
  let state: LeaseState = 'held'
  const renew = async () => {
    // What cannot be asked now is asked again: a lease has four renewals.
    state = await queue.heartbeat(lease).catch(() => state)
    if (state !== 'held') abort()
  }
  const renewal = setInterval(renew, queue.leaseMilliseconds / 4)
  stop.addEventListener('abort', abort)
  if (stop.aborted) abort()
  const progress = progressWriter(queue, job, renew)
  try {
    const result = await handler({
      job,
      payload: job.payload,
      checkpoint: job.checkpoint,
      signal: controller.signal,
      onProgress: progress.update,
      async saveCheckpoint(value) {
        if (!(await queue.checkpoint(lease, value))) await renew()
      },
    })
    await progress.end()
    return (await queue.complete(lease, result)) ? 'done' : await endOf(queue, job)
  } catch (error) {
    await progress.end()
    if (stop.aborted && (await queue.release(lease))) return 'given back'
    if (state !== 'held') return state
    const { code, message, retry } = failureOf(error, onFailure)
    if (!(await queue.fail(lease, { code, message, retry }))) return await endOf(queue, job)
    return (await queue.get(job.id))?.state === 'failed' ? 'failed' : 'will be tried again'
  } finally {
    clearInterval(renewal)
    stop.removeEventListener('abort', abort)
  }
}

async function endOf(queue: JobQueue, { id }: LeasedJob): Promise<JobOutcome> {
  return (await queue.get(id))?.state === 'cancelled' ? 'cancelled' : 'lost'
}

/** Nothing but the message of an error of ours is kept with the job: others may quote what they stumbled over. */
function failureOf(error: unknown, onFailure: RunJobsOptions['onFailure']) {
  if (error instanceof PalignError) return { code: error.code, message: error.message, retry: PASSING.includes(error.code) }
  onFailure?.(error)
  return { code: 'engine-failed' as const, message: 'job failed by an internal error', retry: true }
}

/** The newest progress, one write at a time and a few a second. */
function progressWriter(queue: JobQueue, { lease }: LeasedJob, renew: () => Promise<void>) {
  let next: JobProgress | undefined
  let writing: Promise<void> | undefined
  let written = 0
  const write = async () => {
    while (next !== undefined) {
      const progress = next
      next = undefined
      written = Date.now()
      // Progress is a courtesy: the job goes on without it.
      const isHeld = await queue.progress(lease, progress).catch(() => true)
      // Somebody cancelled it: told now, and not with the next renewal.
      if (!isHeld) await renew()
    }
    writing = undefined
  }
  let stage: string | undefined
  return {
    update(progress: JobProgress) {
      const isDue = progress.stage !== stage || progress.done >= progress.total || Date.now() - written >= PROGRESS_MILLISECONDS
      stage = progress.stage
      if (!isDue) return
      next = progress
      writing ??= write()
    },
    end: async () => void (await writing),
  }
}
