/** @file The server as one handler of requests: routes of the OpenAI API over one model and its personas. It opens no socket. */
import type { Hono } from 'hono'
import { PalignError } from '../errors.ts'
import type { LanguageModel } from '../model/language-model.ts'
import { admission } from './admission.ts'
import type { KeyLimits } from './caller.ts'
import { type FrameOptions, failureLog, frame, mount } from './frame.ts'
import { generationRoutes } from './generation-routes.ts'
import { type Life, lifeModule, notKept } from './life-routes.ts'
import { type Gauges, metrics } from './metrics.ts'
import { modelRoutes } from './model-routes.ts'
import { type ShelvedPersona, shelve } from './persona-shelf.ts'
import { rateLimits } from './rate-limits.ts'
import { logPersona, SILENT } from './request-log.ts'
import type { RouteModule } from './route.ts'
import { personaShelf } from './shelf.ts'
import { statusRoutes } from './status-routes.ts'
import { tokenRoutes } from './token-routes.ts'
import { DEFAULT_TIMES, type RequestTimes, type Services } from './work.ts'

export interface AppOptions extends FrameOptions {
  readonly model: LanguageModel
  /** What the base model is called. */
  readonly name: string
  readonly personas: readonly ShelvedPersona[]
  /** Applies personas of another model with the same layers and heads; every answer is marked. Default false. */
  readonly allowModelMismatch?: boolean | undefined
  /** Requests computed at once, and waiting; default 64 each. */
  readonly running?: number | undefined
  readonly waiting?: number | undefined
  /** Of keys that have none of their own. */
  readonly keyLimits?: KeyLimits | undefined
  readonly times?: Partial<RequestTimes> | undefined
  readonly gauges?: Gauges | undefined
  /** Cuts answers under way: each says so and ends. */
  readonly stopping?: AbortSignal | undefined
  /** Where answers, jobs and personas of callers are kept; default nowhere, and then there are no routes for them. */
  readonly life?: Life | undefined
  /** Further routes. */
  readonly modules?: readonly RouteModule[] | undefined
}

const DEFAULT_RUNNING = 64
const DEFAULT_WAITING = 64

/** @throws PalignError as `shelve` does, and for a name that requests could not say */
export function serverApp(options: AppOptions): Hono {
  const {
    model,
    name,
    personas,
    running = DEFAULT_RUNNING,
    waiting = DEFAULT_WAITING,
    log = SILENT,
    modules = [],
    life,
    allowModelMismatch,
  } = options
  if (!/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/.test(name)) {
    throw new PalignError('invalid-input', `model has the name ${JSON.stringify(name)}, expected letters, digits and . _ : / -`, {
      hint: 'give another --name',
    })
  }
  const places = admission({ running, waiting })
  const observed = metrics(places.load, { ...(life && { jobs: () => life.jobs.counts() }), ...options.gauges })
  const limits = rateLimits(options.keyLimits)
  const services: Services = {
    model,
    name,
    shelf: personaShelf({
      shared: shelve(personas, model, { allowModelMismatch }),
      model,
      records: life?.records,
      log,
      allowModelMismatch,
    }),
    allowModelMismatch,
    admission: places,
    limits,
    times: { ...DEFAULT_TIMES, ...options.times },
    stopping: options.stopping,
    onFailure: options.onFailure ?? failureLog(log),
  }
  for (const persona of personas) logPersona(log, persona)
  const kept = life === undefined ? [] : [lifeModule(life)]
  const routes = [modelRoutes, generationRoutes, tokenRoutes, ...kept, ...modules].flatMap((module) => module(services))
  const app = frame(options, observed)
  if (life === undefined) app.all('/api/*', notKept)
  mount(app, [...routes, ...statusRoutes({ ...services, metrics: observed, routes })], { limits })
  return app
}
