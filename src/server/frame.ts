/**
 * @file What stands around every route: the number of a request, the guard, the key, sizes, the log, and one shape for everything that goes wrong. The
 * order matters: what has not passed the guard and the key learns nothing, not even which routes there are.
 */
import { randomUUID } from 'node:crypto'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { type AuthenticationOptions, authentication } from './authenticate.ts'
import { type Caller, requireScope } from './caller.ts'
import { type GuardOptions, guard } from './guard.ts'
import type { Metrics } from './metrics.ts'
import { isFailure, type Problem, problemOf, problemResponse, refusal } from './problems.ts'
import type { RateLimits } from './rate-limits.ts'
import { type Log, logRequest, SILENT } from './request-log.ts'
import { requestRecord } from './request-record.ts'
import { notePattern, type Route } from './route.ts'
import { inTurns } from './turns.ts'

export interface FrameOptions extends GuardOptions, AuthenticationOptions {
  readonly log?: Log | undefined
  /** Told of failures that clients are not told of; default: the log. */
  readonly onFailure?: ((error: unknown) => void) | undefined
}

const MOST_BODY_BYTES = 4 << 20

/** An application without routes. */
export function frame(options: FrameOptions, metrics?: Metrics): Hono {
  const { log = SILENT, onFailure = failureLog(log) } = options
  const app = new Hono({ strict: true })
  app.use(inTurns())
  app.use(recorded(log, metrics))
  app.use(guard(options))
  app.use(authentication(options))
  app.use(
    bodyLimit({
      maxSize: MOST_BODY_BYTES,
      onError: () => {
        throw refusal({ code: 'request_too_large', message: `body has more than ${MOST_BODY_BYTES} bytes` })
      },
    }),
  )
  app.notFound(() => problemResponse({ code: 'route_not_found', message: 'route does not exist' }))
  app.onError((error) => {
    if (isFailure(error)) onFailure(error)
    return problemResponse(problemOf(error))
  })
  return app
}

export interface MountOptions {
  readonly limits: RateLimits
}

/** Routes, and for each of their paths an answer to methods that it has not. */
export function mount(app: Hono, routes: readonly Route[], { limits }: MountOptions): void {
  for (const { method, path, scopes, isOpen, isMetered, handler } of routes) {
    const before: MiddlewareHandler[] = [notePattern(path)]
    if (isOpen !== true) before.push(requireScope(...scopes))
    if (isMetered) before.push(metered(limits))
    app.on([method], [path], ...before, handler)
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    const methods = routes.filter((route) => route.path === path).map(({ method }) => method)
    const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ')
    app.all(path, notePattern(path), (c) => {
      if (c.req.method === 'OPTIONS') return c.body(null, 204, { allow })
      throw refusal({ code: 'method_not_allowed', message: 'method is not allowed here', headers: { allow } })
    })
  }
}

const metered =
  (limits: RateLimits): MiddlewareHandler =>
  async (c, next) => {
    Object.assign(c.get('record').headers, await limits.countRequest(c.get('caller')))
    await next()
  }

/** Ids of others are kept where they are such that a log may hold them. */
const REQUEST_ID = /^[A-Za-z0-9_.-]{1,64}$/

function recorded(log: Log, metrics: Metrics | undefined): MiddlewareHandler {
  return async (c, next) => {
    const given = c.req.header('x-request-id')
    const record = requestRecord(given !== undefined && REQUEST_ID.test(given) ? given : randomUUID())
    c.set('record', record)
    await next()
    for (const [name, value] of Object.entries({ ...record.headers, 'x-request-id': record.id })) {
      // A refusal's own headers say what was refused.
      if (c.error === undefined || c.res.headers.get(name) === null) c.res.headers.set(name, value)
    }
    c.res.headers.set('x-content-type-options', 'nosniff')
    const { status } = c.res
    const ended = (end: Awaited<NonNullable<typeof record.stream>> | undefined) => {
      logRequest(log, { record, method: c.req.method, status, caller: callerOf(c), end, isGone: c.req.raw.signal.aborted })
      metrics?.observe(record, status)
    }
    if (record.stream === undefined) ended(undefined)
    else void record.stream.then(ended)
  }
}

/** Undefined where the request did not come that far. */
const callerOf = (c: Context) => c.get('caller') as Caller | undefined

/** Messages of ours name files and numbers of this machine, never what was asked. */
export function failureLog(log: Log): (error: unknown) => void {
  return (error) => {
    const { name, message, stack, code } = error as Error & { code?: string }
    log.error({ error: { name, message, code, stack } }, 'failure')
  }
}

/** Until there is a model. */
export function loadingApp(options: FrameOptions): Hono {
  const problem: Problem = { code: 'model_loading', message: 'the model is loading', headers: { 'retry-after': '2' } }
  const app = frame(options)
  app.all('*', () => problemResponse(problem))
  return app
}
