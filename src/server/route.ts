/** @file A route as data: what the server mounts and what /openapi.json says come from the same place. */
import type { Context, Handler } from 'hono'
import type { z } from 'zod'
import type { Scope } from './scopes.ts'
import type { Services } from './work.ts'

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** As Hono writes it: `/v1/models/:id`. */
  readonly path: string
  readonly summary: string
  /** Any of them opens it; none: whoever has a key. */
  readonly scopes: readonly Scope[]
  /** Answers without a key. */
  readonly isOpen?: true | undefined
  /** Counts as a request of its key. */
  readonly isMetered?: true | undefined
  readonly body?: z.ZodType | undefined
  /** The answer as JSON, or what it is instead. */
  readonly answer: z.ZodType | { readonly type: string }
  /** Of an answer that is none of the refusals; default 200. */
  readonly status?: 200 | 201 | 202 | undefined
  /** Parameters behind the path. */
  readonly query?: Readonly<Record<string, string>> | undefined
  /** Chunks of the answer, where it can be streamed. */
  readonly chunk?: z.ZodType | undefined
  readonly handler: Handler
}

/** Routes of one subject over what the server shares. */
export type RouteModule = (services: Services) => readonly Route[]

/** The path without parameters' patterns, as documents name it: `/v1/models/{id}`. */
export const documentedPath = (path: string) => path.replace(/:([a-z]+)(?:\{[^}]*\})?/gi, '{$1}')

export const notePattern = (path: string) => async (c: Context, next: () => Promise<void>) => {
  c.get('record').route = documentedPath(path)
  await next()
}
