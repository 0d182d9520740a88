/** @file A socket for an application: bounds on what comes before a request is one, and an end that lets answers in flight finish. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { serve } from '@hono/node-server'
import { PalignError } from '../errors.ts'
import { problemBody, problemResponse } from './problems.ts'

const MOST_HEADER_BYTES = 16 << 10
const HEADER_MS = 15_000
/** For a whole request to arrive, its body too; what slow senders hold open is a socket. */
const ARRIVAL_MS = 60_000
/** Between looks at connections that have become idle while the server stops. */
const IDLE_LOOK_MS = 50
/** For errors of answers that were cut to reach their clients. */
const LAST_WORDS_MS = 2000

type Fetch = (request: Request, env: object) => Response | Promise<Response>

export interface Listening {
  /** Without the path of a route. */
  readonly url: string
  /** From now on requests go there. */
  replace(fetch: Fetch): void
  /** Takes nothing new, waits for what is in flight, and after `graceMs` cuts it: `cut` first, so that answers can say so. */
  close(options: { readonly graceMs: number; readonly cut: () => void }): Promise<void>
}

/** @throws PalignError `invalid-input` where the address is taken or is none of this machine */
export async function listen(fetch: Fetch, { host, port }: { readonly host: string; readonly port: number }): Promise<Listening> {
  let current = fetch
  const server = serve({
    fetch: (request, env) => current(request, env),
    hostname: host,
    port,
    serverOptions: { maxHeaderSize: MOST_HEADER_BYTES, headersTimeout: HEADER_MS, requestTimeout: ARRIVAL_MS },
  }) as Server
  server.on('clientError', refuseUnread)
  await once(server, 'listening').catch((cause: NodeJS.ErrnoException) => {
    throw new PalignError('invalid-input', `port ${port} of ${host} cannot be listened on: ${cause.code}`, {
      cause,
      hint:
        cause.code === 'EADDRINUSE'
          ? 'something listens there already: stop it, or give another --port'
          : 'give another --host or --port',
    })
  })
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    replace(next) {
      current = next
    },
    async close({ graceMs, cut }) {
      const closed = once(server, 'close')
      // Connections that are kept alive would bring requests as long as they live.
      current = () =>
        problemResponse({
          code: 'server_is_overloaded',
          message: 'the server is stopping',
          headers: { connection: 'close', 'retry-after': '5' },
        })
      server.close()
      const look = setInterval(() => server.closeIdleConnections(), IDLE_LOOK_MS)
      const left = new AbortController()
      const tooLong = async () => {
        await sleep(graceMs, undefined, { signal: left.signal })
        cut()
        await sleep(LAST_WORDS_MS, undefined, { signal: left.signal })
        server.closeAllConnections()
      }
      const grace = tooLong().catch(() => undefined)
      await closed
      clearInterval(look)
      left.abort()
      await grace
    },
  }
}

const UNREAD: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }

/** What is no request, in the shape of every other refusal. */
function refuseUnread(error: NodeJS.ErrnoException, socket: Socket & { readonly _httpMessage?: IncomingMessage }): void {
  // An answer that has begun cannot be followed by another.
  if (error.code === 'ECONNRESET' || !socket.writable || socket._httpMessage !== undefined) {
    socket.destroy()
    return
  }
  const status = UNREAD[error.code ?? ''] ?? 400
  const message = status === 431 ? `header has more than ${MOST_HEADER_BYTES} bytes` : 'what was sent is no request'
  const body = JSON.stringify(problemBody({ code: status === 431 ? 'request_too_large' : 'invalid_value', message }))
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'connection: close',
    'content-type: application/json',
    'x-should-retry: false',
    `x-request-id: ${randomUUID()}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
