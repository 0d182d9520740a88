/** @file The server as one handler of requests: routes of the OpenAI API over one model and its personas. It opens no socket. */
import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import type { LanguageModel } from '../model/language-model.ts'
import { admission } from './admission.ts'
import { chatRoute } from './chat-route.ts'
import { type GuardOptions, guard } from './guard.ts'
import { type ShelvedPersona, shelve } from './persona-shelf.ts'
import { problemOf, problemResponse, refusal } from './problems.ts'

export interface AppOptions extends GuardOptions {
  readonly model: LanguageModel
  /** What the base model is called. */
  readonly name: string
  readonly personas: readonly ShelvedPersona[]
  /** Requests computed at once, and waiting; default 8 and 64. */
  readonly running?: number | undefined
  readonly waiting?: number | undefined
  /** Told of failures that clients are not told of. */
  readonly onFailure?: ((error: unknown) => void) | undefined
}

const MOST_BODY_BYTES = 4 << 20
const METHODS: Readonly<Record<string, string>> = {
  '/health': 'GET',
  '/v1/models': 'GET',
  '/v1/chat/completions': 'POST',
}

/** @throws PalignError as `shelve` does */
export function serverApp(options: AppOptions): Hono {
  const { model, name, personas, running = 8, waiting = 64, onFailure = () => undefined } = options
  const shelf = shelve(personas, model)
  const started = Math.floor(Date.now() / 1000)
  const app = new Hono({ strict: true })

  app.use(async (c, next) => {
    await next()
    c.res.headers.set('x-request-id', randomUUID())
  })
  app.use(guard(options))
  app.use(
    bodyLimit({
      maxSize: MOST_BODY_BYTES,
      onError: () => {
        throw refusal({ code: 'request_too_large', message: `body has more than ${MOST_BODY_BYTES} bytes` })
      },
    }),
  )

  app.get('/health', (c) => c.json({ status: 'ok' }))

  const listed = [
    { id: name, object: 'model', created: started, owned_by: 'palign', root: model.fingerprint, parent: null },
    ...Array.from(shelf.values(), ({ id, root, persona }) => ({
      id: `${name}@${id}`,
      object: 'model',
      created: started,
      owned_by: 'palign',
      root,
      parent: name,
      palign: {
        kind: persona.kind,
        ...('method' in persona && { method: persona.method }),
        ...('alpha' in persona && { alpha: persona.alpha }),
      },
    })),
  ]
  app.get('/v1/models', (c) => c.json({ object: 'list', data: listed }))
  app.get('/v1/models/:id', (c) => {
    const found = listed.find(({ id }) => id === c.req.param('id'))
    if (found === undefined) throw refusal({ code: 'model_not_found', param: 'model', message: 'model does not exist' })
    return c.json(found)
  })
  app.post('/v1/chat/completions', chatRoute({ model, name, shelf, admission: admission({ running, waiting }), onFailure }))

  app.notFound((c) => {
    const allowed = METHODS[c.req.path]
    if (allowed === undefined || allowed === c.req.method)
      return problemResponse({ code: 'route_not_found', message: 'route does not exist' })
    return problemResponse({
      code: 'method_not_allowed',
      message: `method ${c.req.method} is not allowed here`,
      headers: { allow: allowed },
    })
  })
  app.onError((error) => {
    if (error instanceof HTTPException) return error.getResponse()
    const problem = problemOf(error)
    if (problem.code === 'internal_error' || problem.code === 'engine_failed') onFailure(error)
    return problemResponse(problem)
  })
  return app
}
