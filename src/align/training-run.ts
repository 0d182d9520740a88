/** @file What every training run of an adapter shares: when it has run away, what it used, and the persona it ends as. */
import { PalignError } from '../errors.ts'
import type { LanguageModel } from '../model/language-model.ts'
import type { AdapterTrainer, TrainingRow, TrainingUsage } from '../model/trainer.ts'
import type { AdapterPersona, Provenance } from '../persona/persona.ts'
import { coarseCurve, type TrainingPoint, type TrainingRecord } from '../persona/training-record.ts'

export type Divergence = NonNullable<TrainingRecord['diverged']>

/** Watches one number of a run: above the bound for so many steps in a row, or not finite once, is divergence. */
export function divergenceWatch(
  name: string,
  bound: number,
  steps: number,
): (step: number, value: number) => Divergence | undefined {
  let above = 0
  return (step, value) => {
    if (!Number.isFinite(value)) return { step, reason: `${name} is ${value}` }
    above = value > bound ? above + 1 : 0
    return above < steps
      ? undefined
      : { step, reason: `${name} above ${bound.toPrecision(3)} for ${steps} steps, last ${value.toPrecision(3)}` }
  }
}

/** Runs a step; numbers that are not finite end a run (the adapter is as it was), everything else is an error. */
export async function stepOrDivergence<T>(step: number, run: () => Promise<T>): Promise<T | Divergence> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof PalignError && error.code === 'non-finite') return { step, reason: error.message }
    throw error
  }
}

export const isDivergence = (value: object): value is Divergence => 'reason' in value

/** Mean lengths, in tokens. */
export type RowMeans = Pick<TrainingRecord, 'meanRowTokens' | 'meanCompletionTokens'>

/** Mean lengths of the rows that went by, 0 where there were none. */
export function rowMeter(): { add(rows: readonly TrainingRow[]): void; means(): RowMeans } {
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

export interface TrainingOutcome {
  readonly method: string
  readonly model: LanguageModel
  readonly trainer: AdapterTrainer
  readonly hyperparameters: TrainingRecord['hyperparameters']
  readonly points: readonly TrainingPoint[]
  readonly diverged: Divergence | undefined
  /** The trainer's count when this person began. */
  readonly before: TrainingUsage
  readonly means: RowMeans
  readonly provenance: Provenance
}

export async function adapterPersona(outcome: TrainingOutcome): Promise<AdapterPersona> {
  const { method, model, trainer, hyperparameters, points, diverged, before, means, provenance } = outcome
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
      ...means,
      adapterWeights: trainer.trainableParameters,
    },
    provenance,
  }
}
