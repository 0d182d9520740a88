/** @file What is written down of a request while it is served, for the log and the metrics: counts and names, never what was said. */

export interface RequestRecord {
  readonly id: string
  /** Of the monotonic clock, milliseconds. */
  readonly started: number
  /** Path of the route as it is declared; what no route has is not kept. */
  route: string
  personas: readonly string[]
  promptTokens: number
  completionTokens: number
  /** When the first and the last token came. */
  firstToken: number | undefined
  lastToken: number | undefined
  /** Set on the response, errors too. */
  readonly headers: Record<string, string>
  /** Of an answer that goes on after its status was sent. */
  stream: Promise<StreamEnd> | undefined
}

export type StreamEnd = 'done' | 'failed' | 'aborted'

export function requestRecord(id: string): RequestRecord {
  return {
    id,
    started: performance.now(),
    route: 'none',
    personas: [],
    promptTokens: 0,
    completionTokens: 0,
    firstToken: undefined,
    lastToken: undefined,
    headers: {},
    stream: undefined,
  }
}

export function countToken(record: RequestRecord): void {
  record.completionTokens++
  record.lastToken = performance.now()
  record.firstToken ??= record.lastToken
}

declare module 'hono' {
  interface ContextVariableMap {
    record: RequestRecord
  }
}
