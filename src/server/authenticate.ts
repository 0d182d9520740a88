/** @file Who asks: the key of a request, or nobody's where none is asked for. Before every route but the one that says whether the server is up. */
import { timingSafeEqual } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { ANYONE, type Caller } from './caller.ts'
import { hashOfKey, type KeyRing } from './keys.ts'
import { refusal } from './problems.ts'
import { SCOPES } from './scopes.ts'

export interface AuthenticationOptions {
  /** One key that may do everything. */
  readonly apiKey?: string | undefined
  /** Keys with scopes and limits of their own. */
  readonly keys?: KeyRing | undefined
}

/** The caller of the key that `authorization` brings; undefined where it is missing or none that is known. */
type Authenticate = (authorization: string | undefined) => Promise<Caller | undefined>

/** Tells nothing of a model or a key. */
const OPEN_PATH = '/health'

export function authentication(options: AuthenticationOptions): MiddlewareHandler {
  const authenticate = authenticator(options)
  return async (c, next) => {
    const caller = await authenticate(c.req.header('authorization'))
    if (caller === undefined && c.req.path !== OPEN_PATH) {
      throw refusal({
        code: 'invalid_api_key',
        message: 'API key is missing or wrong',
        headers: { 'www-authenticate': 'Bearer' },
      })
    }
    c.set('caller', caller ?? { keyId: undefined, scopes: [], limits: {} })
    await next()
  }
}

function authenticator({ apiKey, keys }: AuthenticationOptions): Authenticate {
  if (apiKey === undefined && keys === undefined) return async () => ANYONE
  const owner: Caller = { keyId: 'api-key', scopes: SCOPES, limits: {} }
  const expected = apiKey === undefined ? undefined : hashOfKey(apiKey)
  return async (authorization) => {
    const given = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1]
    if (given === undefined) return undefined
    const hash = hashOfKey(given)
    // Hashes of one length are compared, all of each, and the ring is asked in any case: time tells nothing.
    const isOwner = expected !== undefined && timingSafeEqual(hash, expected)
    const stored = await keys?.find(hash)
    if (isOwner) return owner
    return stored && { keyId: stored.id, scopes: stored.scopes, limits: stored.limits ?? {} }
  }
}
