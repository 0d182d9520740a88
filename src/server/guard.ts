/**
 * @file Who may ask: names by which this server may be called (a page on the web that rebinds its name to this machine is none), and the key. The first
 * middleware of all, for every route.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { refusal } from './problems.ts'

export interface GuardOptions {
  /** Names of this server, without ports; undefined for any, where a key is asked for. */
  readonly hosts: readonly string[] | undefined
  /** Origins of pages that may ask; none by default. */
  readonly origins: readonly string[]
  readonly apiKey: string | undefined
}

export const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]'] as const

export function guard({ hosts, origins, apiKey }: GuardOptions): MiddlewareHandler {
  const expected = apiKey === undefined ? undefined : sha256(apiKey)
  return async (c, next) => {
    const host = hostName(c.req.header('host'))
    if (host === undefined || (hosts !== undefined && !hosts.includes(host))) {
      throw refusal({ code: 'forbidden_host', message: 'header Host names another server' })
    }
    const origin = c.req.header('origin')
    if (origin !== undefined && !origins.includes(origin)) {
      throw refusal({ code: 'forbidden_host', message: 'header Origin names a page that may not ask' })
    }
    if (expected !== undefined && c.req.path !== '/health') {
      const given = /^Bearer ([\x21-\x7e]{1,512})$/.exec(c.req.header('authorization') ?? '')?.[1]
      if (given === undefined || !timingSafeEqual(sha256(given), expected)) {
        throw refusal({
          code: 'invalid_api_key',
          message: 'API key is missing or wrong',
          headers: { 'www-authenticate': 'Bearer' },
        })
      }
    }
    await next()
  }
}

/** Without the port; undefined for what is no host. */
function hostName(header: string | undefined): string | undefined {
  return /^([a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/i.exec(header ?? '')?.[1]?.toLowerCase()
}

const sha256 = (text: string) => createHash('sha256').update(text).digest()
