/** @file A job as it changes, by looking again: the same for every store, and cheap beside what a job does. */
import type { Job } from './jobs.ts'

const MILLISECONDS = 200

export async function* watchJob(
  get: () => Promise<Job | undefined>,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<Job> {
  let seen: string | undefined
  while (!signal?.aborted) {
    const job = await get()
    if (job === undefined) return
    const snapshot = JSON.stringify(job)
    if (snapshot !== seen) yield job
    seen = snapshot
    if (job.state !== 'waiting' && job.state !== 'running') return
    await pause(MILLISECONDS, signal)
  }
}

/** Ends early on the signal, without an error. */
export function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    signal?.addEventListener('abort', end)
  })
}
