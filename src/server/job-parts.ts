/** @file What the kinds of jobs share: payloads that are checked, answers of the own owner, the model that is meant, stages as progress. */
import type { z } from 'zod'
import { PalignError } from '../errors.ts'
import type { OnStage } from '../eval/stage.ts'
import type { LanguageModel } from '../model/language-model.ts'
import { ownPeople } from '../people/read-own.ts'
import type { Respondent } from '../people/respondent.ts'
import { respondentAt } from '../people/sample.ts'
import type { Job } from '../store/jobs.ts'
import type { Records, StoredRecord } from '../store/records.ts'
import type { JobRun } from '../store/run-jobs.ts'
import { ANSWERS } from './life-records.ts'

/** @throws PalignError `invalid-input` that names the first field that is wrong */
export function jobPayload<T>(schema: z.ZodType<T>, { payload }: Pick<JobRun, 'payload'>): T {
  const parsed = schema.safeParse(payload)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new PalignError(
    'invalid-input',
    `payload of the job is wrong at ${issue?.path.join('.') || 'its root'}: ${issue?.message}`,
  )
}

export function requireModel(wanted: string | undefined, { fingerprint }: Pick<LanguageModel, 'fingerprint'>): void {
  if (wanted === undefined || wanted === fingerprint) return
  throw new PalignError(
    'incompatible-persona',
    `job is for model ${wanted.slice(0, 12)}, this worker has ${fingerprint.slice(0, 12)}`,
    { hint: 'workers of one queue have the same model' },
  )
}

/** Of another owner's answers nothing is said, not even that they exist. */
export async function answersOf(records: Records, id: string, { owner }: Pick<Job, 'owner'>): Promise<StoredRecord> {
  const record = await records.get(ANSWERS, id)
  if (record?.owner === owner) return record
  throw new PalignError('not-found', 'answers of the job do not exist, or exist no more')
}

export const respondentIn = ({ json }: Pick<StoredRecord, 'json'>): Respondent => respondentAt(ownPeople(json).sample, 0)

export function stagesOf({ onProgress }: Pick<JobRun, 'onProgress'>): OnStage {
  return (stage) => {
    onProgress({ stage, done: 0, total: 1 })
    return {
      update: ({ done, total }) => onProgress({ stage, done, total }),
      end: () => onProgress({ stage, done: 1, total: 1 }),
    }
  }
}

const SLICE_MS = 15

/** Lets the event loop go round where the thread has worked for a while: between two calls nothing else of the process waits longer. */
export function breathing(now: () => number = () => performance.now()): () => Promise<void> {
  let begun = now()
  return async () => {
    if (now() - begun < SLICE_MS) return
    await new Promise<void>((resolve) => setImmediate(resolve))
    begun = now()
  }
}
