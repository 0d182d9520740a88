/** @file Supervised training of a model folder: data in, steps with checkpoints, a model folder or an adapter out. */
import { readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { PalignError } from '../errors.ts'
import { lossCurve } from '../train/loss-curve.ts'
import { RUN_START, type RunPlace, type StepRecord, type TrainingStage, trainingSteps } from '../train/sft-run.ts'
import { makeFolder, prepareToWrite, writeFileAtomic } from './atomic-write.ts'
import { assertSameSettings, readCheckpoint, writeCheckpoint } from './checkpoint.ts'
import { loadModelTrainer } from './load-trainer.ts'
import { openLossFile, readLossFile } from './loss-file.ts'
import { modelFolderOf } from './model-source.ts'
import { writeTrainedAdapter, writeTrainedModel } from './trained-model.ts'
import { planTraining, type ReadingEvent, type TrainingSettings } from './training-plan.ts'

export type TrainingEvent =
  | ReadingEvent
  | {
      readonly kind: 'begin'
      /** Steps that an earlier run has taken. */
      readonly resumedAt: number
      readonly steps: number
      readonly documents: number
      readonly tokens: number
      readonly parameters: number
    }
  | ({ readonly kind: 'step'; readonly of: number } & StepRecord)
  | { readonly kind: 'checkpoint'; readonly step: number; readonly path: string }

export interface TrainingSummary {
  readonly out: string
  /** Model folder or adapter folder. */
  readonly model: string
  readonly steps: number
  readonly tokens: number
  /** Mean over the last steps, a tenth of all. */
  readonly finalLoss: number
}

export interface TrainModelOptions extends TrainingSettings {
  /** Folder to write; a run that was begun there goes on. */
  readonly out: string
  /** Steps between checkpoints, default 100; 0: at the ends of stages only. */
  readonly checkpointEvery?: number | undefined
  /** Throw away what an earlier run left in `out`. */
  readonly restart?: boolean | undefined
  readonly onEvent?: ((event: TrainingEvent) => void) | undefined
}

/** What a training run leaves in its folder besides a model. */
const CHECKPOINTS = 'checkpoints'
const LOSSES = 'losses.jsonl'
const CURVE = 'loss.svg'
const ADAPTER = 'adapter'
/** Among the checkpoints: random weights that training begins with. */
const INITIAL = 'initial'

/**
 * @throws PalignError `invalid-input` (also for a run that was begun with other settings), `not-found`, `malformed-file`,
 * `unsupported-model`, `engine-failed`, `non-finite`; `aborted` after the step that was running was written down
 */
export async function trainModel(given: TrainModelOptions): Promise<TrainingSummary> {
  const options = { ...given, model: await modelFolderOf(given.model) }
  const { out, signal, restart = false, onEvent = () => undefined } = options
  await prepareOut(options.model, out)
  const checkpoints = join(out, CHECKPOINTS)
  const { model, stages, ...plan } = await planTraining(options, join(checkpoints, INITIAL))
  const { settings, shapes, seed, optimiser, part, threads } = plan
  // Not before the new run is known to be possible.
  if (restart) await throwAway(out)
  const checkpoint = await readCheckpoint(checkpoints)
  if (checkpoint !== undefined) assertSameSettings(checkpoint.settings, settings)
  const place = checkpoint?.place ?? RUN_START
  const steps = stages.reduce((sum, stage) => sum + stage.steps, 0)
  const trainer = await loadModelTrainer({ folder: model.folder, part, optimiser, seed, threads })
  const losses = await openLossFile(join(out, LOSSES), checkpoint?.lossBytes ?? 0)
  try {
    if (checkpoint !== undefined) await trainer.restore(checkpoint.state)
    const stores = [...new Set(stages.map(({ store }) => store))]
    const sum = (of: (store: TrainingStage['store']) => number) => stores.reduce((total, store) => total + of(store), 0)
    onEvent({
      kind: 'begin',
      resumedAt: place.step,
      steps,
      documents: sum(({ count }) => count),
      tokens: sum(({ tokenCount }) => tokenCount),
      parameters: trainer.parameterCount,
    })
    const save = async (at: RunPlace) => {
      const lossBytes = await losses.sync()
      const path = await writeCheckpoint(checkpoints, { state: await trainer.state(), place: at, lossBytes, settings })
      onEvent({ kind: 'checkpoint', step: at.step, path })
    }
    const every = options.checkpointEvery ?? CHECKPOINT_EVERY
    let reached = place
    for await (const taken of trainingSteps(trainer, { stages, shapes, seed, from: place })) {
      reached = taken.place
      await losses.append(taken.record)
      onEvent({ kind: 'step', of: steps, ...taken.record })
      const stop = signal?.aborted === true && reached.step < steps
      if (stop || (every > 0 && reached.step % every === 0) || reached.stage !== taken.record.stage - 1) await save(reached)
      if (stop) throw stopped(reached.step, steps)
    }
    const { parameters } = await trainer.state()
    const written = { ...model, parameters, from: options.model }
    const to = options.part.kind === 'full' ? out : join(out, ADAPTER)
    if (options.part.kind === 'full') await writeTrainedModel({ ...written, to, dtype: options.part.dtype })
    else await writeTrainedAdapter({ ...written, to, adapter: options.part.config, dropout: options.part.dropout })
    const records = await readLossFile(join(out, LOSSES))
    await writeFileAtomic(join(out, CURVE), lossCurve(records))
    const last = records.slice(-Math.ceil(records.length / 10))
    const finalLoss = last.reduce((total, { loss }) => total + loss, 0) / last.length
    return { out, model: to, steps, tokens: reached.tokens, finalLoss }
  } finally {
    await losses.close()
    await trainer.dispose()
  }
}

const stopped = (step: number, steps: number) =>
  new PalignError('aborted', `training was stopped after step ${step} of ${steps}`, {
    hint: 'the same command goes on from there',
  })

const CHECKPOINT_EVERY = 100
/** A folder that is empty or holds an earlier run; anything else is somebody's. */
async function prepareOut(model: string, out: string): Promise<void> {
  if (resolve(model) === resolve(out)) {
    throw new PalignError('invalid-input', `folder ${out} is the model that training begins with`, {
      hint: 'choose another --out',
    })
  }
  await prepareToWrite(join(out, LOSSES))
  const names = await readdir(out)
  if (names.length > 0 && !names.includes(CHECKPOINTS)) {
    throw new PalignError('invalid-input', `folder ${out} holds other files: ${names.slice(0, 3).join(', ')}`, {
      hint: 'choose a folder that is empty or does not exist',
    })
  }
  await makeFolder(join(out, CHECKPOINTS))
}

/** What an earlier run wrote, but for the first weights, which were just written. */
async function throwAway(out: string): Promise<void> {
  const checkpoints = (await readdir(join(out, CHECKPOINTS))).filter((name) => name !== INITIAL)
  const names = [
    LOSSES,
    CURVE,
    ADAPTER,
    'config.json',
    'model.safetensors',
    ...checkpoints.map((name) => join(CHECKPOINTS, name)),
  ]
  for (const name of names) await rm(join(out, name), { recursive: true, force: true })
}
