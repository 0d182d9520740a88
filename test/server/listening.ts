/** @file An app behind a real socket, as clients see it. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import { serve } from '@hono/node-server'
import type { Hono } from 'hono'
import { type AppOptions, serverApp } from '../../src/server/app.ts'
import type { StoredKey } from '../../src/server/keys.ts'
import { scriptedModel } from '../fixtures/scripted-model.ts'

export interface Listening {
  /** With /v1. */
  readonly url: string
  readonly close: () => Promise<void>
}

export async function listening(app: Hono): Promise<Listening> {
  return bound(serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }) as Server)
}

/** A server that was told to listen on this machine. */
export async function bound(server: Server): Promise<Listening> {
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}/v1`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The server over a scripted model called `echo`, with one persona called `calm`. */
export const scriptedApp = (options: Partial<AppOptions> = {}): Hono =>
  serverApp({
    model: scriptedModel(),
    name: 'echo',
    personas: [{ id: 'calm', persona: { kind: 'prompt', method: 'few-shot', system: 'You are calm.' }, root: 'r' }],
    hosts: ['127.0.0.1'],
    origins: [],
    apiKey: undefined,
    ...options,
  })

/** A key that may look at personas and do nothing else. */
export const looking: StoredKey = {
  id: 'key_1',
  name: 'looking',
  hash: '0'.repeat(64),
  scopes: ['personas:read'],
  created: '2026-01-01T00:00:00Z',
}
