/** @file `palign work`: a process that takes jobs from the queue of a store, for one model. It says which job, never what is in it. */
import { PalignError } from '../errors.ts'
import { activationCache, cacheFolder } from '../node/activation-cache.ts'
import { describeBaseModel } from '../node/base-model.ts'
import { loadAdapterTrainer } from '../node/load-trainer.ts'
import { openStore, workerName } from '../node/open-store.ts'
import { packageVersion } from '../node/package-version.ts'
import { jobHandlers } from '../server/job-handlers.ts'
import { breathing } from '../server/job-parts.ts'
import { runJobs } from '../store/run-jobs.ts'
import { type ModelOptions, openModel } from './open-model.ts'
import { duration, interruptSignal, note, print, printJson, reportError } from './output.ts'
import { type StoreOptions, storeAddress } from './stores.ts'

interface WorkOptions extends StoreOptions, ModelOptions {
  /** Seconds. */
  readonly lease: number
  readonly drain?: boolean
  readonly json?: boolean
}

export async function workCommand(options: WorkOptions): Promise<void> {
  // Supervisors of services stop them by SIGTERM: the same to us as Ctrl-C.
  process.once('SIGTERM', () => process.emit('SIGINT'))
  const signal = interruptSignal()
  const address = await storeAddress(options)
  if (address === undefined) {
    throw new PalignError('invalid-input', 'no store was named: there is no queue to take jobs from', {
      hint: 'give --store, --database-url-file or DATABASE_URL',
    })
  }
  const store = await openStore(address, { leaseMilliseconds: options.lease * 1000 })
  try {
    const model = await openModel(options)
    try {
      const handlers = jobHandlers({
        model,
        base: await describeBaseModel(options.model, options.dtype),
        records: store.records,
        version: packageVersion(),
        // So that its lease is renewed while probes are fitted.
        breathe: breathing(),
        store: activationCache(cacheFolder(process.env)),
        openTrainer: (adapter) => loadAdapterTrainer({ folder: options.model, adapter }),
      })
      note(`palign: waiting for jobs${address.kind === 'postgres' ? ' of the PostgreSQL database' : ` in ${address.folder}`}`)
      let begun = performance.now()
      await runJobs({
        ...{ queue: store.jobs, handlers, worker: workerName(), signal },
        ...(options.drain && { whenIdle: async () => false }),
        onClaim: () => {
          begun = performance.now()
        },
        onEnd({ id, kind, attempts }, outcome) {
          const seconds = (performance.now() - begun) / 1000
          if (options.json) printJson({ job: id, kind, outcome, attempt: attempts, seconds })
          else print(`${id} ${kind} ${outcome}, ${duration(seconds)}${attempts > 1 ? `, attempt ${attempts}` : ''}`)
        },
        onFailure: (error) => void reportError(error),
      })
    } finally {
      await model.dispose()
    }
  } finally {
    await store.close()
  }
}
