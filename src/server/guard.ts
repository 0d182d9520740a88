/**
 * @file From where one may ask: names by which this server may be called (a page on the web that rebinds its name to this machine is none), and pages
 * that may ask from a browser. Before everything else, for every route.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { refusal } from './problems.ts'

export interface GuardOptions {
  /** Names of this server, without ports; undefined for any, where a key is asked for. */
  readonly hosts: readonly string[] | undefined
  /** Origins of pages that may ask, beside those that this server sends itself; none by default. */
  readonly origins: readonly string[]
}

export const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]'] as const

/** What clients of the OpenAI API send from a browser, and ours. */
export const ALLOWED_HEADERS = [
  'authorization',
  'content-type',
  'x-persona',
  'x-request-id',
  'openai-organization',
  'openai-project',
  'openai-beta',
  'x-stainless-lang',
  'x-stainless-package-version',
  'x-stainless-os',
  'x-stainless-arch',
  'x-stainless-runtime',
  'x-stainless-runtime-version',
  'x-stainless-retry-count',
  'x-stainless-timeout',
  'x-stainless-helper-method',
  'x-stainless-poll-helper',
  'x-stainless-custom-poll-interval',
] as const

const EXPOSED_HEADERS = [
  'x-request-id',
  'x-persona-id',
  'x-persona-warning',
  'x-persona-sha256',
  'content-disposition',
  'retry-after',
  'x-should-retry',
  ...['limit', 'remaining', 'reset'].flatMap((what) => ['requests', 'tokens'].map((kind) => `x-ratelimit-${what}-${kind}`)),
]
const PREFLIGHT_SECONDS = 600

export function guard({ hosts, origins }: GuardOptions): MiddlewareHandler {
  return async (c, next) => {
    const host = c.req.header('host')?.toLowerCase()
    const name = hostName(host)
    if (name === undefined || (hosts !== undefined && !hosts.includes(name))) {
      throw refusal({ code: 'forbidden_host', message: 'header Host names another server' })
    }
    const origin = c.req.header('origin')
    if (origin === undefined || isOwn(origin, host)) return next()
    if (!origins.includes(origin)) {
      throw refusal({ code: 'forbidden_host', message: 'header Origin names a page that may not ask' })
    }
    const { headers } = c.get('record')
    headers['access-control-allow-origin'] = origin
    headers['access-control-expose-headers'] = EXPOSED_HEADERS.join(', ')
    headers.vary = 'Origin'
    if (isPreflight(c)) return preflightAnswer(c)
    return next()
  }
}

/** A browser asks whether it may ask, and brings no key to that. */
const isPreflight = (c: Context) => c.req.method === 'OPTIONS' && c.req.header('access-control-request-method') !== undefined

function preflightAnswer(c: Context): Response {
  return c.body(null, 204, {
    'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
    'access-control-allow-headers': ALLOWED_HEADERS.join(', '),
    'access-control-max-age': String(PREFLIGHT_SECONDS),
    // A page of the web that asks a server on this machine: browsers want this said.
    ...(c.req.header('access-control-request-private-network') === 'true' && { 'access-control-allow-private-network': 'true' }),
  })
}

/** A page that this server sent, whether or not something before it speaks TLS. */
function isOwn(origin: string, host: string | undefined): boolean {
  return /^https?:\/\//.test(origin) && origin.replace(/^https?:\/\//, '').toLowerCase() === host
}

/** Without the port; undefined for what is no host. */
function hostName(header: string | undefined): string | undefined {
  return /^([a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/.exec(header ?? '')?.[1]
}
