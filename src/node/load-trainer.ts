/** @file Trainers over a Hugging Face folder, each in a worker thread: a training step blocks its thread for as long as it runs. */
import { resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Adapter } from '../model/adapter.ts'
import type { AdapterTrainer, StepResult, TrainingRow, TrainingUsage } from '../model/trainer.ts'
import type { ModelTrainer, OpenTrainerRequest, TrainerState } from '../train/model-trainer.ts'
import { modelFolderOf } from './model-source.ts'
import { refuseTelemetry } from './telemetry.ts'
import type { OpenAdapterTrainerRequest, OpenedTrainer } from './train-worker.ts'
import { type WorkerClient, workerClient } from './worker-calls.ts'

async function openWorker(method: string, request: object): Promise<{ worker: WorkerClient; opened: OpenedTrainer }> {
  refuseTelemetry()
  const worker = workerClient(new Worker(new URL('./train-worker.js', import.meta.url)))
  try {
    return { worker, opened: await worker.call<OpenedTrainer>(method, request) }
  } catch (error) {
    await worker.dispose()
    throw error
  }
}

/**
 * A trainer of all weights of a model, or of one adapter over them.
 * @throws PalignError `not-found`, `malformed-file`, `unsupported-model`, `engine-failed` (also where the runtime's gradients are wrong)
 */
export async function loadModelTrainer(request: OpenTrainerRequest): Promise<ModelTrainer> {
  const { worker, opened } = await openWorker('openModel', { ...request, folder: await modelFolderOf(resolve(request.folder)) })
  return {
    parameterCount: opened.parameterCount,
    step: (batches, options) => worker.call<StepResult>('modelStep', { batches, options }),
    state: () => worker.call<TrainerState>('state', undefined),
    restore: (state) => worker.call<void>('restore', state),
    dispose: () => worker.dispose(),
  }
}

/** A trainer of one adapter after another, for the methods that need one for each person. Errors as `loadModelTrainer`. */
export async function loadAdapterTrainer(request: OpenAdapterTrainerRequest): Promise<AdapterTrainer> {
  const { worker, opened } = await openWorker('openAdapter', { ...request, folder: await modelFolderOf(resolve(request.folder)) })
  let usage: TrainingUsage = { forwardTokens: 0, trainedTokens: 0, steps: 0 }
  const forward = async (method: string, argument: unknown): Promise<Float32Array[]> => {
    const result = await worker.call<Float32Array[]>(method, argument)
    usage = await worker.call<TrainingUsage>('usage', undefined)
    return result
  }
  return {
    shape: opened.shape,
    config: request.adapter,
    trainableParameters: opened.parameterCount,
    async begin(options) {
      await worker.call('begin', options)
      usage = { forwardTokens: 0, trainedTokens: 0, steps: 0 }
    },
    logProbabilities: (rows, { reference = false } = {}) => forward('logProbabilities', { rows: rows.map(plainRow), reference }),
    values: (rows) => forward('values', rows.map(plainRow)),
    async step(batches) {
      const answer = await worker.call<{ result: StepResult; usage: TrainingUsage }>('adapterStep', batches)
      usage = answer.usage
      return answer.result
    },
    adapter: () => worker.call<Adapter>('adapter', undefined),
    usage: () => usage,
    dispose: () => worker.dispose(),
  }
}

/** Tokens may be any array-like: only plain arrays and typed ones can cross to a worker. */
const plainRow = ({ tokens, completionFrom }: TrainingRow): TrainingRow => ({ tokens: Array.from(tokens), completionFrom })
