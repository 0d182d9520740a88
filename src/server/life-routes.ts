/** @file The life of a persona as routes: respondents, jobs, personas. With a model behind them, or over a store alone, as the command line uses them. */
import type { Context, Hono } from 'hono'
import { failureLog, frame, mount } from './frame.ts'
import type { Life } from './life-access.ts'
import { type EventServices, jobEventRoutes } from './life-job-events.ts'
import { type JobRouteOptions, jobRoutes } from './life-jobs.ts'
import { type PersonaRouteOptions, personaRoutes } from './life-personas.ts'
import { respondentRoutes } from './life-respondents.ts'
import { problemResponse } from './problems.ts'
import { rateLimits } from './rate-limits.ts'
import { type Log, SILENT } from './request-log.ts'
import type { Route, RouteModule } from './route.ts'
import { DEFAULT_TIMES } from './work.ts'

export type { Life } from './life-access.ts'

export const lifeModule =
  (life: Life): RouteModule =>
  ({ model, shelf, ...services }) =>
    routesOf(life, {
      ...services,
      fingerprint: model.fingerprint,
      isShared: shelf.isShared,
      failureOf: shelf.failureOf,
      forgetGone: shelf.forgetGone,
    })

interface RouteOptions extends JobRouteOptions, EventServices, PersonaRouteOptions {}

function routesOf(life: Life, options: RouteOptions): readonly Route[] {
  return [
    ...respondentRoutes(life, options),
    ...jobRoutes(life, options),
    ...jobEventRoutes(life, options),
    ...personaRoutes(life, options),
  ]
}

/** These routes alone, for whoever has the store itself: nobody listens, and no key is asked for. */
export function storeApp(life: Life, log: Log = SILENT): Hono {
  const app = frame({ hosts: undefined, origins: [], log })
  const options: RouteOptions = {
    ...{ fingerprint: undefined, isShared: () => false, failureOf: async () => undefined },
    forgetGone: async () => undefined,
    ...{ times: DEFAULT_TIMES, onFailure: failureLog(log), stopping: undefined },
  }
  mount(app, routesOf(life, options), { limits: rateLimits() })
  return app
}

/** Where nothing is kept. */
export const notKept = (_: Context): Response =>
  problemResponse({
    code: 'route_not_found',
    message: 'route does not exist: this server keeps no answers and makes no personas; palign serve --store FOLDER does',
  })
