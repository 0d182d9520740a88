/** @file What the server says of itself: whether it is up, what it serves, its load, its routes. */
import { packageVersion } from '../node/package-version.ts'
import { healthAnswer, propsAnswer } from './answer-schemas.ts'
import type { Metrics } from './metrics.ts'
import { openApi } from './openapi.ts'
import { LARGEST_ALPHA, MOST_PERSONAS } from './persona-shelf.ts'
import type { Route } from './route.ts'
import type { Services } from './work.ts'

export interface StatusOptions extends Pick<Services, 'model' | 'name' | 'shelf'> {
  readonly metrics: Metrics
  /** The other routes. */
  readonly routes: readonly Route[]
}

export function statusRoutes({ model, name, shelf, metrics, routes }: StatusOptions): readonly Route[] {
  let document: object | undefined
  const own: Route[] = [
    {
      method: 'GET',
      path: '/health',
      summary: 'whether the model is loaded',
      scopes: [],
      isOpen: true,
      answer: healthAnswer,
      handler: (c) => c.json({ status: 'ok' }),
    },
    {
      method: 'GET',
      path: '/metrics',
      summary: 'what Prometheus reads',
      scopes: ['admin'],
      answer: { type: metrics.contentType },
      handler: async (c) => c.body(await metrics.text(), 200, { 'content-type': metrics.contentType }),
    },
    {
      method: 'GET',
      path: '/props',
      summary: 'the model, and what requests may ask of it',
      scopes: [],
      answer: propsAnswer,
      handler: (c) => {
        const { contextLength, vocabSize, layers, heads } = model.shape
        return c.json({
          version: packageVersion(),
          model: {
            id: name,
            fingerprint: model.fingerprint,
            context_length: contextLength,
            vocab_size: vocabSize,
            layers,
            heads,
          },
          personas: { loaded: shelf.size, most_per_request: MOST_PERSONAS, largest_alpha: LARGEST_ALPHA },
          chat_template: 'fixed',
        })
      },
    },
    {
      method: 'GET',
      path: '/openapi.json',
      summary: 'this document',
      scopes: [],
      answer: { type: 'application/json' },
      handler: (c) => {
        document ??= openApi([...routes, ...own])
        return c.json(document)
      },
    },
  ]
  return own
}
