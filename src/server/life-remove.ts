/**
 * @file Deletion with everything that was made of it, and proof that it is gone: what was deleted is read again. Jobs end first, so that nothing is being made
 * of what is deleted; a job that has just finished looks again itself (`align-job.ts`).
 */
import { PalignError } from '../errors.ts'
import type { Job } from '../store/jobs.ts'
import type { Life } from './life-access.ts'
import {
  ANSWERS,
  EVALUATIONS,
  MOST_RECORDS,
  PERSONA_FILES,
  PERSONAS,
  RESPONDENTS,
  type StoredPersonaRecord,
} from './life-records.ts'

/** How many of each are gone. */
export interface Removed {
  readonly respondents: number
  readonly answers: number
  readonly personas: number
  readonly evaluations: number
  readonly jobs: number
}

type Counts = { -readonly [K in keyof Removed]: number }

/** A respondent, and every persona, evaluation and job of it. */
export async function removeRespondent(
  life: Life,
  { id, owner }: { readonly id: string; readonly owner: string },
): Promise<Removed> {
  const counts = nothing()
  await removeJobs(life, owner, ({ answers }) => answers === id, counts)
  await remove(life, ANSWERS, id, counts, 'answers')
  await remove(life, RESPONDENTS, id, counts, 'respondents')
  const personas = await life.records.list(PERSONAS, { owner, limit: MOST_RECORDS })
  for (const persona of personas) {
    if ((persona.json as StoredPersonaRecord).answers === id) await removePersonaRecords(life, persona.id, counts)
  }
  return counts
}

/** A persona, its evaluation and its jobs; the answers stay. */
export async function removePersona(
  life: Life,
  { id, owner, job }: { readonly id: string; readonly owner: string; readonly job: string },
): Promise<Removed> {
  const counts = nothing()
  await removeJobs(life, owner, ({ persona }, one) => persona === id || one.id === job, counts)
  await removePersonaRecords(life, id, counts)
  return counts
}

export function nothing(): Counts {
  return { respondents: 0, answers: 0, personas: 0, evaluations: 0, jobs: 0 }
}

async function removePersonaRecords(life: Life, id: string, counts: Counts): Promise<void> {
  await remove(life, PERSONAS, id, counts, 'personas')
  await remove(life, PERSONA_FILES, id, counts)
  await remove(life, EVALUATIONS, id, counts, 'evaluations')
}

/** @throws PalignError `engine-failed` where the record can still be read */
async function remove({ records }: Life, collection: string, id: string, counts: Counts, counted?: keyof Counts): Promise<void> {
  const existed = await records.delete(collection, id)
  if (existed && counted !== undefined) counts[counted]++
  if ((await records.about(collection, id)) !== undefined) {
    throw new PalignError('engine-failed', `record of ${collection} is there after it was deleted`, { hint: 'check the store' })
  }
}

interface NamesInPayload {
  readonly answers?: unknown
  readonly persona?: unknown
}

/** Cancelled first: a worker that is at it learns so by the next thing it tells. */
async function removeJobs(
  { jobs }: Life,
  owner: string,
  isMeant: (payload: NamesInPayload, job: Job) => boolean,
  counts: Counts,
): Promise<void> {
  for (const job of await jobs.list({ owner, limit: MOST_RECORDS })) {
    if (!isMeant((job.payload ?? {}) as NamesInPayload, job)) continue
    await jobs.cancel(job.id)
    if (await jobs.delete(job.id)) counts.jobs++
  }
}
