/**
 * @file A worker for tests, as a process of its own: `worker.ts ADDRESS LOG quick|slow`. Writes a line for every job that it begins and completes; ends
 * when nothing is open any more. `slow` works for ever: it is there to be killed.
 */
import { appendFileSync } from 'node:fs'
import { openStore, type StoreAddress, workerName } from '../../src/node/open-store.ts'
import { runJobs } from '../../src/store/run-jobs.ts'

const [address, log, pace] = process.argv.slice(2) as [string, string, 'quick' | 'slow']
const store = await openStore(JSON.parse(address) as StoreAddress, { leaseMilliseconds: 2000 })
const write = (line: string) => appendFileSync(log, `${line}\n`)
const isOpen = async () => (await store.jobs.list({ limit: 1000 })).some(({ state }) => ['waiting', 'running'].includes(state))

await runJobs({
  queue: store.jobs,
  worker: workerName(),
  signal: new AbortController().signal,
  handlers: {
    async task({ payload, onProgress }) {
      write(`begun ${payload} by ${process.pid}`)
      onProgress({ stage: 'working', done: 0, total: 1 })
      await new Promise((resolve) => setTimeout(resolve, pace === 'slow' ? 1_000_000 : 5))
      return { pid: process.pid }
    },
  },
  onEnd: ({ payload }, outcome) => write(`${outcome} ${payload} by ${process.pid}`),
  async whenIdle() {
    await new Promise((resolve) => setTimeout(resolve, 100))
    return isOpen()
  },
})
await store.close()
