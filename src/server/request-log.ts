/** @file One line for each request, and one for each persona that is loaded: counts and names. What was asked and answered, keys and queries are never in it. */
import type { Caller } from './caller.ts'
import type { ShelvedPersona } from './persona-shelf.ts'
import type { RequestRecord, StreamEnd } from './request-record.ts'

/** The part of pino that is used here. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined }

export interface LoggedRequest {
  readonly record: RequestRecord
  readonly method: string
  readonly status: number
  readonly caller: Caller | undefined
  readonly end: StreamEnd | undefined
  /** The client went before it had its answer. */
  readonly isGone: boolean
}

const KNOWN_METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

export function logRequest(log: Log, { record, method, status, caller, end, isGone }: LoggedRequest): void {
  log.info(
    {
      request: record.id,
      method: KNOWN_METHODS.includes(method) ? method : 'other',
      route: record.route,
      status,
      ms: Math.round(performance.now() - record.started),
      key: caller?.keyId ?? null,
      ...(record.promptTokens > 0 && { promptTokens: record.promptTokens, completionTokens: record.completionTokens }),
      ...(record.personas.length > 0 && { personas: record.personas }),
      ...(end !== undefined && { stream: end }),
      ...(isGone && { client: 'gone' }),
    },
    'request',
  )
}

/** Who acts on answers, and from which content: the trail that a persona leaves. */
export function logPersona(log: Log, { id, root, persona, failed }: ShelvedPersona, owner?: string): void {
  const about = { persona: id, root, kind: persona.kind, ...('method' in persona && { method: persona.method }) }
  if (failed === undefined) log.info({ ...about, ...(owner !== undefined && { owner }) }, 'persona loaded')
  else log.warn({ ...about, ...(owner !== undefined && { owner }), reason: failed }, 'persona refused')
}
