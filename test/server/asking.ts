/** @file What the tests of the server share: an application over a model that echoes, requests to it, and readers of its streams. */
import type { Hono } from 'hono'
import type { PromptPersona } from '../../src/persona/persona.ts'
import { type AppOptions, serverApp } from '../../src/server/app.ts'
import { echoModel } from '../fixtures/echo-model.ts'

export const calm: PromptPersona = { kind: 'prompt', method: 'few-shot', system: 'You are calm.' }
export const hello = { model: 'echo', messages: [{ role: 'user', content: 'hello' }], max_tokens: 9 }
export const raw = { model: 'echo', prompt: 'hello', max_tokens: 9 }
export const KEY = 'k'.repeat(20)

export const appOf = (options: Partial<AppOptions> = {}) =>
  serverApp({
    model: echoModel(),
    name: 'echo',
    personas: [{ id: 'calm', persona: calm, root: 'r' }],
    hosts: ['localhost'],
    origins: [],
    apiKey: undefined,
    ...options,
  })

export type Headers = Readonly<Record<string, string>>

export const post = (app: Hono, path: string, body: unknown, headers: Headers = {}) =>
  app.request(`http://localhost${path}`, {
    method: 'POST',
    headers: { host: 'localhost:1', 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' || Buffer.isBuffer(body) ? (body as string) : JSON.stringify(body),
  })
export const chat = (app: Hono, body: unknown, headers?: Headers) => post(app, '/v1/chat/completions', body, headers)
export const complete = (app: Hono, body: unknown, headers?: Headers) => post(app, '/v1/completions', body, headers)
export const get = (app: Hono, path: string, headers: Headers = {}) =>
  app.request(`http://localhost${path}`, { headers: { host: 'localhost', ...headers } })

/** Data of the events of a stream; comments left out. */
export const eventsOf = async (response: Response) =>
  (await response.text())
    .split('\n\n')
    .filter((event) => event.startsWith('data: '))
    .map((event) => event.slice('data: '.length))

export interface Chunk {
  readonly choices: readonly {
    readonly index: number
    readonly text?: string
    readonly delta?: { readonly role?: string; readonly content?: string }
    readonly logprobs: { readonly content?: readonly { readonly token: string }[]; readonly tokens?: readonly string[] } | null
    readonly finish_reason: string | null
  }[]
  readonly usage?: { readonly completion_tokens: number; readonly prompt_tokens: number } | null
}

/** Chunks of a stream that ended well. */
export async function chunksOf(response: Response): Promise<Chunk[]> {
  const events = await eventsOf(response)
  if (events.at(-1) !== '[DONE]') throw new Error(`stream ends with ${events.at(-1)}`)
  return events.slice(0, -1).map((event) => JSON.parse(event) as Chunk)
}

/** Text of each choice, put together from its chunks. */
export function textsOf(chunks: readonly Chunk[]): string[] {
  const texts: string[] = []
  for (const { choices } of chunks) {
    for (const { index, text, delta } of choices) texts[index] = (texts[index] ?? '') + (text ?? delta?.content ?? '')
  }
  return texts
}

export const problemOf = async (response: Response) => ({
  status: response.status,
  ...((await response.json()) as { error: { code: string; param: string | null; message: string; type: string } }).error,
})
