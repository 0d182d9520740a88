/**
 * @file Whose is what: a caller sees own things, and with the scope `admin` everybody's. What is another's is answered exactly as what does not exist, here
 * and for everything that is reached through it.
 */

import type { Job, JobQueue } from '../store/jobs.ts'
import type { Records, StoredRecord } from '../store/records.ts'
import { isJobId } from '../store/stored-json.ts'
import { type Caller, holdsScope, ownerOf } from './caller.ts'
import {
  isRespondentId,
  PERSONAS,
  personaRef,
  RESPONDENTS,
  type RespondentRecord,
  type StoredPersonaRecord,
} from './life-records.ts'
import { refusal } from './problems.ts'

export interface Life {
  readonly records: Records
  readonly jobs: JobQueue
  /** Milliseconds since 1970; default the clock. */
  readonly now?: (() => number) | undefined
}

export interface Held<T> extends Omit<StoredRecord, 'json'> {
  readonly json: T
}

/** A queue may have jobs of other programs. */
export const isLifeJob = ({ kind }: Pick<Job, 'kind'>) => kind === 'align' || kind === 'evaluate'

const mayAll = (caller: Caller) => holdsScope(caller, ['admin'])
const maySee = (caller: Caller, owner: string) => owner === ownerOf(caller) || mayAll(caller)

/** Whose things a list shows: undefined for everybody's. */
export const listedOwner = (caller: Caller): string | undefined => (mayAll(caller) ? undefined : ownerOf(caller))

export async function respondentOf(life: Life, caller: Caller, id: string): Promise<Held<RespondentRecord>> {
  const record = isRespondentId(id) ? await life.records.get(RESPONDENTS, id) : undefined
  if (record !== undefined && maySee(caller, record.owner)) return record as Held<RespondentRecord>
  throw refusal({ code: 'respondent_not_found', param: 'respondent', message: 'respondent does not exist' })
}

export async function jobOf(life: Life, caller: Caller, id: string): Promise<Job> {
  const job = isJobId(id) ? await life.jobs.get(id) : undefined
  if (job !== undefined && isLifeJob(job) && maySee(caller, job.owner)) return job
  throw refusal({ code: 'job_not_found', param: 'job', message: 'job does not exist' })
}

/** @param id the name of an own persona, or where it lies */
export async function personaOf(life: Life, caller: Caller, id: string): Promise<Held<StoredPersonaRecord>> {
  const record = await life.records.get(PERSONAS, personaRef(ownerOf(caller), id))
  if (record !== undefined && maySee(caller, record.owner)) return record as Held<StoredPersonaRecord>
  throw refusal({ code: 'persona_not_found', param: 'persona', message: 'persona does not exist' })
}
