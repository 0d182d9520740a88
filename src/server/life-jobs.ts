/** @file Routes of jobs: asked for, listed, cancelled, forgotten. What a job is about is checked before it waits, as far as it can be. */
import type { Context } from 'hono'
import { isEvaluable } from '../eval/evaluate-persona.ts'
import type { Job } from '../store/jobs.ts'
import { ALIGN_JOB } from './align-job.ts'
import { EVALUATE_JOB } from './evaluate-job.ts'
import { respondentIn } from './job-parts.ts'
import { isLifeJob, jobOf, type Life, listedOwner, personaOf, respondentOf } from './life-access.ts'
import { removedView, timeOf } from './life-parts.ts'
import { ANSWERS, isPersonaRef, PERSONAS, personaIdOf, personaRef, type StoredPersonaRecord } from './life-records.ts'
import { nothing } from './life-remove.ts'
import { type JobRequest, jobAnswer, jobRequest, jobsAnswer, removedAnswer } from './life-schemas.ts'
import { refusal } from './problems.ts'
import { parseBody, readBody } from './read-body.ts'
import type { Route } from './route.ts'

const SCOPES = ['align'] as const

export interface JobRouteOptions {
  /** Of the model that is served; undefined leaves the choice to the worker. */
  readonly fingerprint: string | undefined
  /** Names that are taken for everybody. */
  readonly isShared: (name: string) => boolean
}

export function jobRoutes(life: Life, options: JobRouteOptions): readonly Route[] {
  const { jobs } = life
  return [
    {
      method: 'POST',
      path: '/api/jobs',
      summary: 'asks for a persona, or for the evaluation of one',
      scopes: SCOPES,
      isMetered: true,
      body: jobRequest,
      answer: jobAnswer,
      status: 202,
      handler: async (c) => c.json(jobView(await enqueue(c, life, options)), 202),
    },
    {
      method: 'GET',
      path: '/api/jobs',
      summary: 'jobs of the key, the newest thousand',
      scopes: SCOPES,
      isMetered: true,
      answer: jobsAnswer,
      handler: async (c) => {
        const list = await jobs.list({ owner: listedOwner(c.get('caller')), limit: 1000 })
        return c.json({ object: 'list', data: list.filter(isLifeJob).map(jobView) })
      },
    },
    {
      method: 'GET',
      path: '/api/jobs/:id',
      summary: 'one of them',
      scopes: SCOPES,
      isMetered: true,
      answer: jobAnswer,
      handler: async (c) => c.json(jobView(await jobOf(life, c.get('caller'), c.req.param('id')!))),
    },
    {
      method: 'POST',
      path: '/api/jobs/:id/cancel',
      summary: 'ends a job; one that has ended stays as it is',
      scopes: SCOPES,
      isMetered: true,
      answer: jobAnswer,
      handler: async (c) => {
        const { id } = await jobOf(life, c.get('caller'), c.req.param('id')!)
        const job = await jobs.cancel(id)
        return c.json(jobView(job ?? (await jobOf(life, c.get('caller'), id))))
      },
    },
    {
      method: 'DELETE',
      path: '/api/jobs/:id',
      summary: 'ends and forgets a job; what it made stays',
      scopes: SCOPES,
      isMetered: true,
      answer: removedAnswer,
      handler: async (c) => {
        const { id } = await jobOf(life, c.get('caller'), c.req.param('id')!)
        await jobs.cancel(id)
        return c.json(removedView({ ...nothing(), jobs: Number(await jobs.delete(id)) }))
      },
    },
  ]
}

async function enqueue(c: Context, life: Life, options: JobRouteOptions): Promise<Job> {
  const request = parseBody(jobRequest, await readBody(c))
  return request.kind === 'align' ? enqueueAlign(c, life, request, options) : enqueueEvaluate(c, life, request, options)
}

type Of<K extends JobRequest['kind']> = Extract<JobRequest, { kind: K }>

async function enqueueAlign(
  c: Context,
  life: Life,
  request: Of<'align'>,
  { fingerprint, isShared }: JobRouteOptions,
): Promise<Job> {
  const { respondent: wanted, method, settings, persona, idempotencyKey } = request
  const { id: answers, owner } = await respondentOf(life, c.get('caller'), wanted)
  if (settings.steps !== undefined && method !== 'dpo' && method !== 'ppo') {
    throw refusal({ code: 'unsupported_value', param: 'settings.steps', message: 'steps are of dpo and ppo, which train' })
  }
  const payload = { answers, model: fingerprint, method, settings, persona }
  // A persona is its respondent's owner's, whoever asked for it.
  const add = () => life.jobs.enqueue(ALIGN_JOB, payload, { owner, idempotencyKey })
  if (persona === undefined) return add()
  const taken = () => refusal({ code: 'invalid_value', param: 'persona', message: 'persona of that name exists already' })
  if (isPersonaRef(persona) || isShared(persona)) throw taken()
  const existing = await life.records.get(PERSONAS, personaRef(owner, persona))
  if (existing === undefined) return add()
  // Its own job asked for once more is that job, and no second persona.
  if (idempotencyKey === undefined) throw taken()
  const job = await add()
  if (job.id === (existing.json as StoredPersonaRecord).job) return job
  await life.jobs.cancel(job.id)
  await life.jobs.delete(job.id)
  throw taken()
}

async function enqueueEvaluate(c: Context, life: Life, request: Of<'evaluate'>, { fingerprint }: JobRouteOptions): Promise<Job> {
  const { persona: wanted, idempotencyKey } = request
  const { id: persona, owner, json } = await personaOf(life, c.get('caller'), wanted)
  if (json.state.kind === 'failed') {
    throw refusal({ code: 'invalid_value', param: 'persona', message: `persona failed its self-test: ${json.state.reason}` })
  }
  const answers = await life.records.get(ANSWERS, json.answers)
  if (answers === undefined || !isEvaluable(respondentIn(answers))) {
    throw refusal({
      code: 'unsupported_value',
      param: 'persona',
      message: 'persona was made of answers without held-out items in every domain: evaluation needs the ipip-neo-300',
    })
  }
  const payload = { persona, answers: json.answers, model: fingerprint }
  return life.jobs.enqueue(EVALUATE_JOB, payload, { owner, idempotencyKey })
}

/** Without what only workers need to know. */
export function jobView(job: Job) {
  const { id, owner, kind, state, progress, error, attempts, created, started, ended } = job
  const { answers, method, persona } = job.payload as { answers: string; method?: string; persona?: string }
  return {
    ...{ object: 'job', id, owner, kind, state, respondent: answers, persona: persona ?? personaIdOf(job) },
    ...{ method: method ?? null, progress: progress ?? null, error: error ?? null, attempts },
    ...{ created: timeOf(created), started: timeOf(started), ended: timeOf(ended) },
  }
}
