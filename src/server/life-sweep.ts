/** @file The end of what was kept for a time: expired records are not read any more, and here their bytes go, with the jobs that were about them. */
import { PalignError } from '../errors.ts'
import type { Life } from './life-access.ts'
import { MOST_RECORDS, PERSONAS, RESPONDENTS } from './life-records.ts'
import type { Log } from './request-log.ts'

/** What is made of answers expires with them or before, so that everything derived is among what has expired. */
export async function sweepExpired({ records, jobs, now = Date.now }: Life): Promise<number> {
  const expired = await records.expired(now())
  if (expired.length === 0) return 0
  const ids = (collection: string) => new Set(expired.filter((key) => key.collection === collection).map(({ id }) => id))
  const [respondents, personas] = [ids(RESPONDENTS), ids(PERSONAS)]
  for (const { id, payload } of await jobs.list({ limit: MOST_RECORDS })) {
    const { answers, persona } = (payload ?? {}) as { readonly answers?: string; readonly persona?: string }
    if (!respondents.has(answers ?? '') && !personas.has(persona ?? '')) continue
    await jobs.cancel(id)
    await jobs.delete(id)
  }
  for (const { collection, id } of expired) {
    // A persona may have been made anew under its name.
    if ((await records.about(collection, id)) === undefined) await records.delete(collection, id)
  }
  const left = await records.expired(now())
  const isLeft = expired.some(({ collection, id }) => left.some((key) => key.collection === collection && key.id === id))
  if (isLeft)
    throw new PalignError('engine-failed', 'expired records are there after they were deleted', { hint: 'check the store' })
  return expired.length
}

export interface SweepOptions {
  readonly log: Log
  readonly onFailure: (error: unknown) => void
  readonly everyMs?: number | undefined
  /** Calls again and again until its result is called; default an interval that keeps no process alive. */
  readonly repeat?: ((work: () => void, everyMs: number) => () => void) | undefined
}

const EVERY_MS = 60_000

/** Sweeps now and then. @returns what ends it */
export function startSweep(life: Life, { log, onFailure, everyMs = EVERY_MS, repeat = interval }: SweepOptions): () => void {
  let isSweeping = false
  const sweep = async () => {
    if (isSweeping) return
    isSweeping = true
    try {
      const records = await sweepExpired(life)
      if (records > 0) log.info({ records }, 'expired records deleted')
    } catch (error) {
      onFailure(error)
    } finally {
      isSweeping = false
    }
  }
  void sweep()
  return repeat(() => void sweep(), everyMs)
}

function interval(work: () => void, everyMs: number): () => void {
  const timer = setInterval(work, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}
