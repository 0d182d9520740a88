/** @file The run: every arm answers the same documents, in units that are kept and found again. */

import type { LanguageModel, Tokens } from '../../model/language-model.ts'
import type { Arm } from '../arm.ts'
import { armDigest } from '../arm-digest.ts'
import { type OnStage, silently } from '../stage.ts'
import { memoryUnits, readListUnit, runUnits, type UnitStore, unitKey } from '../units.ts'
import { answerDocuments } from './answer.ts'
import type { BenchDocument } from './documents.ts'
import type { Response } from './measures.ts'
import type { Task } from './tasks.ts'

export interface CapabilityOptions {
  readonly model: LanguageModel
  /** The unsteered one first. */
  readonly arms: readonly Arm[]
  readonly tasks: readonly Task[]
  /** Tokens that stand where a context is empty; none: nothing is scored after nothing. */
  readonly beginning: Tokens
  /** Where finished units are found and kept; default: for this run alone. */
  readonly units?: UnitStore | undefined
  /** Of the program: units of another one are not used. */
  readonly version?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly onStage?: OnStage | undefined
}

/** What one arm answered to one task, document by document. */
export interface Outcome {
  readonly arm: string
  readonly task: Task
  readonly responses: readonly Response[]
}

/** Raised whenever the same description comes to mean other answers. */
const REVISION = 1
/** A kill loses at most so many documents; a generated solution takes as long as many choices. */
const UNIT_DOCUMENTS = { likelihoods: 100, texts: 20 }

export async function runCapability(options: CapabilityOptions): Promise<Outcome[]> {
  const { model, arms, tasks, beginning, units: store = memoryUnits(), version, signal } = options
  const { onStage = silently } = options
  const outcomes: Outcome[] = []
  for (const arm of arms) {
    const digest = await armDigest(arm)
    for (const task of tasks) {
      const stage = onStage(`${task.name}, ${arm.name}`)
      const portions = portionsOf(task.documents)
      const units = portions.map(async (documents) => ({
        key: await unitKey({
          kind: 'capability',
          revision: REVISION,
          version,
          model: model.fingerprint,
          contextLength: model.shape.contextLength,
          beginning: Array.from(beginning),
          arm: digest,
          // Prompts and choices stand in the documents: another form is another unit.
          documents,
        }),
        compute: async () => JSON.stringify(await answerDocuments(model, documents, { arm, beginning, signal })),
      }))
      const results = await runUnits(store, await Promise.all(units), { signal, onProgress: stage.update })
      stage.end()
      const responses = results.flatMap((result, i) => readListUnit<Response>(result, portions[i]!.length))
      outcomes.push({ arm: arm.name, task, responses })
    }
  }
  return outcomes
}

function portionsOf(documents: readonly BenchDocument[]): BenchDocument[][] {
  const size = documents[0]?.kind === 'problem' ? UNIT_DOCUMENTS.texts : UNIT_DOCUMENTS.likelihoods
  return Array.from({ length: Math.ceil(documents.length / size) }, (_, i) => documents.slice(i * size, (i + 1) * size))
}
