/** @file Who asks: a key and what it may do. Every route says which scopes open it. */
import type { MiddlewareHandler } from 'hono'
import { refusal } from './problems.ts'
import { SCOPES, type Scope } from './scopes.ts'

export interface KeyLimits {
  readonly requestsPerMinute?: number | undefined
  readonly tokensPerMinute?: number | undefined
  /** Requests at once, those that wait among them. */
  readonly concurrency?: number | undefined
}

export interface Caller {
  /** Undefined where no key is asked for. */
  readonly keyId: string | undefined
  readonly scopes: readonly Scope[]
  readonly limits: KeyLimits
}

/** Whoever reaches a server that asks for no key: it listens on this machine only. */
export const ANYONE: Caller = { keyId: undefined, scopes: SCOPES, limits: {} }

/** Whose things the caller makes and sees. */
export const ownerOf = ({ keyId }: Caller) => keyId ?? 'local'

declare module 'hono' {
  interface ContextVariableMap {
    caller: Caller
  }
}

/** Admission to a route for callers with one of the scopes; `admin` opens everything, and no scope at all means any caller. */
export function requireScope(...anyOf: readonly Scope[]): MiddlewareHandler {
  return async (c, next) => {
    if (!holdsScope(c.get('caller'), anyOf)) {
      throw refusal({ code: 'insufficient_scope', message: `key has no scope ${anyOf.join(' or ')}, which this route needs` })
    }
    await next()
  }
}

export function holdsScope({ scopes }: Caller, anyOf: readonly Scope[]): boolean {
  return anyOf.length === 0 || scopes.includes('admin') || anyOf.some((scope) => scopes.includes(scope))
}
