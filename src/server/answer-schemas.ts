/** @file Answers of the routes as schemas, for /openapi.json and for the tests that hold answers against it. */
import { z } from 'zod'
import { PROBLEM_CODES } from './problems.ts'

const count = z.number().int().min(0)
const usage = z.object({ prompt_tokens: count, completion_tokens: count, total_tokens: count })
const reason = z.enum(['stop', 'length'])

export const problemAnswer = z.object({
  error: z.object({
    message: z.string(),
    type: z.enum(['invalid_request_error', 'rate_limit_error', 'server_error']),
    param: z.string().nullable(),
    code: z.enum(PROBLEM_CODES),
  }),
})

const alternative = z.object({ token: z.string(), logprob: z.number(), bytes: z.array(z.number().int()).nullable() })
const chatLogprobs = z
  .object({ content: z.array(alternative.extend({ top_logprobs: z.array(alternative) })), refusal: z.null() })
  .nullable()
const head = z.object({
  id: z.string(),
  created: z.number().int(),
  model: z.string(),
  persona: z.string().meta({ description: 'who answered: none, or ids joined by +' }),
})

export const chatAnswer = head.extend({
  object: z.literal('chat.completion'),
  choices: z.array(
    z.object({
      index: count,
      message: z.object({ role: z.literal('assistant'), content: z.string(), refusal: z.null() }),
      logprobs: chatLogprobs,
      finish_reason: reason,
    }),
  ),
  usage,
})

export const chatChunk = head.extend({
  object: z.literal('chat.completion.chunk'),
  choices: z.array(
    z.object({
      index: count,
      delta: z.object({ role: z.literal('assistant').optional(), content: z.string().optional() }),
      logprobs: chatLogprobs,
      finish_reason: reason.nullable(),
    }),
  ),
  usage: usage.nullish(),
})

const completionLogprobs = z
  .object({
    tokens: z.array(z.string()),
    token_logprobs: z.array(z.number().nullable()),
    top_logprobs: z.array(z.record(z.string(), z.number()).nullable()),
    text_offset: z.array(count),
  })
  .nullable()
const completion = head.extend({ object: z.literal('text_completion') })

export const completionAnswer = completion.extend({
  choices: z.array(z.object({ index: count, text: z.string(), logprobs: completionLogprobs, finish_reason: reason })),
  usage,
})

export const completionChunk = completion.extend({
  choices: z.array(z.object({ index: count, text: z.string(), logprobs: completionLogprobs, finish_reason: reason.nullable() })),
  usage: usage.nullish(),
})

export const modelAnswer = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.number().int(),
  owned_by: z.string(),
  root: z.string().meta({ description: 'hash of the content' }),
  parent: z.string().nullable().meta({ description: 'the base model of a persona' }),
  palign: z
    .object({
      kind: z.string(),
      method: z.string().optional(),
      alpha: z.number().optional(),
      site: z.string().optional(),
      calibrated: z.object({ from: z.number(), to: z.number() }).optional(),
      failed: z.string().optional().meta({ description: 'why it is refused: its self-test failed, or its time is over' }),
      model_mismatch: z.literal(true).optional().meta({ description: 'it was fitted on another model' }),
    })
    .optional(),
})
export const modelsAnswer = z.object({ object: z.literal('list'), data: z.array(modelAnswer) })

export const healthAnswer = z.object({ status: z.literal('ok') })
export const tokensAnswer = z.object({ tokens: z.array(count), count, max_model_len: count })
export const textAnswer = z.object({ content: z.string(), prompt: z.string() })
export const propsAnswer = z.object({
  version: z.string(),
  model: z.object({
    id: z.string(),
    fingerprint: z.string(),
    context_length: count,
    vocab_size: count,
    layers: count,
    heads: count,
  }),
  personas: z.object({ loaded: count, most_per_request: count, largest_alpha: z.number() }),
  chat_template: z.literal('fixed').meta({ description: 'requests bring none of their own' }),
})
