/** @file Worker thread of a trainer: a model folder, opened once, whose weights or adapter are trained by calls. */
import { join } from 'node:path'
import { parentPort } from 'node:worker_threads'
import { PalignError } from '../errors.ts'
import { readFloats } from '../formats/float-tensor.ts'
import { modelShape } from '../graph/llama-config.ts'
import { assertFloat, locateWeights } from '../graph/weights.ts'
import type { AdapterConfig } from '../model/adapter.ts'
import type { ModelShape } from '../model/shape.ts'
import type { AdapterTrainer, BeginOptions, TrainingBatch, TrainingRow } from '../model/trainer.ts'
import { adapterShapes, initialAdapter } from '../train/low-rank.ts'
import type { ModelTrainer, OpenTrainerRequest, StepOptions, TrainerState } from '../train/model-trainer.ts'
import { adapterTrainer, modelTrainer } from '../train/ort-trainer.ts'
import { trainingSelfTest } from '../train/self-test.ts'
import { readModelFolder } from './model-folder.ts'
import { trainingRuntime } from './ort-runtime.ts'
import { openFile } from './read-file.ts'
import { answerCalls } from './worker-calls.ts'

export interface OpenAdapterTrainerRequest {
  readonly folder: string
  readonly adapter: AdapterConfig
  readonly threads?: number | undefined
  readonly checkpointing?: boolean | undefined
}

export interface OpenedTrainer {
  readonly shape: ModelShape
  readonly parameterCount: number
}

let model: ModelTrainer | undefined
let adapter: AdapterTrainer | undefined

const opened = <T>(trainer: T | undefined): T => {
  if (trainer === undefined) throw new PalignError('engine-failed', 'trainer has no model open')
  return trainer
}

async function openFolder({ folder, threads }: { folder: string; threads?: number | undefined }) {
  const { config, files } = await readModelFolder(folder)
  const runtime = trainingRuntime({ folder, files: files.map(({ name }) => name), threads })
  await trainingSelfTest(runtime)
  const weights = new Map([...locateWeights(config, files)].map(([name, weight]) => [name, assertFloat(weight)]))
  return { config, shape: modelShape(config), runtime, weights }
}

async function openModel({ folder, part, optimiser, seed, threads }: OpenTrainerRequest): Promise<OpenedTrainer> {
  const { weights, ...options } = await openFolder({ folder, threads })
  if (part.kind === 'full') {
    const parameters = new Map<string, Float32Array>()
    for (const [name, weight] of weights) {
      const file = await openFile(join(folder, weight.file))
      try {
        parameters.set(name, await readFloats(file, weight))
      } finally {
        await file.close()
      }
    }
    model = modelTrainer({ ...options, trained: { kind: 'all' }, parameters, optimiser, seed })
  } else {
    const { config: adapterConfig, dropout } = part
    const parameters = initialAdapter(adapterShapes(options.config, adapterConfig), seed)
    const trained = { kind: 'adapter', weights, adapter: adapterConfig, dropout, valueHead: false } as const
    model = modelTrainer({ ...options, trained, parameters, optimiser, seed })
  }
  return { shape: options.shape, parameterCount: model.parameterCount }
}

async function openAdapter({ adapter: config, checkpointing, ...request }: OpenAdapterTrainerRequest): Promise<OpenedTrainer> {
  adapter = adapterTrainer({ ...(await openFolder(request)), adapter: config, checkpointing })
  return { shape: adapter.shape, parameterCount: adapter.trainableParameters }
}

if (parentPort !== null) {
  answerCalls(parentPort, {
    openModel,
    modelStep: ({ batches, options }: { batches: readonly TrainingBatch[]; options?: StepOptions }) =>
      opened(model).step(batches, options),
    state: () => opened(model).state(),
    restore: (state: TrainerState) => opened(model).restore(state),
    openAdapter,
    begin: (options: BeginOptions) => opened(adapter).begin(options),
    logProbabilities: ({ rows, reference }: { rows: readonly TrainingRow[]; reference?: boolean | undefined }) =>
      opened(adapter).logProbabilities(rows, { reference: reference ?? false }),
    values: (rows: readonly TrainingRow[]) => opened(adapter).values(rows),
    async adapterStep(batches: readonly TrainingBatch[]) {
      const result = await opened(adapter).step(batches)
      return { result, usage: opened(adapter).usage() }
    },
    adapter: () => opened(adapter).adapter(),
    usage: async () => opened(adapter).usage(),
  })
}
