/** @file The one error of the client: what the server answered in place of an answer, or why no whole answer came. */

/** Codes that the server gives, and the four that this client adds for answers that did not come whole. Others may follow. */
export type ApiErrorCode =
  | 'invalid_json'
  | 'invalid_type'
  | 'invalid_value'
  | 'missing_required_parameter'
  | 'unsupported_value'
  | 'context_length_exceeded'
  | 'persona_incompatible'
  | 'forbidden_host'
  | 'invalid_api_key'
  | 'insufficient_scope'
  | 'model_not_found'
  | 'persona_not_found'
  | 'respondent_not_found'
  | 'job_not_found'
  | 'route_not_found'
  | 'method_not_allowed'
  | 'request_too_large'
  | 'unsupported_media_type'
  | 'rate_limit_exceeded'
  | 'internal_error'
  | 'engine_failed'
  | 'model_loading'
  | 'persona_not_ready'
  | 'server_is_overloaded'
  /** No connection, or one that broke. */
  | 'connection_failed'
  /** A stream that ended before every choice had a reason to end. */
  | 'stream_incomplete'
  /** An answer that is not what the route promises. */
  | 'invalid_response'
  /** An event of a stream over the limit of length. */
  | 'event_too_long'
  | (string & Record<never, never>)

export interface ApiErrorFacts {
  readonly message: string
  /** The HTTP status: 200 where a stream broke after it had begun, undefined where no response came. */
  readonly status?: number | undefined
  readonly code?: ApiErrorCode | undefined
  /** As the server says: `invalid_request_error`, `rate_limit_error`, `server_error`; `client_error` for what this client found. */
  readonly type?: string | undefined
  /** Path of the field that is wrong, such as `messages.3.content`. */
  readonly param?: string | undefined
  /** What the server's log calls the request. */
  readonly requestId?: string | undefined
  /** Seconds to wait before another try, where the server says. */
  readonly retryAfter?: number | undefined
  /** What the server says about another try; undefined where it says nothing. */
  readonly shouldRetry?: boolean | undefined
  readonly cause?: unknown
}

/** Everything that goes wrong but an abort, which throws the reason of its signal. */
export class PalignApiError extends Error {
  readonly status: number | undefined
  readonly code: ApiErrorCode | undefined
  readonly type: string
  readonly param: string | undefined
  readonly requestId: string | undefined
  readonly retryAfter: number | undefined
  readonly shouldRetry: boolean | undefined

  constructor(facts: ApiErrorFacts) {
    super(facts.message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.name = 'PalignApiError'
    this.status = facts.status
    this.code = facts.code
    this.type = facts.type ?? 'client_error'
    this.param = facts.param
    this.requestId = facts.requestId
    this.retryAfter = facts.retryAfter
    this.shouldRetry = facts.shouldRetry
  }
}

/** What the headers of a response add to an error. */
export function headerFacts({ status, headers }: Response): Omit<ApiErrorFacts, 'message'> {
  const should = headers.get('x-should-retry')
  return {
    status,
    requestId: headers.get('x-request-id') ?? undefined,
    retryAfter: secondsOf(headers.get('retry-after')),
    shouldRetry: should === null ? undefined : should === 'true',
  }
}

/** `{ error: { message, type, param, code } }`; undefined for a body of another shape. */
export function bodyFacts(body: unknown): ApiErrorFacts | undefined {
  if (!isObject(body) || !isObject(body.error)) return undefined
  const { message, type, param, code } = body.error
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return {
    message: text(message) ?? 'server gave an error without a message',
    type: text(type),
    param: text(param),
    code: text(code),
  }
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** undefined for what is no JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The header counts seconds or names a date. */
function secondsOf(header: string | null): number | undefined {
  if (header === null) return undefined
  const seconds = /^\d+(\.\d+)?$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds)
}
