/** @file The body of POST /v1/completions: raw text or tokens, as clients that score texts send them. */
import { z } from 'zod'
import { parseBody } from './read-body.ts'
import { count, generationFields, MOST_RAW_STOPS, stopTexts, streamOptionsNeedStream, tokenCount } from './request-fields.ts'
import { refuseUnsupportedCompletion } from './unsupported.ts'

const MOST_PROMPTS = 64
const MOST_LOGPROBS = 5

// What the vocabulary and the context hold is known to the model.
const tokens = z.array(count(0, 2 ** 31 - 1)).min(1)
const fields = z.object({
  ...generationFields,
  stop: stopTexts(MOST_RAW_STOPS),
  prompt: z.union([z.string(), tokens, z.array(z.string()).min(1).max(MOST_PROMPTS), z.array(tokens).min(1).max(MOST_PROMPTS)]),
  max_tokens: tokenCount(0).nullish().meta({ description: 'default 16; 0 only with echo' }),
  echo: z.boolean().nullish().meta({ description: 'the prompt stands before the answer, its log-probabilities too' }),
  logprobs: count(0, MOST_LOGPROBS).nullish(),
})

/** Unknown fields are passed over. */
export const completionRequest = fields.superRefine((body, context) => {
  streamOptionsNeedStream(body, context)
  if (body.max_tokens === 0 && body.echo !== true) {
    context.addIssue({
      code: 'custom',
      path: ['max_tokens'],
      message: 'is 0 without echo: nothing is asked for',
      params: { code: 'invalid_value' },
    })
  }
})
export type CompletionRequest = z.infer<typeof completionRequest>

/** @throws a refusal that names the first field that is wrong */
export function parseCompletionRequest(json: Readonly<Record<string, unknown>>): CompletionRequest {
  refuseUnsupportedCompletion(json)
  return parseBody(completionRequest, json)
}
