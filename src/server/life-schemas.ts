/** @file Requests and answers of the routes that keep persons' answers and make personas of them. Times are ISO 8601. */
import { z } from 'zod'
import { JOB_STATES } from '../store/jobs.ts'
import { alignChoice } from './align-job.ts'
import { isPersonaName, LONGEST_ID } from './persona-shelf.ts'

const time = z.iso.datetime()
const expires = time.nullish().meta({ description: 'when it is deleted with everything made of it; never, where left out' })
const count = z.number().int().min(0)

/** Questionnaires that personas are found with. */
export const QUESTIONNAIRES = ['ipip-neo-300', 'ipip-neo-120'] as const

/** Any other field is refused, so that names and numbers of persons do not slip in. */
export const respondentRequest = z.strictObject({
  questionnaire: z.enum(QUESTIONNAIRES),
  coding: z.enum(['worded', 'keyed']).meta({ description: 'worded: what was ticked; keyed: minus items are turned already' }),
  answers: z
    .record(z.string().regex(/^[1-9]\d{0,2}$/), z.number().int().min(1).max(5))
    .meta({ description: '1 to 5 by the number of the item in the list of 300; a missing answer is left out' }),
  consent: z
    .strictObject({
      given: z.literal(true),
      version: z.string().min(1).max(64).optional(),
      text: z.string().min(1).max(20_000).optional(),
    })
    .refine(({ version, text }) => version !== undefined || text !== undefined, {
      path: ['version'],
      message: 'expected what was agreed to: its text, or the name of its version',
      params: { code: 'missing_required_parameter' },
    }),
  expires,
})

const personaName = z.string().max(LONGEST_ID).refine(isPersonaName, { message: 'expected lower-case letters, digits and . _ -' })
const idempotencyKey = z.string().min(1).max(128).optional()

export const jobRequest = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('align'),
    respondent: z.string().min(1).max(LONGEST_ID),
    ...alignChoice,
    persona: personaName.optional().meta({ description: 'what the persona will be called' }),
    idempotencyKey,
  }),
  z.strictObject({ kind: z.literal('evaluate'), persona: z.string().min(1).max(LONGEST_ID), idempotencyKey }),
])
export type JobRequest = z.infer<typeof jobRequest>

export const personaChange = z.strictObject({
  expires: time.meta({ description: 'earlier than before; a persona never outlives the answers that it was made of' }),
})

const list = <T extends z.ZodType>(data: T) => z.object({ object: z.literal('list'), data: z.array(data) })

export const respondentAnswer = z.object({
  object: z.literal('respondent'),
  id: z.string(),
  owner: z.string(),
  questionnaire: z.string(),
  coding: z.enum(['worded', 'keyed']),
  answered: count,
  consent: z.object({ given: z.literal(true), version: z.string().optional(), text: z.string().optional(), time }),
  created: time,
  expires: time.nullable(),
  answers: z.record(z.string(), z.number()).optional().meta({ description: 'where they were asked for' }),
})
export const respondentsAnswer = list(respondentAnswer)

export const jobAnswer = z.object({
  object: z.literal('job'),
  id: z.string(),
  owner: z.string(),
  kind: z.enum(['align', 'evaluate']),
  state: z.enum(JOB_STATES),
  respondent: z.string(),
  persona: z.string().meta({ description: 'id of the persona, which exists when the job is done' }),
  method: z.string().nullable(),
  progress: z.object({ stage: z.string(), done: z.number(), total: z.number() }).nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  attempts: count,
  created: time,
  started: time.nullable(),
  ended: time.nullable(),
})
export const jobsAnswer = list(jobAnswer)

const errors = z.record(z.string(), z.number())
const evaluation = z.object({
  items: count,
  arms: z.array(
    z.object({
      arm: z.string(),
      regime: z.enum(['none', 'person', 'population']),
      corrected: errors.meta({ description: 'mean absolute error by domain, and their sum' }),
      exact: z.number(),
      unanswered: z.number().optional(),
    }),
  ),
})

export const personaAnswer = z.object({
  object: z.literal('persona'),
  id: z.string().meta({ description: 'as requests call it' }),
  ref: z.string().meta({ description: 'where it lies; names it among those of all owners' }),
  owner: z.string(),
  state: z.enum(['ready', 'failed']),
  reason: z.string().nullable().meta({ description: 'why it is refused' }),
  steers: z.boolean().meta({ description: 'false: the search found no strength better than none' }),
  kind: z.string(),
  method: z.string(),
  model: z.string().meta({ description: 'fingerprint of the only model it is for' }),
  sha256: z.string(),
  alpha: z.number().nullable(),
  site: z.string().nullable(),
  heads: z.array(z.object({ layer: count, head: count, sigma: z.number() })),
  calibration: z
    .object({ loss: z.string(), curve: z.array(z.object({ alpha: z.number(), loss: z.number() })), folds: count })
    .nullable(),
  answered: count.nullable().meta({ description: 'known items that were answered' }),
  seed: z.number().nullable(),
  respondent: z.string(),
  job: z.string(),
  created: time,
  expires: time.nullable(),
  evaluation: evaluation.nullable(),
})
export const personasAnswer = list(personaAnswer)

export const removedAnswer = z.object({
  object: z.literal('removed'),
  verified: z.literal(true).meta({ description: 'each was looked for again, and is gone' }),
  respondents: count,
  answers: count,
  personas: count,
  evaluations: count,
  jobs: count,
  activations: z.string(),
})

export const bundleAnswer = z.object({
  format: z.literal(1),
  sha256: z.string(),
  files: z.array(z.object({ name: z.string(), base64: z.string() })),
})
