/** @file Jobs of kind `evaluate`: a persona that is stored and the answers that it was made of -> its error on held-out items, stored beside it. */
import { z } from 'zod'
import { PalignError, throwIfAborted } from '../errors.ts'
import { evaluatePersona } from '../eval/evaluate-persona.ts'
import type { LanguageModel } from '../model/language-model.ts'
import { unpackPersona } from '../node/persona-bundle.ts'
import type { Records } from '../store/records.ts'
import type { JobHandler } from '../store/run-jobs.ts'
import { answersOf, jobPayload, requireModel, respondentIn, stagesOf } from './job-parts.ts'
import { EVALUATIONS, PERSONA_FILES, PERSONAS, type StoredEvaluation, type StoredPersonaRecord } from './life-records.ts'

export const EVALUATE_JOB = 'evaluate'

export const evaluateJobPayload = z.strictObject({
  /** Id of the record of the persona. */
  persona: z.string().min(1).max(128),
  /** Of the respondent that it was made of: what is deleted with it. */
  answers: z.string().min(1).max(128),
  model: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
})

export interface EvaluateJobOptions {
  readonly model: LanguageModel
  readonly records: Records
}

/** Nothing of it goes into the units of evaluations: those are known by their content and outlive the person's consent. */
export function evaluateJobHandler({ model, records }: EvaluateJobOptions): JobHandler {
  return async (run) => {
    const { job, signal } = run
    const { persona: id, answers: answersId, model: wanted } = jobPayload(evaluateJobPayload, run)
    requireModel(wanted, model)
    const answers = await answersOf(records, answersId, job)
    const { about } = await personaIn(records, id, job.owner)
    if (about.answers !== answersId) throw new PalignError('invalid-input', 'persona of the job was made of other answers')
    const files = await records.get(PERSONA_FILES, id)
    const persona = await unpackPersona(files?.json)
    const respondent = respondentIn(answers)
    const evaluation = await evaluatePersona({ persona, model, respondent, onStage: stagesOf(run), signal })
    throwIfAborted(signal)
    const { created, expires } = await personaIn(records, id, job.owner)
    const json: StoredEvaluation = { ...evaluation, job: job.id, answers: answersId, model: model.fingerprint }
    await records.put(EVALUATIONS, id, { owner: job.owner, expires, json })
    // Deleted meanwhile, or made anew: then this is no evaluation of it.
    const now = await records.about(PERSONAS, id)
    if (now?.created !== created) {
      await records.delete(EVALUATIONS, id)
      throw gone()
    }
    return { persona: id }
  }
}

async function personaIn(records: Records, id: string, owner: string) {
  const record = await records.get(PERSONAS, id)
  if (record?.owner !== owner) throw gone()
  return { about: record.json as StoredPersonaRecord, created: record.created, expires: record.expires }
}

const gone = () => new PalignError('not-found', 'persona of the job does not exist, or exists no more')
