/** @file The body of POST /v1/chat/completions: what is accepted, and with which parameter a refusal names what is not. */
import { z } from 'zod'
import { MOST_TOP_LOGPROBS } from '../model/language-model.ts'
import { parseBody } from './read-body.ts'
import { count, generationFields, streamOptionsNeedStream, tokenCount } from './request-fields.ts'
import { refuseUnsupportedChat } from './unsupported.ts'

const MOST_MESSAGES = 2048
const MOST_PARTS = 256

const part = z.object({ type: z.literal('text'), text: z.string() })
const message = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: z.union([z.string(), z.array(part).min(1).max(MOST_PARTS)]),
})

const fields = z.object({
  ...generationFields,
  messages: z.array(message).min(1).max(MOST_MESSAGES),
  max_tokens: tokenCount(1).nullish().meta({ description: 'no more than the context has room for are generated' }),
  max_completion_tokens: tokenCount(1).nullish().meta({ description: 'before max_tokens' }),
  logprobs: z.boolean().nullish(),
  top_logprobs: count(0, MOST_TOP_LOGPROBS).nullish(),
})

/** Unknown fields are passed over. */
export const chatRequest = fields.superRefine((body, context) => {
  streamOptionsNeedStream(body, context)
  if ((body.top_logprobs ?? 0) > 0 && body.logprobs !== true) {
    context.addIssue({
      code: 'custom',
      path: ['top_logprobs'],
      message: 'stands without logprobs',
      params: { code: 'invalid_value' },
    })
  }
})
export type ChatRequest = z.infer<typeof chatRequest>

/** @throws a refusal that names the first field that is wrong */
export function parseChatRequest(json: Readonly<Record<string, unknown>>): ChatRequest {
  refuseUnsupportedChat(json)
  return parseBody(chatRequest, json)
}
