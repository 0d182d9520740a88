/** @file The steps of supervised training, stage after stage, from any place: whoever takes them decides what is written down and when. */

import { learningRateAt } from './adamw.ts'
import { type BatchShapes, type BatchSource, batchSource, type DataPlace, derivedSeed, trainingBatch } from './batches.ts'
import type { DocumentStore } from './document-store.ts'
import type { ModelTrainer } from './model-trainer.ts'

export interface StageSchedule {
  /** Padded tokens of a step, over all its batches. */
  readonly tokensPerStep: number
  readonly learningRate: number
  readonly warmupSteps: number
  /** What the learning rate falls to by the end of the stage, as a fraction of its peak. */
  readonly finalFraction: number
}

export interface TrainingStage extends StageSchedule {
  readonly store: DocumentStore
  readonly steps: number
}

/** Where a run stands. */
export interface RunPlace {
  /** From 0; as many as there are stages when all is done. */
  readonly stage: number
  /** Steps taken in this stage. */
  readonly stageStep: number
  readonly data: DataPlace
  /** Steps taken in all. */
  readonly step: number
  /** Tokens of documents trained on, padding left out. */
  readonly tokens: number
}

export const RUN_START: RunPlace = { stage: 0, stageStep: 0, data: { epoch: 0, batch: 0 }, step: 0, tokens: 0 }

/** A line of the loss file: nothing in it depends on the machine's speed. */
export interface StepRecord {
  /** From 1. */
  readonly step: number
  /** From 1. */
  readonly stage: number
  /** Mean over weighted tokens before the update, nats. */
  readonly loss: number
  readonly gradientNorm: number
  readonly learningRate: number
  /** Of documents, so far. */
  readonly tokens: number
}

export interface RunOptions {
  readonly stages: readonly TrainingStage[]
  readonly shapes: BatchShapes
  readonly seed: number
  readonly from?: RunPlace | undefined
}

/** After each step, what it gave and where the run then stands. */
export async function* trainingSteps(
  trainer: Pick<ModelTrainer, 'step'>,
  { stages, shapes, seed, from = RUN_START }: RunOptions,
): AsyncIterable<{ readonly record: StepRecord; readonly place: RunPlace }> {
  let place = from
  for (let stage = place.stage; stage < stages.length; stage++) {
    const { store, steps, ...schedule } = stages[stage] as TrainingStage
    const source = stageSource(store, { shapes, seed, stage, tokensPerStep: schedule.tokensPerStep })
    for (let stageStep = place.stageStep; stageStep < steps; stageStep++) {
      const { batches, next } = source.take(place.data, batchesPerStep(schedule.tokensPerStep, shapes))
      const learningRate = learningRateAt(stageStep, { ...schedule, totalSteps: steps })
      const result = await trainer.step(
        batches.map((batch) => trainingBatch(store, batch)),
        { learningRate },
      )
      const documents = batches.flatMap(({ rows }) => rows.flat())
      const tokens = place.tokens + documents.reduce((sum, document) => sum + store.lengthOf(document), 0)
      const isLast = stageStep + 1 === steps
      place = isLast
        ? { stage: stage + 1, stageStep: 0, data: RUN_START.data, step: place.step + 1, tokens }
        : { stage, stageStep: stageStep + 1, data: next, step: place.step + 1, tokens }
      const { loss, gradientNorm } = result
      yield { record: { step: place.step, stage: stage + 1, loss, gradientNorm, learningRate, tokens }, place }
    }
  }
}

export interface EpochSteps {
  readonly epochs: number
  readonly shapes: BatchShapes
  readonly seed: number
  readonly stage: number
  readonly tokensPerStep: number
}

/** How many steps take every document so often. */
export function stepsOfEpochs(store: DocumentStore, { epochs, ...options }: EpochSteps): number {
  const source = stageSource(store, options, epochs)
  const count = batchesPerStep(options.tokensPerStep, options.shapes)
  let steps = 0
  for (let place: DataPlace = RUN_START.data; place.epoch < epochs; steps++) place = source.take(place, count).next
  return steps
}

type SourceOptions = Omit<EpochSteps, 'epochs'>

function stageSource(store: DocumentStore, { shapes, seed, stage, tokensPerStep }: SourceOptions, epochs?: number): BatchSource {
  const batchTokens = Math.min(shapes.batchTokens, tokensPerStep)
  return batchSource(store, { ...shapes, batchTokens }, { seed: derivedSeed(seed, stage), epochs })
}

/** Batches whose gradients are added up before an update. */
function batchesPerStep(tokensPerStep: number, { batchTokens }: BatchShapes): number {
  return Math.max(1, Math.round(tokensPerStep / batchTokens))
}
