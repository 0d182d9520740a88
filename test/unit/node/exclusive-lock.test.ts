import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { withExclusiveLock } from '../../../src/node/exclusive-lock.ts'

const path = async () => join(await mkdtemp(join(tmpdir(), 'palign-lock-')), '.x.lock')
const wait = () => new Promise<void>((resolve) => setTimeout(resolve, 1))
/** Of a process that has ended. */
const deadPid = () => spawnSync(process.execPath, ['-e', '']).pid
const lockOf = (pid: number, host = hostname()) => `{"pid":${pid},"host":"${host}","key":"0123456789abcdef"}`

describe('a lock', () => {
  it('lets one work at a time, and leaves nothing', async () => {
    const lock = await path()
    let inside = 0
    let most = 0
    const work = async () => {
      most = Math.max(most, ++inside)
      await wait()
      inside--
    }
    await Promise.all(Array.from({ length: 8 }, () => withExclusiveLock(lock, work, { wait })))
    expect(most).toBe(1)
    expect(await readdir(dirname(lock))).toEqual([])
  })

  it('is given back by work that fails', async () => {
    const lock = await path()
    await expect(withExclusiveLock(lock, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await withExclusiveLock(lock, async () => 7)).toBe(7)
  })

  it('names its holder while it is waited for, once', async () => {
    const lock = await path()
    await writeFile(lock, lockOf(process.pid))
    const controller = new AbortController()
    const onWait = vi.fn()
    let polls = 0
    const poll = async () => void (++polls === 3 && controller.abort())
    const waiting = withExclusiveLock(lock, async () => 7, { wait: poll, signal: controller.signal, onWait })
    await expect(waiting).rejects.toThrow(expect.objectContaining({ code: 'aborted' }))
    expect(onWait.mock.calls).toEqual([[{ pid: process.pid, host: hostname() }, lock]])
    expect(await readFile(lock, 'utf8')).toBe(lockOf(process.pid))
  })

  it('of a dead process is taken, by one of all that see it', async () => {
    const lock = await path()
    await writeFile(lock, lockOf(deadPid()!))
    let inside = 0
    const work = async () => {
      expect(++inside).toBe(1)
      await wait()
      inside--
    }
    await Promise.all(Array.from({ length: 8 }, () => withExclusiveLock(lock, work, { wait })))
    expect(await readdir(dirname(lock))).toEqual([])
  })

  it('of another machine is never taken', async () => {
    const lock = await path()
    await writeFile(lock, lockOf(deadPid()!, 'elsewhere'))
    const controller = new AbortController()
    const onWait = () => controller.abort()
    await expect(withExclusiveLock(lock, async () => 7, { wait, signal: controller.signal, onWait })).rejects.toThrow(/aborted/)
  })

  it('without a name is waited for while it is fresh, and taken when it is old', async () => {
    const lock = await path()
    await writeFile(lock, '')
    const controller = new AbortController()
    const onWait = () => controller.abort()
    await expect(withExclusiveLock(lock, async () => 7, { wait, signal: controller.signal, onWait })).rejects.toThrow(/aborted/)
    await utimes(lock, 1, 1)
    expect(await withExclusiveLock(lock, async () => 7, { wait })).toBe(7)
  })

  it('that somebody took after it was deleted by hand stays theirs', async () => {
    const lock = await path()
    await withExclusiveLock(lock, () => writeFile(lock, lockOf(process.pid)))
    expect(await readFile(lock, 'utf8')).toBe(lockOf(process.pid))
  })
})
