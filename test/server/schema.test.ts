import type { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { palignClient } from '../../src/client/index.ts'
import { loadingApp } from '../../src/server/frame.ts'
import { collected } from '../fixtures/collected.ts'
import { SCRIPT } from '../fixtures/scripted-model.ts'
import { looking, scriptedApp } from './listening.ts'
import { type Published, publishedSchemas } from './openai-schemas.ts'

const check = publishedSchemas()
const chat = { model: 'echo', messages: [{ role: 'user', content: 'hello' }] } as const
const CHAT = '/v1/chat/completions'
const TEXT = '/v1/completions'
const text = { model: 'echo', prompt: 'hello' } as const
const ECHO = { echo: true, logprobs: 2 } as const

const KEY = 'k'.repeat(20)

const post = (app: Hono, path: string, body: unknown, headers: Record<string, string> = {}) =>
  app.request(`http://127.0.0.1${path}`, {
    method: 'POST',
    headers: { host: '127.0.0.1', 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const get = (app: Hono, path: string) => app.request(`http://127.0.0.1${path}`, { headers: { host: '127.0.0.1' } })
const say = (content: string) => ({ ...chat, messages: [{ role: 'user', content }] })

const chunksOf = async (response: Response): Promise<unknown[]> =>
  (await response.text())
    .split('\n\n')
    .map((event) => event.replace(/^data: /, ''))
    .filter((event) => event !== '' && event !== '[DONE]')
    .map((event) => JSON.parse(event) as unknown)

/**
 * The one exception: of a prompt's first token nobody knows how likely it was. Published is a list of numbers, and clients rely on the null that stands there.
 */
function withFirst(answer: unknown): unknown {
  const { choices } = answer as { choices: { logprobs: { token_logprobs?: unknown[]; top_logprobs: unknown[] } | null }[] }
  for (const { logprobs } of choices) {
    if (logprobs?.token_logprobs?.[0] !== null) continue
    logprobs.token_logprobs[0] = 0
    logprobs.top_logprobs[0] = {}
  }
  return answer
}

describe('published schemas', () => {
  it.each<[string, Published, string, object]>([
    ['a chat', 'ChatResponse', CHAT, chat],
    ['a chat that was cut', 'ChatResponse', CHAT, { ...chat, max_tokens: 2 }],
    ['several choices', 'ChatResponse', CHAT, { ...chat, n: 3 }],
    ['a chat with a persona', 'ChatResponse', CHAT, { ...chat, persona: 'calm' }],
    ['a chat with log-probabilities', 'ChatResponse', CHAT, { ...chat, logprobs: true }],
    ['a chat with alternatives', 'ChatResponse', CHAT, { ...chat, logprobs: true, top_logprobs: 2 }],
    ['a text', 'TextResponse', TEXT, text],
    ['several texts', 'TextResponse', TEXT, { ...text, prompt: ['a', 'b'], n: 2, persona: 'calm' }],
    ['a text with log-probabilities', 'TextResponse', TEXT, { ...text, logprobs: 2 }],
    ['tokens that are only scored', 'TextResponse', TEXT, { ...text, ...ECHO, prompt: [[97, 98], [99]], max_tokens: 0 }],
  ])('hold for %s', async (_, kind, path, body) => {
    const response = await post(scriptedApp(), path, body)
    expect(response.status).toBe(200)
    expect(check(kind, withFirst(await response.json()))).toEqual([])
  })

  it.each<[string, Published, string, object]>([
    ['a chat', 'ChatChunk', CHAT, chat],
    ['a chat with usage', 'ChatChunk', CHAT, { ...chat, stream_options: { include_usage: true } }],
    ['a chat that was cut', 'ChatChunk', CHAT, { ...chat, max_tokens: 2 }],
    ['several choices', 'ChatChunk', CHAT, { ...chat, n: 3 }],
    ['a chat with alternatives', 'ChatChunk', CHAT, { ...chat, logprobs: true, top_logprobs: 2 }],
    ['a text', 'TextChunk', TEXT, text],
    ['texts with usage', 'TextChunk', TEXT, { ...text, prompt: ['a', 'b'], stream_options: { include_usage: true } }],
    ['a text with the prompt before it', 'TextChunk', TEXT, { ...text, ...ECHO }],
  ])('hold for every chunk of %s', async (_, kind, path, body) => {
    const chunks = await chunksOf(await post(scriptedApp(), path, { ...body, stream: true }))
    expect(chunks.length).toBeGreaterThan(2)
    expect(chunks.flatMap((chunk) => check(kind, withFirst(chunk)))).toEqual([])
  })

  it('hold for models', async () => {
    const list = (await (await get(scriptedApp(), '/v1/models')).json()) as { data: unknown[] }
    expect(list.data).toHaveLength(2)
    expect(check('ModelListResponse', list)).toEqual([])
    expect(check('ModelResponse', await (await get(scriptedApp(), '/v1/models/echo@calm')).json())).toEqual([])
  })

  it.each<[number, () => Response | Promise<Response>]>([
    [400, () => post(scriptedApp(), CHAT, '{')],
    [400, () => post(scriptedApp(), CHAT, [])],
    [400, () => post(scriptedApp(), CHAT, { model: 'echo' })],
    [400, () => post(scriptedApp(), CHAT, say('x'.repeat(5000)))],
    [400, () => post(scriptedApp(), CHAT, chat, { host: 'evil.example' })],
    [401, () => post(scriptedApp({ apiKey: KEY }), CHAT, chat)],
    [400, () => post(scriptedApp(), TEXT, { model: 'echo' })],
    [403, () => post(scriptedApp({ keys: { find: async () => looking } }), CHAT, chat, { authorization: 'Bearer k' })],
    [404, () => post(scriptedApp(), CHAT, { ...chat, model: 'gpt' })],
    [404, () => post(scriptedApp(), CHAT, { ...chat, persona: 'wild' })],
    [404, () => get(scriptedApp(), '/nothing')],
    [405, () => get(scriptedApp(), CHAT)],
    [413, () => post(scriptedApp(), CHAT, say('x'.repeat(5 << 20)))],
    [415, () => post(scriptedApp(), CHAT, chat, { 'content-type': 'text/plain' })],
    [
      429,
      () =>
        post(scriptedApp({ apiKey: KEY, keyLimits: { requestsPerMinute: 0 } }), CHAT, chat, { authorization: `Bearer ${KEY}` }),
    ],
    [500, () => post(scriptedApp(), CHAT, say(SCRIPT.failAtOnce))],
    [503, () => post(loadingApp({ hosts: ['127.0.0.1'], origins: [] }), CHAT, chat)],
    [503, () => post(scriptedApp({ running: 0, waiting: 0 }), CHAT, chat)],
  ])('hold for an error of status %i', async (status, ask) => {
    const response = await ask()
    expect(response.status).toBe(status)
    expect(check('ErrorResponse', await response.json())).toEqual([])
  })

  it('hold for an error in the middle of a stream', async () => {
    const chunks = await chunksOf(await post(scriptedApp(), CHAT, { ...say(SCRIPT.failLater), stream: true }))
    const error = chunks.pop()
    expect(chunks.flatMap((chunk) => check('ChatChunk', chunk))).toEqual([])
    expect(check('ErrorResponse', error)).toEqual([])
  })

  it('hold for what palign/client sends', async () => {
    const sent: unknown[] = []
    const client = palignClient({
      baseUrl: '',
      fetch: async (_, { body }) => {
        sent.push(JSON.parse(body as string))
        return new Response('', { status: 503 })
      },
    })
    const settings = { model: 'm', persona: { id: 'calm', alpha: 2 }, temperature: 0, top_p: 0.5, n: 2, seed: 1, stop: ['x'] }
    const parts = [{ type: 'text', text: 'hi' }] as const
    const roles = (['system', 'developer', 'user', 'assistant'] as const).map((role) => ({ role, content: parts }))
    const messages = [...roles, { role: 'user', content: 'hi' }] as const
    const request = { ...settings, messages, max_completion_tokens: 4, logprobs: true, top_logprobs: 2 }
    await client.chat.complete(request).catch(() => undefined)
    await collected(client.chat.stream(request)).catch(() => undefined)
    expect(sent.flatMap((body) => check('ChatRequestBody', body))).toEqual([])
    const prompts = ['a', ['a', 'b'], [1, 2], [[1], [2, 3]]]
    for (const prompt of prompts) {
      const completion = { ...settings, prompt, max_tokens: 4, echo: true, logprobs: 1 }
      await client.completions.complete(completion).catch(() => undefined)
      await collected(client.completions.stream(completion)).catch(() => undefined)
    }
    expect(sent).toHaveLength(2 + 2 * prompts.length)
    expect(sent.slice(2).flatMap((body) => check('TextRequestBody', body))).toEqual([])
  })
})

type Path = readonly (string | number)[]

/** A copy with another value at one place; undefined takes the field away. */
function changed(value: unknown, [key, ...rest]: Path, to: unknown): unknown {
  if (key === undefined) return to
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<string | number, unknown>
  copy[key] = changed(copy[key], rest, to)
  return JSON.parse(JSON.stringify(copy)) as unknown
}

describe('published schemas, of an answer that was spoilt,', () => {
  it.each<[Path, unknown]>([
    [['id'], undefined],
    [['object'], 'text_completion'],
    [['created'], 'today'],
    [['model'], null],
    [['choices'], undefined],
    [['choices', 0, 'index'], undefined],
    [['choices', 0, 'finish_reason'], null],
    [['choices', 0, 'finish_reason'], 'end-token'],
    [['choices', 0, 'logprobs'], undefined],
    [['choices', 0, 'logprobs'], { content: [{ token: 'h', logprob: -1 }], refusal: null }],
    [['choices', 0, 'message', 'refusal'], undefined],
    [['choices', 0, 'message', 'content'], 7],
    [['choices', 0, 'message', 'role'], 'user'],
    [['usage', 'total_tokens'], undefined],
  ])('refuse a chat with %j as %j', async (path, to) => {
    const whole = await (await post(scriptedApp(), CHAT, chat)).json()
    const spoilt = changed(whole, path, to)
    expect(check('ChatResponse', spoilt)).not.toEqual([])
  })

  it.each<[Path, unknown]>([
    [['object'], 'chat.completion'],
    [['choices', 0, 'delta'], undefined],
    [['choices', 0, 'finish_reason'], undefined],
    [['choices', 0, 'delta', 'content'], 7],
  ])('refuse a chunk with %j as %j', async (path, to) => {
    const [whole] = await chunksOf(await post(scriptedApp(), CHAT, { ...chat, stream: true }))
    expect(check('ChatChunk', changed(whole, path, to))).not.toEqual([])
  })

  it.each<[Path, unknown]>([
    [['error', 'param'], undefined],
    [['error', 'code'], 404],
    [['error', 'type'], null],
    [['error'], 'text'],
  ])('refuse an error with %j as %j', async (path, to) => {
    const whole = await (await get(scriptedApp(), '/nothing')).json()
    expect(check('ErrorResponse', changed(whole, path, to))).not.toEqual([])
  })

  it.each<[Path, unknown]>([
    [['choices', 0, 'text'], undefined],
    [['choices', 0, 'finish_reason'], null],
    [['choices', 0, 'logprobs'], undefined],
    [['choices', 0, 'logprobs', 'token_logprobs', 0], null],
    [['choices', 0, 'logprobs', 'top_logprobs', 1], null],
    [['choices', 0, 'logprobs', 'tokens', 0], 104],
    [['object'], 'chat.completion'],
    [['usage'], null],
  ])('refuse a text with %j as %j', async (path, to) => {
    const whole = await (await post(scriptedApp(), TEXT, { ...text, logprobs: 2 })).json()
    expect(check('TextResponse', changed(whole, path, to))).not.toEqual([])
  })

  it('refuse a model and a list with something missing', async () => {
    const list = await (await get(scriptedApp(), '/v1/models')).json()
    for (const path of [['object'], ['data'], ['data', 0, 'created'], ['data', 1, 'owned_by']] as const) {
      expect(check('ModelListResponse', changed(list, path, undefined))).not.toEqual([])
    }
  })
})
