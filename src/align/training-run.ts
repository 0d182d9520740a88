/** @file The loop that every training run of an adapter shares: when it has run away, what it used, and the persona it ends as. */
import { PalignError, throwIfAborted } from '../errors.ts'
import type { LanguageModel, Progress } from '../model/language-model.ts'
import type { AdapterTrainer, BeginOptions, TrainingRow } from '../model/trainer.ts'
import type { AdapterPersona, Provenance } from '../persona/persona.ts'
import { coarseCurve, type TrainingPoint, type TrainingRecord } from '../persona/training-record.ts'

type Divergence = NonNullable<TrainingRecord['diverged']>
export type DivergenceWatch = (step: number, value: number) => Divergence | undefined

/** Watches one number of a run: above the bound for so many steps in a row, or not finite once, is divergence. */
export function divergenceWatch(name: string, bound: number, steps: number): DivergenceWatch {
  let above = 0
  return (step, value) => {
    if (!Number.isFinite(value)) return { step, reason: `${name} is ${value}` }
    above = value > bound ? above + 1 : 0
    return above < steps
      ? undefined
      : { step, reason: `${name} above ${bound.toPrecision(3)} for ${steps} steps, last ${value.toPrecision(3)}` }
  }
}

/** Mean lengths, in tokens. */
export type RowMeans = Pick<TrainingRecord, 'meanRowTokens' | 'meanCompletionTokens'>

export interface RowMeter {
  add(rows: readonly TrainingRow[]): void
  /** Of the rows that went by, 0 where there were none. */
  means(): RowMeans
}

export function rowMeter(): RowMeter {
  let tokens = 0
  let completed = 0
  let count = 0
  return {
    add(rows) {
      for (const row of rows) {
        tokens += row.tokens.length
        completed += row.tokens.length - row.completionFrom
      }
      count += rows.length
    },
    means: () => ({ meanRowTokens: tokens / (count || 1), meanCompletionTokens: completed / (count || 1) }),
  }
}

export interface TrainingRun {
  readonly method: string
  readonly model: LanguageModel
  readonly trainer: AdapterTrainer
  readonly begin: BeginOptions
  readonly steps: number
  readonly hyperparameters: TrainingRecord['hyperparameters']
  readonly watch: DivergenceWatch
  readonly meter: RowMeter
  readonly provenance: Provenance
  /** One step: what is written down of it, and the number that is watched. */
  take(): Promise<{ readonly point: Omit<TrainingPoint, 'step'>; readonly watched: number }>
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** Trains the adapter of one person from the beginning. A run that diverges stops there, keeps what it had reached and says why. */
export async function trainAdapter(run: TrainingRun): Promise<AdapterPersona> {
  const { method, model, trainer, steps, hyperparameters, watch, meter, provenance, signal, onProgress } = run
  await trainer.begin(run.begin)
  const before = trainer.usage()
  const points: TrainingPoint[] = []
  let diverged: Divergence | undefined
  for (let step = 1; step <= steps && diverged === undefined; step++) {
    throwIfAborted(signal)
    const taken = await orDivergence(step, run.take)
    if ('reason' in taken) {
      diverged = taken
      break
    }
    const { point, watched } = taken
    diverged = Number.isFinite(point.loss) ? watch(step, watched) : { step, reason: `loss is ${point.loss}` }
    if (Object.values(point).every(Number.isFinite)) points.push({ step, ...point })
    onProgress?.({ done: step, total: steps })
  }
  const after = trainer.usage()
  return {
    kind: 'adapter',
    method,
    model: model.fingerprint,
    shape: model.shape,
    adapter: await trainer.adapter(),
    training: {
      hyperparameters,
      steps: points.length,
      finalLoss: points.at(-1)?.loss ?? 0,
      curve: coarseCurve(points),
      ...(diverged && { diverged }),
      forwardTokens: after.forwardTokens - before.forwardTokens,
      trainedTokens: after.trainedTokens - before.trainedTokens,
      ...meter.means(),
      adapterWeights: trainer.trainableParameters,
    },
    provenance,
  }
}

/** Numbers that are not finite end a run (the adapter is as it was), everything else is an error. */
async function orDivergence<T>(step: number, take: () => Promise<T>): Promise<T | Divergence> {
  try {
    return await take()
  } catch (error) {
    if (error instanceof PalignError && error.code === 'non-finite') return { step, reason: error.message }
    throw error
  }
}
