/**
 * @file Everything that can be wrong with a request, in the one shape that clients of the OpenAI API read: `{ error: { message, type, param, code } }`.
 * Nothing of a path, an address or a stack is in it.
 */
import { HTTPException } from 'hono/http-exception'
import { PalignError, type PalignErrorCode } from '../errors.ts'

/** Codes by the status they go with. */
const STATUS = {
  invalid_json: 400,
  invalid_type: 400,
  invalid_value: 400,
  missing_required_parameter: 400,
  unsupported_value: 400,
  context_length_exceeded: 400,
  persona_incompatible: 400,
  forbidden_host: 400,
  invalid_api_key: 401,
  insufficient_scope: 403,
  model_not_found: 404,
  persona_not_found: 404,
  respondent_not_found: 404,
  job_not_found: 404,
  route_not_found: 404,
  method_not_allowed: 405,
  request_too_large: 413,
  unsupported_media_type: 415,
  rate_limit_exceeded: 429,
  internal_error: 500,
  engine_failed: 500,
  model_loading: 503,
  persona_not_ready: 503,
  server_is_overloaded: 503,
} as const
export type ProblemCode = keyof typeof STATUS
export const PROBLEM_CODES = Object.keys(STATUS) as readonly ProblemCode[]

export interface Problem {
  readonly code: ProblemCode
  readonly message: string
  /** Path of the field, such as `messages.3.content`. */
  readonly param?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export function problemBody({ code, message, param }: Problem) {
  return { error: { message, type: typeOf(STATUS[code]), param: param ?? null, code } }
}

function typeOf(status: number): string {
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

export function problemResponse(problem: Problem): Response {
  const status = STATUS[problem.code]
  // A repeat of what must fail again only makes more load.
  const retry = status === 503 || status === 429 ? undefined : { 'x-should-retry': 'false' }
  return Response.json(problemBody(problem), { status, headers: { ...retry, ...problem.headers } })
}

/** To throw inside a route. */
export function refusal(problem: Problem): HTTPException {
  return new HTTPException(STATUS[problem.code], { message: problem.message, cause: problem })
}

const OF_ERRORS: Readonly<Partial<Record<PalignErrorCode, ProblemCode>>> = {
  'invalid-input': 'invalid_value',
  'incompatible-persona': 'persona_incompatible',
  'wrong-coding': 'invalid_value',
  'too-few-answers': 'invalid_value',
  'non-finite': 'engine_failed',
  'engine-failed': 'engine_failed',
  'deadline-exceeded': 'server_is_overloaded',
}

/** A path, of whatever system: what names one speaks of this machine and not of a request. */
const PLACE = /(?:^|[\s"'`(=:])(?:\/[\w.@-]|[A-Za-z]:[\\/]|\\\\|file:|\.\.?[\\/])/

/** What a client is told of an error: the messages of ours that speak of its request, of others only that there was one. */
export function problemOf(error: unknown): Problem {
  if (error instanceof HTTPException && error.cause !== undefined) return error.cause as Problem
  if (!(error instanceof PalignError)) return { code: 'internal_error', message: 'the server failed; its log says why' }
  const found = OF_ERRORS[error.code] ?? 'internal_error'
  const isShown = found === 'persona_incompatible' || found === 'invalid_value'
  const code = isShown && PLACE.test(error.message) ? 'internal_error' : found
  if (code === 'persona_incompatible') return { code, param: 'persona', message: error.message }
  if (code === 'invalid_value') return { code, message: error.message }
  if (code === 'engine_failed') return { code, message: 'the model gave no usable answer' }
  // The time is up for this request; the same one again would take as long.
  if (code === 'server_is_overloaded') {
    return { code, message: 'the request took longer than this server allows', headers: { 'x-should-retry': 'false' } }
  }
  return { code, message: 'the server failed; its log says why' }
}

/** Whether it is the server's fault, and not told in full to the client. What was aborted is nobody's: its client has gone. */
export function isFailure(error: unknown): boolean {
  if (error instanceof PalignError ? error.code === 'aborted' : (error as Error | undefined)?.name === 'AbortError') return false
  const { code } = problemOf(error)
  return code === 'internal_error' || code === 'engine_failed'
}
