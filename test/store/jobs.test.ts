import { afterEach, beforeEach, expect, it } from 'vitest'
import type { StoreAddress } from '../../src/node/open-store.ts'
import {
  JOB_LEASE_MILLISECONDS,
  type Job,
  type JobQueue,
  type LeasedJob,
  MOST_ATTEMPTS,
  MOST_OPEN_JOBS,
} from '../../src/store/jobs.ts'
import { overStores, type TestStore } from './stores.ts'

overStores('jobs', (stores) => {
  let address: StoreAddress
  let store: TestStore
  let jobs: JobQueue
  let time: number
  const claim = (worker = 'w') => jobs.claim(['task'], { worker })

  beforeEach(async () => {
    time = 1_000_000
    address = await stores.address()
    store = await stores.open(address, () => time)
    jobs = store.jobs
  })
  afterEach(() => store.close())

  it('are one job under one idempotency key, of one owner', async () => {
    const options = { idempotencyKey: 'k', owner: 'a' }
    const first = await jobs.enqueue('task', { n: 1 }, options)
    expect((await jobs.enqueue('task', { n: 1 }, options)).id).toBe(first.id)
    expect((await jobs.enqueue('task', { n: 1 }, { ...options, owner: 'b' })).id).not.toBe(first.id)
    await expect(jobs.enqueue('task', { n: 2 }, options)).rejects.toThrow(/idempotency key was used for another job/)
    const both = await Promise.all([1, 2].map(() => jobs.enqueue('task', {}, { ...options, idempotencyKey: 'at once' })))
    expect(both[0]?.id).toBe(both[1]?.id)
    expect(await jobs.list()).toHaveLength(3)
  })

  it('have ids that cannot be guessed, and keep what they were given', async () => {
    const payload = { text: 'ünïcode \u0000 "quoted"', list: [1, null, { deep: true }] }
    const { id } = await jobs.enqueue('task', payload, { owner: 'a', priority: -3 })
    expect(id).toMatch(/^job-[0-9a-f]{32}$/)
    expect(await jobs.get(id)).toEqual({
      ...{ id, kind: 'task', owner: 'a', state: 'waiting', priority: -3, payload, attempts: 0, created: time },
      ...{ progress: undefined, result: undefined, error: undefined, started: undefined, ended: undefined },
    })
    expect(await jobs.get('job-that-never-was')).toBeUndefined()
  })

  it('are claimed by priority, then by age', async () => {
    for (const [n, priority] of [0, 5, 0, 5, -1].entries()) await jobs.enqueue('task', n, { priority })
    const order: unknown[] = []
    for (let job = await claim(); job !== undefined; job = await claim()) order.push(job.payload)
    expect(order).toEqual([1, 3, 0, 2, 4])
  })

  it('are claimed by the kinds that a worker knows, in its order', async () => {
    await jobs.enqueue('task', 1)
    await jobs.enqueue('other', 2)
    expect(await jobs.claim(['third'], { worker: 'w' })).toBeUndefined()
    expect((await jobs.claim(['other', 'task'], { worker: 'w' }))?.payload).toBe(2)
    expect((await jobs.claim(['other', 'task'], { worker: 'w' }))?.payload).toBe(1)
    expect(await jobs.claim(['other', 'task'], { worker: 'w' })).toBeUndefined()
  })

  it('run, tell of their progress and are done once', async () => {
    const { id } = await jobs.enqueue('task', 1)
    time += 10
    const { lease } = (await claim())!
    expect(await jobs.get(id)).toMatchObject({ state: 'running', attempts: 1, started: time })
    expect(await jobs.progress(lease, { stage: 'a stage', done: 1, total: 3 })).toBe(true)
    expect((await jobs.get(id))?.progress).toEqual({ stage: 'a stage', done: 1, total: 3 })
    time += 10
    expect(await jobs.complete(lease, { answer: 42 })).toBe(true)
    expect(await jobs.get(id)).toMatchObject({ state: 'done', result: { answer: 42 }, ended: time })
    expect(await jobs.complete(lease, { answer: 43 })).toBe(false)
    expect(await jobs.fail(lease, { code: 'engine-failed', message: 'late', retry: true })).toBe(false)
    expect(await jobs.progress(lease, { stage: 'late', done: 1, total: 3 })).toBe(false)
    expect(await jobs.heartbeat(lease)).toBe('lost')
    expect((await jobs.get(id))?.result).toEqual({ answer: 42 })
    expect(await claim()).toBeUndefined()
  })

  it('are another worker’s once the lease has run out, and the first worker’s no more', async () => {
    const { id } = await jobs.enqueue('task', 1)
    const first = (await claim('first'))!
    expect(await jobs.checkpoint(first.lease, { step: 7 })).toBe(true)
    time += JOB_LEASE_MILLISECONDS
    expect(await claim('second')).toBeUndefined()
    time += 1
    const second = (await claim('second'))!
    expect(second).toMatchObject({ id, attempts: 2, checkpoint: { step: 7 } })
    expect(await jobs.heartbeat(first.lease)).toBe('lost')
    expect(await jobs.complete(first.lease, 'of the first')).toBe(false)
    expect(await jobs.release(first.lease)).toBe(false)
    expect(await jobs.checkpoint(first.lease, { step: 8 })).toBe(false)
    expect(await jobs.complete(second.lease, 'of the second')).toBe(true)
    expect((await jobs.get(id))?.result).toBe('of the second')
  })

  it('stay with a worker that renews its lease', async () => {
    await jobs.enqueue('task', 1)
    const { lease } = (await claim())!
    for (let i = 0; i < 5; i++) {
      time += JOB_LEASE_MILLISECONDS - 1
      expect(await jobs.heartbeat(lease)).toBe('held')
      expect(await claim('other')).toBeUndefined()
    }
  })

  it('are tried three times, whether workers vanish or fail', async () => {
    const vanishing = await jobs.enqueue('task', 1)
    for (let i = 0; i < MOST_ATTEMPTS; i++) {
      expect((await claim())?.id).toBe(vanishing.id)
      time += JOB_LEASE_MILLISECONDS + 1
    }
    expect(await claim()).toBeUndefined()
    expect(await jobs.get(vanishing.id)).toMatchObject({ state: 'failed', attempts: 3, error: { code: 'engine-failed' } })

    const failing = await jobs.enqueue('task', 2)
    for (let i = 0; i < MOST_ATTEMPTS; i++) {
      const { lease } = (await claim())!
      expect(await jobs.fail(lease, { code: 'deadline-exceeded', message: `attempt ${i}`, retry: true })).toBe(true)
    }
    expect(await jobs.get(failing.id)).toMatchObject({
      state: 'failed',
      error: { code: 'deadline-exceeded', message: 'attempt 2' },
    })
    expect(await claim()).toBeUndefined()
  })

  it('fail at once where no other attempt would help', async () => {
    const { id } = await jobs.enqueue('task', 1)
    const { lease } = (await claim())!
    expect(await jobs.fail(lease, { code: 'invalid-input', message: 'it is wrong', retry: false })).toBe(true)
    expect(await jobs.get(id)).toMatchObject({ state: 'failed', error: { code: 'invalid-input', message: 'it is wrong' } })
  })

  it('go back to their place when they are given back, and the attempt does not count', async () => {
    for (const n of [1, 2]) await jobs.enqueue('task', n)
    for (let i = 0; i < 5; i++) {
      const { lease, payload, attempts } = (await claim())!
      expect({ payload, attempts }).toEqual({ payload: 1, attempts: 1 })
      expect(await jobs.release(lease)).toBe(true)
    }
  })

  it('are cancelled while they wait, and while they run, which the worker learns', async () => {
    const waiting = await jobs.enqueue('task', 1)
    expect(await jobs.cancel(waiting.id)).toMatchObject({ state: 'cancelled', ended: time })
    expect(await claim()).toBeUndefined()
    const running = await jobs.enqueue('task', 2)
    const { lease } = (await claim())!
    expect(await jobs.cancel(running.id)).toMatchObject({ state: 'cancelled' })
    expect(await jobs.heartbeat(lease)).toBe('cancelled')
    expect(await jobs.complete(lease, 'too late')).toBe(false)
    expect(await jobs.cancel(running.id)).toMatchObject({ state: 'cancelled', result: undefined })
    expect(await jobs.cancel('job-00000000000000000000000000000000')).toBeUndefined()
    time += JOB_LEASE_MILLISECONDS + 1
    expect(await claim()).toBeUndefined()
  })

  it('are forgotten, whatever their state', async () => {
    for (const n of [1, 2]) await jobs.enqueue('task', n, { idempotencyKey: String(n) })
    const { lease, id } = (await claim())!
    expect(await jobs.delete(id)).toBe(true)
    expect(await jobs.delete(id)).toBe(false)
    expect(await jobs.delete('no id at all')).toBe(false)
    expect(await jobs.heartbeat(lease)).toBe('lost')
    expect(await jobs.complete(lease, 1)).toBe(false)
    expect((await jobs.enqueue('task', 1, { idempotencyKey: '1' })).id).not.toBe(id)
    expect((await jobs.list()).map(({ payload }) => payload)).toEqual([1, 2])
  })

  it('are listed by owner and state, newest first', async () => {
    for (const [n, owner] of ['a', 'b', 'a', 'a'].entries()) await jobs.enqueue('task', n, { owner })
    await claim()
    const of = async (options: Parameters<JobQueue['list']>[0]) => (await jobs.list(options)).map(({ payload }) => payload)
    expect(await of({ owner: 'a' })).toEqual([3, 2, 0])
    expect(await of({ owner: 'a', state: 'waiting' })).toEqual([3, 2])
    expect(await of({ state: 'running' })).toEqual([0])
    expect(await of({ limit: 2 })).toEqual([3, 2])
  })

  it('are counted by state', async () => {
    for (const owner of ['a', 'b', 'a']) await jobs.enqueue('task', 1, { owner })
    await claim()
    const { id } = await jobs.enqueue('task', 2)
    await jobs.cancel(id)
    expect(await jobs.counts()).toEqual({ waiting: 2, running: 1, done: 0, failed: 0, cancelled: 1 })
  })

  it('are watched from what they are now to their end', async () => {
    const { id } = await jobs.enqueue('task', 1)
    const seen: Job['state'][] = []
    const stages: (string | undefined)[] = []
    let held: LeasedJob | undefined
    for await (const { state, progress } of jobs.watch(id)) {
      seen.push(state)
      stages.push(progress?.stage)
      if (state === 'waiting') held = await claim()
      else if (progress === undefined) await jobs.progress(held!.lease, { stage: 's', done: 1, total: 2 })
      else if (state === 'running') await jobs.complete(held!.lease, 'r')
    }
    expect(seen).toEqual(['waiting', 'running', 'running', 'done'])
    expect(stages).toEqual([undefined, undefined, 's', 's'])
  })

  it('are watched no longer than the signal lets, and end with their deletion', async () => {
    const { id } = await jobs.enqueue('task', 1)
    const controller = new AbortController()
    for await (const _ of jobs.watch(id, { signal: controller.signal })) controller.abort()
    for await (const { state } of jobs.watch(id)) {
      expect(state).toBe('waiting')
      await jobs.delete(id)
    }
    for await (const _ of jobs.watch(id)) expect.unreachable()
  })

  it('are bounded in size, in number for each owner, and have kinds that are names', async () => {
    await expect(jobs.enqueue('task', 'x'.repeat(1 << 20))).rejects.toThrow(/payload of a job has 1048578 bytes/)
    await expect(jobs.enqueue('task', undefined)).rejects.toThrow(/no JSON/)
    await expect(jobs.enqueue('no name', 1)).rejects.toThrow(/kind "no name"/)
    for (let n = 0; n < MOST_OPEN_JOBS; n++) await jobs.enqueue('task', n, { owner: 'a' })
    const more = () => jobs.enqueue('task', 'more', { owner: 'a' })
    await expect(more()).rejects.toMatchObject({ code: 'invalid-input', message: expect.stringMatching(/100 open jobs/) })
    await jobs.enqueue('task', 1, { owner: 'b' })
    await jobs.complete((await claim())!.lease, null)
    await more()
  })

  it('outlive the process that asked for them', async () => {
    const { id } = await jobs.enqueue('task', { n: 1 }, { owner: 'a' })
    await claim('gone')
    await store.close()
    time += JOB_LEASE_MILLISECONDS + 1
    store = await stores.open(address, () => time)
    jobs = store.jobs
    expect(await claim('next')).toMatchObject({ id, owner: 'a', payload: { n: 1 }, attempts: 2 })
  })
})
