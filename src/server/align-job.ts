/**
 * @file Jobs of kind `align`: answers that are stored -> a persona that is stored. What lies in the store:
 *
 *     answers / ID          palign's own format of answers, one respondent: { questionnaire, coding, respondents: [{ sex, age, answers }] }
 *     personas / ID         StoredPersonaRecord; ID is that of the job with `persona` for `job`, so that a repeated job writes the same record again
 *
 * A job reads the answers of its own owner only. Neither answers nor personas are ever part of a job, of its errors or of a log.
 */
import { z } from 'zod'
import { PalignError, throwIfAborted } from '../errors.ts'
import { ALIGN_METHODS, type AlignPersonOptions, alignPerson } from '../eval/align-person.ts'
import type { OnStage } from '../eval/stage.ts'
import { type PersonaBundle, packPersona } from '../node/persona-bundle.ts'
import { ownPeople } from '../people/read-own.ts'
import { respondentsOf } from '../people/sample.ts'
import type { StoredPersona } from '../persona/persona.ts'
import type { Job } from '../store/jobs.ts'
import type { Records, StoredRecord } from '../store/records.ts'
import type { JobHandler, JobRun } from '../store/run-jobs.ts'

export const ALIGN_JOB = 'align'
export const ANSWERS = 'answers'
export const PERSONAS = 'personas'

/** Also what a route checks before it enqueues. */
export const alignJobPayload = z.strictObject({
  /** Id of the record with the answers. */
  answers: z.string().min(1).max(128),
  /** Fingerprint of the model that it is for; left out: whichever the worker has. */
  model: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  method: z.enum(ALIGN_METHODS).default('pas'),
  settings: z
    .strictObject({
      seed: z.number().int().min(0).max(0xffff_ffff).default(0),
      steps: z.number().int().min(1).max(10_000).optional(),
    })
    .default({ seed: 0 }),
})
export type AlignJobPayload = z.input<typeof alignJobPayload>

export interface AlignJobResult {
  readonly persona: string
  readonly kind: StoredPersona['kind']
  readonly method: string
}

/** What a record of the collection `personas` holds; `unpackPersona` reads its bundle. */
export interface StoredPersonaRecord extends Omit<AlignJobResult, 'persona'> {
  /** Fingerprint of the model that it was found for. */
  readonly model: string
  readonly job: string
  /** Id of the record that it was made of. */
  readonly answers: string
  readonly bundle: PersonaBundle
}

export const personaIdOf = ({ id }: Pick<Job, 'id'>) => id.replace(/^job-/, 'persona-')

export interface AlignJobOptions extends Pick<AlignPersonOptions, 'model' | 'store' | 'openTrainer'> {
  readonly records: Records
  /** Of palign; recorded in the persona. */
  readonly version: string
}

/** One handler for one model: what all persons share is computed by its first job. */
export function alignJobHandler({ records, version, model, store, openTrainer }: AlignJobOptions): JobHandler {
  const prepared: AlignPersonOptions['prepared'] = new Map()
  return async (run) => {
    const { job, signal } = run
    const payload = alignJobPayload.safeParse(run.payload)
    if (!payload.success) {
      const issue = payload.error.issues[0]
      throw new PalignError(
        'invalid-input',
        `payload of the job is wrong at ${issue?.path.join('.') || 'its root'}: ${issue?.message}`,
      )
    }
    const { answers: answersId, method, settings, model: wanted } = payload.data
    if (wanted !== undefined && wanted !== model.fingerprint) {
      throw new PalignError(
        'incompatible-persona',
        `job is for model ${wanted.slice(0, 12)}, this worker has ${model.fingerprint.slice(0, 12)}`,
        { hint: 'workers of one queue have the same model' },
      )
    }
    const answers = await answersOf(records, answersId, job)
    const [respondent] = respondentsOf(ownPeople(answers.json).sample)
    const persona = await alignPerson({
      ...{ method, model, respondent: respondent!, ...settings, store, prepared, openTrainer, signal },
      source: { data: 'answers given to a server', version },
      onStage: stagesOf(run),
    })
    throwIfAborted(signal)
    const bundle = await packPersona(persona)
    // Who withdraws answers while the job runs gets no persona made of them.
    const { expires } = await answersOf(records, answersId, job)
    const record: StoredPersonaRecord = {
      ...{ kind: persona.kind, method: persona.method, model: model.fingerprint, job: job.id, answers: answersId, bundle },
    }
    const id = personaIdOf(job)
    await records.put(PERSONAS, id, { owner: job.owner, expires, json: record })
    return { persona: id, kind: persona.kind, method: persona.method } satisfies AlignJobResult
  }
}

/** Of another owner's answers nothing is said, not even that they exist. */
async function answersOf(records: Records, id: string, { owner }: Job): Promise<StoredRecord> {
  const record = await records.get(ANSWERS, id)
  if (record?.owner === owner) return record
  throw new PalignError('not-found', 'answers of the job do not exist, or exist no more')
}

function stagesOf({ onProgress }: JobRun): OnStage {
  return (stage) => {
    onProgress({ stage, done: 0, total: 1 })
    return {
      update: ({ done, total }) => onProgress({ stage, done, total }),
      end: () => onProgress({ stage, done: 1, total: 1 }),
    }
  }
}
