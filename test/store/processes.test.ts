import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { openStore, type StoreAddress } from '../../src/node/open-store.ts'
import { overStores } from './stores.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-workers-'))
afterAll(() => rmSync(scratch, { recursive: true }))
let logs = 0

function start(address: StoreAddress, log: string, pace: 'quick' | 'slow') {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', 'tsx', 'test/store/worker.ts', JSON.stringify(address), log, pace],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  return { child, ended: new Promise<number | null>((resolve) => child.once('exit', resolve)) }
}

const linesOf = (log: string) => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [])

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20))
}

overStores('workers in processes', (stores) => {
  it('complete a job once where the first of two is killed at work', async () => {
    const address = await stores.address()
    const log = join(scratch, `log-${logs++}`)
    const store = await openStore(address)
    const { id } = await store.jobs.enqueue('task', 1)
    const slow = start(address, log, 'slow')
    await until(() => linesOf(log).some((line) => line.startsWith('begun')))
    const quick = start(address, log, 'quick')
    // Both are there, and the second has had time to ask: the job is the first one's.
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect((await store.jobs.get(id))?.state).toBe('running')
    expect(linesOf(log)).toEqual([`begun 1 by ${slow.child.pid}`])
    slow.child.kill('SIGKILL')
    expect(await slow.ended).toBeNull()
    expect(await quick.ended).toBe(0)
    expect(linesOf(log)).toEqual([
      `begun 1 by ${slow.child.pid}`,
      `begun 1 by ${quick.child.pid}`,
      `done 1 by ${quick.child.pid}`,
    ])
    expect(await store.jobs.get(id)).toMatchObject({ state: 'done', attempts: 2, result: { pid: quick.child.pid } })
    await store.close()
  }, 60_000)

  it('share two hundred jobs among four, none done twice', async () => {
    const address = await stores.address()
    const log = join(scratch, `log-${logs++}`)
    const store = await openStore(address)
    for (let n = 0; n < 200; n++) await store.jobs.enqueue('task', n, { owner: `owner ${n % 2}` })
    const workers = [1, 2, 3, 4].map(() => start(address, log, 'quick'))
    expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0, 0, 0])
    const done = linesOf(log).filter((line) => line.startsWith('done'))
    const numbers = done.map((line) => Number(line.split(' ')[1])).sort((a, b) => a - b)
    expect(numbers).toEqual(Array.from({ length: 200 }, (_, n) => n))
    expect(linesOf(log)).toHaveLength(400)
    expect(new Set(done.map((line) => line.split(' ')[3])).size).toBeGreaterThan(1)
    await store.close()
  }, 60_000)
})
