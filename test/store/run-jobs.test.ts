import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PalignError } from '../../src/errors.ts'
import type { JobQueue } from '../../src/store/jobs.ts'
import { SQLITE_MIGRATIONS } from '../../src/store/migrations.ts'
import { type JobHandler, type RunJobsOptions, runJobs } from '../../src/store/run-jobs.ts'
import { openSqlite, type SqliteDatabase } from '../../src/store/sqlite-database.ts'
import { sqliteJobs } from '../../src/store/sqlite-jobs.ts'

const LEASE = 200

describe('a worker', () => {
  let database: SqliteDatabase
  let queue: JobQueue
  let outcomes: string[]
  let failures: unknown[]
  beforeEach(() => {
    database = openSqlite({ path: ':memory:', application: 'palj', migrations: SQLITE_MIGRATIONS })
    queue = sqliteJobs(database, { leaseMilliseconds: LEASE })
    outcomes = []
    failures = []
  })
  afterEach(() => database.close())

  const work = (task: JobHandler, options: Partial<RunJobsOptions> = {}) =>
    runJobs({
      ...{ queue, handlers: { task }, worker: 'w', signal: new AbortController().signal, whenIdle: async () => false },
      onEnd: ({ payload }, outcome) => outcomes.push(`${payload} ${outcome}`),
      onFailure: (error) => failures.push(error),
      ...options,
    })
  const untilAborted = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new PalignError('aborted', 'work was aborted')))
    })

  it('runs what waits, with its payload, and keeps results', async () => {
    const ids = [(await queue.enqueue('task', 1)).id, (await queue.enqueue('task', 2)).id]
    await work(async ({ payload }) => ({ twice: 2 * (payload as number) }))
    expect(outcomes).toEqual(['1 done', '2 done'])
    expect(await Promise.all(ids.map(async (id) => (await queue.get(id))?.result))).toEqual([{ twice: 2 }, { twice: 4 }])
  })

  it('needs nobody who listens', async () => {
    const { id } = await queue.enqueue('task', 1)
    await work(async () => 'r', { onEnd: undefined, onFailure: undefined })
    expect(await queue.get(id)).toMatchObject({ state: 'done', result: 'r' })
  })

  it('goes on after a handler that throws, and keeps no foreign message', async () => {
    const wrong = await queue.enqueue('task', 'wrong')
    const broken = await queue.enqueue('task', 'broken')
    await queue.enqueue('task', 'fine')
    await work(async ({ payload }) => {
      if (payload === 'wrong') throw new PalignError('invalid-input', 'it is wrong')
      if (payload === 'broken') throw new TypeError('an answer: 5')
    })
    expect(outcomes).toEqual([
      'wrong failed',
      ...['broken will be tried again', 'broken will be tried again', 'broken failed'],
      'fine done',
    ])
    expect((await queue.get(wrong.id))?.error).toEqual({ code: 'invalid-input', message: 'it is wrong' })
    expect(JSON.stringify(await queue.get(broken.id))).not.toContain('an answer')
    expect(failures).toHaveLength(3)
  })

  it('holds its lease for as long as the handler runs', async () => {
    const { id } = await queue.enqueue('task', 1)
    const others: unknown[] = []
    await work(async () => {
      for (let i = 0; i < 4; i++) {
        await new Promise((resolve) => setTimeout(resolve, LEASE / 2))
        others.push(await queue.claim(['task'], { worker: 'other' }))
      }
    })
    expect(others).toEqual([undefined, undefined, undefined, undefined])
    expect(await queue.get(id)).toMatchObject({ state: 'done', attempts: 1 })
  })

  it('stops a handler whose job was cancelled', async () => {
    const { id } = await queue.enqueue('task', 1)
    await work(async ({ signal }) => {
      await queue.cancel(id)
      await untilAborted(signal)
    })
    expect(outcomes).toEqual(['1 cancelled'])
    expect((await queue.get(id))?.state).toBe('cancelled')
  })

  it('stops a handler whose job is another worker’s by now, and changes nothing of it', async () => {
    const { id } = await queue.enqueue('task', 1)
    await work(async ({ signal }) => {
      // As after a long sleep: the lease ran out and somebody else took the job.
      const later = sqliteJobs(database, { now: () => Date.now() + 10 * LEASE })
      await later.claim(['task'], { worker: 'other' })
      await untilAborted(signal)
    })
    expect(outcomes).toEqual(['1 lost'])
    expect(await queue.get(id)).toMatchObject({ state: 'running', attempts: 2 })
  })

  it('gives its job back when it is stopped, which counts as no attempt', async () => {
    const { id } = await queue.enqueue('task', 1)
    for (let i = 0; i < 5; i++) {
      const controller = new AbortController()
      const task: JobHandler = ({ signal }) => {
        queueMicrotask(() => controller.abort())
        return untilAborted(signal)
      }
      await work(task, { signal: controller.signal })
    }
    expect(outcomes).toEqual(Array(5).fill('1 given back'))
    expect(await queue.get(id)).toMatchObject({ state: 'waiting', attempts: 0 })
  })

  it('hands what was saved to the next attempt, and tells of progress', async () => {
    const { id } = await queue.enqueue('task', 1)
    const seen: unknown[] = []
    await work(async ({ checkpoint, saveCheckpoint, onProgress }) => {
      seen.push(checkpoint)
      onProgress({ stage: 'probes', done: 1, total: 2 })
      if (checkpoint !== undefined) return 'from the checkpoint'
      await saveCheckpoint({ step: 1 })
      throw new PalignError('engine-failed', 'the runtime failed')
    })
    expect(seen).toEqual([undefined, { step: 1 }])
    expect(await queue.get(id)).toMatchObject({
      ...{ result: 'from the checkpoint', progress: { stage: 'probes', done: 1, total: 2 }, attempts: 2 },
    })
  })

  it('leaves kinds that it has no handler for', async () => {
    const { id } = await queue.enqueue('other', 1)
    await work(async () => undefined)
    expect((await queue.get(id))?.state).toBe('waiting')
  })
})
