/**
 * @file Jobs of kind `align`: answers that are stored -> a persona that is stored (`life-records.ts`), after its self-test on the worker's model. A job reads
 * the answers of its own owner only. Neither answers nor personas are ever part of a job, of its errors or of a log.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { PalignError, throwIfAborted } from '../errors.ts'
import { ALIGN_METHODS, type AlignPersonOptions, alignPerson } from '../eval/align-person.ts'
import { type PersonaBundle, packPersona } from '../node/persona-bundle.ts'
import { type BaseModel, type PersonaAbout, SPLIT_OF_SHORT_FORM } from '../persona/about.ts'
import type { StoredPersona } from '../persona/persona.ts'
import type { Job } from '../store/jobs.ts'
import type { Records, StoredRecord } from '../store/records.ts'
import type { JobHandler } from '../store/run-jobs.ts'
import { answersOf, jobPayload, requireModel, respondentIn, stagesOf } from './job-parts.ts'
import {
  OF_PERSONA,
  PERSONA_FILES,
  PERSONAS,
  personaIdOf,
  personaRef,
  RESPONDENTS,
  type RespondentRecord,
  type StoredPersonaRecord,
} from './life-records.ts'
import { personaFacts } from './persona-facts.ts'
import { testPersona } from './persona-self-test.ts'
import { isPersonaName } from './persona-shelf.ts'

export const ALIGN_JOB = 'align'

/** How a persona is found, as a request says it and a job keeps it. */
export const alignChoice = {
  method: z.enum(ALIGN_METHODS).default('pas'),
  settings: z
    .strictObject({
      seed: z.number().int().min(0).max(0xffff_ffff).default(0),
      steps: z.number().int().min(1).max(10_000).optional(),
    })
    .default({ seed: 0 }),
}

/** Also what a route checks before it enqueues. */
export const alignJobPayload = z.strictObject({
  /** Id of the record with the answers. */
  answers: z.string().min(1).max(128),
  /** Fingerprint of the model that it is for; left out: whichever the worker has. */
  model: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  ...alignChoice,
  /** What the persona will be called; left out: by an id made of that of the job. */
  persona: z.string().refine(isPersonaName).optional(),
})
export type AlignJobPayload = z.input<typeof alignJobPayload>

export interface AlignJobResult {
  /** Id of its record. */
  readonly persona: string
  readonly kind: StoredPersona['kind']
  readonly method: string
}

export interface AlignJobOptions extends Pick<AlignPersonOptions, 'model' | 'store' | 'openTrainer' | 'breathe'> {
  readonly records: Records
  /** Of palign; recorded in the persona. */
  readonly version: string
  /** What is known of the model beside its fingerprint; recorded in the persona. */
  readonly base?: BaseModel | undefined
}

/** One handler for one model: what all persons share is computed by its first job. */
export function alignJobHandler({ records, version, base, model, store, openTrainer, breathe }: AlignJobOptions): JobHandler {
  const prepared: AlignPersonOptions['prepared'] = new Map()
  return async (run) => {
    const { job, signal } = run
    const { answers: answersId, method, settings, model: wanted, persona: name } = jobPayload(alignJobPayload, run)
    requireModel(wanted, model)
    const id = name === undefined ? personaIdOf(job) : personaRef(job.owner, name)
    const made = await requireFree(records, id, job)
    // An earlier attempt stored it and could not say so any more.
    if (made !== undefined) return { persona: id, kind: made.kind, method: made.method } satisfies AlignJobResult
    const answers = await answersOf(records, answersId, job)
    const onStage = stagesOf(run)
    const aligned = await alignPerson({
      ...{ method, model, respondent: respondentIn(answers), ...settings, store, prepared, openTrainer, signal, breathe },
      source: { data: 'answers given to a server', version },
      onStage,
    })
    const testing = onStage('self-test')
    const state = await testPersona(aligned, model)
    testing.end()
    throwIfAborted(signal)
    // Who withdraws answers while the job runs gets no persona made of them.
    const latest = await answersOf(records, answersId, job)
    const { expires } = latest
    const persona: StoredPersona = { ...aligned, about: await aboutOf(job, latest, { records, base }) }
    const bundle = await packPersona(persona)
    await requireFree(records, id, job)
    const { kind, method: found } = persona
    const record: StoredPersonaRecord = {
      ...{ name: name ?? id, kind, method: found, model: model.fingerprint, job: job.id, answers: answersId, state },
      root: rootOf(bundle),
      ...personaFacts(persona),
    }
    await records.put(PERSONA_FILES, id, { owner: job.owner, expires, json: bundle })
    await records.put(PERSONAS, id, { owner: job.owner, expires, json: record })
    // Who withdrew them between that look and this one has looked for personas too early.
    await answersOf(records, answersId, job).catch(async (gone: unknown) => {
      for (const collection of OF_PERSONA) await records.delete(collection, id)
      throw gone
    })
    return { persona: id, kind, method: found } satisfies AlignJobResult
  }
}

/** A name is one persona's. @returns the persona that this very job has made already */
async function requireFree(records: Records, id: string, job: Job): Promise<StoredPersonaRecord | undefined> {
  const record = await records.get(PERSONAS, id)
  const made = record?.json as StoredPersonaRecord | undefined
  if (made?.job === job.id) return made
  if (record === undefined) {
    // One that has expired may still lie there: what is written now is a new persona and not that one changed.
    for (const collection of OF_PERSONA) await records.delete(collection, id)
    return undefined
  }
  throw new PalignError('invalid-input', 'persona of that name exists', { hint: 'delete it first, or give another name' })
}

/** Whose the persona is, what that person agreed to and until when: it goes with the file wherever that goes. Of the job's own time, so that it may run twice. */
async function aboutOf(
  { owner, created }: Job,
  { id, expires }: StoredRecord,
  { records, base }: Pick<AlignJobOptions, 'records' | 'base'>,
): Promise<PersonaAbout> {
  const respondent = (await records.get(RESPONDENTS, id))?.json as RespondentRecord | undefined
  const { version, text, time } = respondent?.consent ?? {}
  const agreed = version ?? (text && `sha256:${createHash('sha256').update(text).digest('hex')}`)
  return {
    ...{ base, split: SPLIT_OF_SHORT_FORM, owner, created: new Date(created).toISOString() },
    ...(agreed !== undefined && time !== undefined && { consent: { version: agreed, time } }),
    ...(expires !== undefined && { expires: new Date(expires).toISOString() }),
  }
}

/** sha256 of what the persona is: its only file, or the weights of its folder. */
export function rootOf({ files }: PersonaBundle): string {
  const weights = files.find(({ name }) => name.endsWith('.safetensors')) ?? files[0]!
  return createHash('sha256').update(Buffer.from(weights.base64, 'base64')).digest('hex')
}
