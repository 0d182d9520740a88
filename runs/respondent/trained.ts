/** @file What training left in its folder: a model for each stage of the recipe, its losses and how long it took. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readLossFile } from '../../src/node/loss-file.ts'
import type { StepRecord } from '../../src/train/sft-run.ts'
import { RECIPE } from './recipe.ts'

/** The folder of a stage, counted from 0. */
export const stageFolder = (folder: string, stage: number) => join(folder, `${stage + 1}-${RECIPE.stages[stage]?.name}`)

export const lastStage = (folder: string) => stageFolder(folder, RECIPE.stages.length - 1)

/** Where each call says how long it took for a stage. */
export const secondsFile = (folder: string) => join(folder, 'seconds.jsonl')
export const secondsLine = z.strictObject({ stage: z.string(), seconds: z.number() })

export interface TrainedStage {
  readonly name: string
  readonly steps: number
  readonly tokens: number
  /** Mean over its last tenth, nats. */
  readonly finalLoss: number
  readonly seconds: number
}

export async function trainedStages(folder: string): Promise<TrainedStage[]> {
  const lines = (await readFile(secondsFile(folder), 'utf8')).trim().split('\n')
  const times = lines.map((line) => secondsLine.parse(JSON.parse(line)))
  return Promise.all(
    RECIPE.stages.map(async ({ name }, i) => {
      const records = await readLossFile(join(stageFolder(folder, i), 'losses.jsonl'))
      const last = records.slice(-Math.ceil(records.length / 10))
      return {
        name,
        steps: records.length,
        tokens: records.at(-1)?.tokens ?? 0,
        finalLoss: last.reduce((sum, { loss }) => sum + loss, 0) / last.length,
        seconds: times.filter(({ stage }) => stage === `${i + 1}-${name}`).reduce((sum, { seconds }) => sum + seconds, 0),
      }
    }),
  )
}

/** The losses of all stages as those of one run. */
export async function allLosses(folder: string): Promise<Pick<StepRecord, 'step' | 'stage' | 'loss'>[]> {
  const all: Pick<StepRecord, 'step' | 'stage' | 'loss'>[] = []
  for (const stage of RECIPE.stages.keys()) {
    for (const { loss } of await readLossFile(join(stageFolder(folder, stage), 'losses.jsonl'))) {
      all.push({ step: all.length + 1, stage: stage + 1, loss })
    }
  }
  return all
}
