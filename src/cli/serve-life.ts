/** @file What `palign serve --store` does beside answering requests: jobs, one after the other, on the model that is served; and the end of what has expired. */
import type { LanguageModel } from '../model/language-model.ts'
import { activationCache, cacheFolder } from '../node/activation-cache.ts'
import { loadAdapterTrainer } from '../node/load-trainer.ts'
import { type Store, workerName } from '../node/open-store.ts'
import { packageVersion } from '../node/package-version.ts'
import type { BaseModel } from '../persona/about.ts'
import { failureLog } from '../server/frame.ts'
import { jobHandlers } from '../server/job-handlers.ts'
import { breathing } from '../server/job-parts.ts'
import { startSweep } from '../server/life-sweep.ts'
import type { Log } from '../server/request-log.ts'
import { runJobs } from '../store/run-jobs.ts'

export interface ServeLifeOptions {
  readonly store: Store
  readonly model: LanguageModel
  /** Of the model. */
  readonly folder: string
  readonly base: BaseModel
  /** False leaves jobs to other processes. */
  readonly isWorking: boolean
  readonly log: Log
  /** Gives back the job at hand. */
  readonly signal: AbortSignal
}

export interface ServedLife {
  /** After the signal: when the job at hand has been given back. */
  end(): Promise<void>
}

export function serveLife({ store, model, folder, base, isWorking, log, signal }: ServeLifeOptions): ServedLife {
  const onFailure = failureLog(log)
  const endSweep = startSweep(store, { log, onFailure })
  const handlers = jobHandlers({
    ...{ model, base, records: store.records, version: packageVersion(), breathe: breathing() },
    store: activationCache(cacheFolder(process.env)),
    openTrainer: (adapter) => loadAdapterTrainer({ folder, adapter }),
  })
  const working = isWorking
    ? runJobs({
        ...{ queue: store.jobs, handlers, worker: workerName(), signal, onFailure },
        onEnd: ({ id, kind, attempts }, outcome) => log.info({ job: id, kind, outcome, attempts }, 'job'),
      })
    : Promise.resolve()
  return {
    async end() {
      endSweep()
      await working
    },
  }
}
