/** @file The body of POST /v1/chat/completions: what is accepted, and with which parameter a refusal names what is not. Unknown fields are passed over. */
import { z } from 'zod'
import { type Problem, refusal } from './problems.ts'

const MOST_MESSAGES = 2048
const MOST_STOPS = 4
const LONGEST_STOP = 256
const MOST_CHOICES = 8

const part = z.object({ type: z.literal('text'), text: z.string() })
const content = z.union([z.string(), z.array(part).min(1).max(256)])
const message = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content,
})

const persona = z.object({ id: z.string().max(64), alpha: z.number().optional() })
const count = (most: number) => z.number().int().min(1).max(most)
const nothing = z.union([z.literal(0), z.null()]).optional()

const body = z.object({
  model: z.string().min(1).max(200),
  messages: z.array(message).min(1).max(MOST_MESSAGES),
  max_tokens: count(1 << 20).nullish(),
  max_completion_tokens: count(1 << 20).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  n: count(MOST_CHOICES).nullish(),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).nullish(),
  stop: z.union([z.string().min(1).max(LONGEST_STOP), z.array(z.string().min(1).max(LONGEST_STOP)).max(MOST_STOPS)]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  persona: z.union([z.string().max(64), persona, z.array(persona).max(64)]).optional(),
})

/** Fields of the API that would change the answer and are not built: a request with them is refused, not answered without them. */
const unsupported = z.object({
  tools: z.array(z.never()).max(0).nullish(),
  functions: z.array(z.never()).max(0).nullish(),
  logprobs: z.literal(false).nullish(),
  top_logprobs: nothing,
  frequency_penalty: nothing,
  presence_penalty: nothing,
  logit_bias: z.record(z.string(), z.never()).nullish(),
  response_format: z.object({ type: z.literal('text') }).nullish(),
})

export type ChatRequest = z.infer<typeof body>

/** @throws a refusal that names the first field that is wrong */
export function parseChatRequest(json: unknown): ChatRequest {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw refusal({ code: 'invalid_type', message: 'body is no JSON object' })
  }
  const notBuilt = unsupported.safeParse(json)
  if (!notBuilt.success) {
    const [issue] = notBuilt.error.issues
    const param = String(issue?.path[0] ?? '')
    throw refusal({ code: 'unsupported_value', param, message: `${param} is not supported by this server` })
  }
  const parsed = body.safeParse(json)
  if (!parsed.success) throw refusal(problemOfIssue(parsed.error.issues[0]))
  const { stream, stream_options } = parsed.data
  if (stream !== true && stream_options !== undefined && stream_options !== null) {
    throw refusal({ code: 'invalid_value', param: 'stream_options', message: 'stream_options stand without stream' })
  }
  return parsed.data
}

function problemOfIssue(issue: z.core.$ZodIssue | undefined): Problem {
  const param = issue?.path.join('.') || undefined
  const message = `${param ?? 'body'}: ${issue?.message ?? 'is wrong'}`
  if (issue?.code !== 'invalid_type') return { code: 'invalid_value', param, message }
  const isMissing = /undefined/.test(issue.message)
  return { code: isMissing ? 'missing_required_parameter' : 'invalid_type', param, message }
}
