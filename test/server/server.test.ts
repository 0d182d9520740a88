import type { Hono } from 'hono'
import { alignPas, IPIP_NEO_300, loadModel, preparePas, simulateRespondents, splitItems } from 'palign'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PalignError } from '../../src/errors.ts'
import type { GenerationEvent, LanguageModel } from '../../src/model/language-model.ts'
import type { PromptPersona, SteeringPersona } from '../../src/persona/persona.ts'
import { type AppOptions, serverApp } from '../../src/server/app.ts'
import { textModel } from '../fixtures/text-model.ts'

const calm: PromptPersona = { kind: 'prompt', method: 'few-shot', system: 'You are calm.' }

/** Says what it was asked, letter by letter, as far as it may. */
function echoModel(fail?: { readonly at: number }): LanguageModel {
  return {
    ...textModel,
    async *generate({ tokens = [], maxTokens = 5, signal }): AsyncGenerator<GenerationEvent> {
      const said = textModel.decode(tokens).replace(/.*<user>|<assistant>$/gs, '')
      const text = said.slice(0, maxTokens)
      for (const [i, letter] of Array.from(text).entries()) {
        if (fail?.at === i) throw new PalignError('engine-failed', 'forward pass failed in /secret/path')
        signal?.throwIfAborted()
        yield { kind: 'token', token: letter.codePointAt(0)!, text: letter, logprob: -1 }
      }
      const reason = text === said ? 'end-token' : 'length'
      yield { kind: 'finish', reason, text, promptTokens: tokens.length, generatedTokens: text.length }
    },
  }
}

const appOf = (options: Partial<AppOptions> = {}) =>
  serverApp({
    model: echoModel(),
    name: 'echo',
    personas: [{ id: 'calm', persona: calm, root: 'r' }],
    hosts: ['localhost'],
    origins: [],
    apiKey: undefined,
    ...options,
  })

const ask = (app: Hono, body: unknown, headers: Record<string, string> = {}) =>
  app.request('http://localhost/v1/chat/completions', {
    method: 'POST',
    headers: { host: 'localhost:1', 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const get = (app: Hono, path: string, headers: Record<string, string> = {}) =>
  app.request(`http://localhost${path}`, { headers: { host: 'localhost', ...headers } })
const hello = { model: 'echo', messages: [{ role: 'user', content: 'hello' }], max_tokens: 9 }

const events = async (response: Response) =>
  (await response.text())
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => event.replace(/^data: /, ''))

describe('a chat completion', () => {
  it('is the whole answer with its usage', async () => {
    const response = await ask(appOf(), hello)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      object: 'chat.completion',
      model: 'echo',
      choices: [
        { index: 0, message: { role: 'assistant', content: 'hello', refusal: null }, logprobs: null, finish_reason: 'stop' },
      ],
      usage: { completion_tokens: 5 },
      persona: 'none',
    })
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('says that it was cut', async () => {
    const { choices } = (await (await ask(appOf(), { ...hello, max_tokens: 2 })).json()) as {
      choices: { finish_reason: string }[]
    }
    expect(choices[0]).toMatchObject({ message: { content: 'he' }, finish_reason: 'length' })
  })

  it('streams a role, the same text and exactly one reason, then usage where it is wanted', async () => {
    const response = await ask(appOf(), { ...hello, stream: true, stream_options: { include_usage: true } })
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const [done, ...chunks] = (await events(response)).reverse()
    expect(done).toBe('[DONE]')
    const parsed = chunks
      .reverse()
      .map(
        (chunk) =>
          JSON.parse(chunk) as { choices: { delta: { content?: string }; finish_reason: string | null }[]; usage: object | null },
      )
    expect(parsed[0]!.choices[0]!.delta).toEqual({ role: 'assistant', content: '' })
    expect(parsed.flatMap(({ choices }) => choices.map(({ delta }) => delta.content ?? '')).join('')).toBe('hello')
    expect(parsed.flatMap(({ choices }) => choices.flatMap(({ finish_reason }) => finish_reason ?? []))).toEqual(['stop'])
    expect(parsed.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 5 } })
  })

  it('that fails after the first byte says so in the stream, and tells nothing of the machine', async () => {
    const failures: unknown[] = []
    const app = appOf({ model: echoModel({ at: 3 }), onFailure: (error) => failures.push(error) })
    const all = await events(await ask(app, { ...hello, stream: true }))
    expect(all.at(-1)).toBe('[DONE]')
    expect(JSON.parse(all.at(-2)!)).toMatchObject({ error: { type: 'server_error', code: 'engine_failed' } })
    expect(all.join()).not.toContain('/secret')
    expect(failures).toHaveLength(1)
  })

  it('that fails before the first byte is an error', async () => {
    const response = await ask(appOf({ model: echoModel({ at: 0 }) }), { ...hello, stream: true })
    expect(response.status).toBe(500)
    expect(response.headers.get('x-should-retry')).toBe('false')
  })

  it('gives its place back when the client goes', async () => {
    const app = appOf({ running: 1, waiting: 0 })
    const response = await ask(app, { ...hello, stream: true })
    expect((await ask(app, hello)).status).toBe(503)
    await response.body!.cancel()
    expect((await ask(app, hello)).status).toBe(200)
  })
})

describe('a persona', () => {
  const promptOf = async (response: Response) => (await response.json()) as { persona: string; usage: { prompt_tokens: number } }

  it.each([
    ['the model id', { model: 'echo@calm' }, {}],
    ['the header', {}, { 'x-persona': 'calm' }],
    ['the body', { persona: 'calm' }, {}],
    ['the body before the header', { persona: { id: 'calm' } }, { 'x-persona': 'none' }],
  ])('is chosen by %s', async (_, body, headers) => {
    const without = await promptOf(await ask(appOf(), hello))
    const response = await ask(appOf(), { ...hello, ...body }, headers)
    expect(response.headers.get('x-persona-id')).toBe('calm')
    const { persona, usage } = await promptOf(response)
    expect(persona).toBe('calm')
    expect(usage.prompt_tokens).not.toBe(without.usage.prompt_tokens)
  })

  it('is none where the body says so, whatever the model id', async () => {
    expect(await promptOf(await ask(appOf(), { ...hello, model: 'echo@calm', persona: 'none' }))).toMatchObject({
      persona: 'none',
    })
  })

  it.each([
    ['an unknown one', { persona: 'wild' }, 404, 'persona_not_found'],
    ['a strength of a prompt', { persona: { id: 'calm', alpha: 2 } }, 400, 'invalid_value'],
    ['none beside another', { persona: [{ id: 'none' }, { id: 'calm' }] }, 400, 'invalid_value'],
    ['two prompts', { persona: [{ id: 'calm' }, { id: 'calm' }] }, 400, 'unsupported_value'],
    ['something else', { persona: 7 }, 400, 'invalid_value'],
  ])('is refused, never left out: %s', async (_, body, status, code) => {
    const response = await ask(appOf(), { ...hello, ...body })
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { code } })
  })

  it('is listed behind its model', async () => {
    const { data } = (await (await get(appOf(), '/v1/models')).json()) as { data: object[] }
    expect(data).toMatchObject([
      { id: 'echo', parent: null },
      { id: 'echo@calm', parent: 'echo', root: 'r' },
    ])
    expect((await get(appOf(), '/v1/models/echo@calm')).status).toBe(200)
    expect((await get(appOf(), '/v1/models/other')).status).toBe(404)
  })

  it('of another model, or with a path for a name, starts no server', () => {
    const foreign = { kind: 'steering', model: 'a'.repeat(64) } as SteeringPersona
    expect(() => appOf({ personas: [{ id: 'x', persona: foreign, root: 'r' }] })).toThrow(/fitted on model/)
    for (const id of ['../x', 'A', 'a/b', '', 'none'])
      expect(() => appOf({ personas: [{ id, persona: calm, root: 'r' }] })).toThrow(/has the id/)
  })
})

describe('a request that is wrong', () => {
  it.each<[string, unknown, number, string, string | null]>([
    ['no JSON', '{', 400, 'invalid_json', null],
    ['a list', [], 400, 'invalid_type', null],
    ['no messages', { model: 'echo' }, 400, 'missing_required_parameter', 'messages'],
    ['an unknown role', { ...hello, messages: [{ role: 'judge', content: 'x' }] }, 400, 'invalid_value', 'messages.0.role'],
    ['a temperature of 3', { ...hello, temperature: 3 }, 400, 'invalid_value', 'temperature'],
    ['tools', { ...hello, tools: [{}] }, 400, 'unsupported_value', 'tools'],
    ['log-probabilities', { ...hello, logprobs: true }, 400, 'unsupported_value', 'logprobs'],
    ['stream options without a stream', { ...hello, stream_options: {} }, 400, 'invalid_value', 'stream_options'],
    ['another model', { ...hello, model: 'gpt' }, 404, 'model_not_found', 'model'],
    [
      'more than the context',
      { ...hello, messages: [{ role: 'user', content: 'x'.repeat(5000) }] },
      400,
      'context_length_exceeded',
      'messages',
    ],
  ])('is told so in one shape: %s', async (_, body, status, code, param) => {
    const response = await ask(appOf(), body)
    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({ error: { message: expect.any(String), type: 'invalid_request_error', param, code } })
  })

  it('names routes, methods, types and sizes that are none', async () => {
    const app = appOf()
    expect((await get(app, '/v1/nothing')).status).toBe(404)
    const wrongMethod = await get(app, '/v1/chat/completions')
    expect([wrongMethod.status, wrongMethod.headers.get('allow')]).toEqual([405, 'POST'])
    expect((await ask(app, hello, { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await ask(app, { ...hello, filler: 'x'.repeat(5 << 20) })).status).toBe(413)
  })
})

describe('the guard', () => {
  it.each(['evil.example', 'localhost.evil.example', '0.0.0.0', 'localhost:80:80', '127.0.0.1@evil'])(
    'refuses the host %s',
    async (host) => {
      expect((await get(appOf(), '/v1/models', { host })).status).toBe(400)
    },
  )

  it('refuses pages that may not ask', async () => {
    expect((await get(appOf(), '/v1/models', { origin: 'https://evil.example' })).status).toBe(400)
    expect(
      (await get(appOf({ origins: ['https://mine.example'] }), '/v1/models', { origin: 'https://mine.example' })).status,
    ).toBe(200)
  })

  it('asks for the key on every route but health, however the path is written', async () => {
    const app = appOf({ apiKey: 'k'.repeat(20), hosts: undefined })
    for (const path of ['/v1/models', '/v1//models', '/v1/%6dodels', '/nothing']) expect((await get(app, path)).status).toBe(401)
    expect((await get(app, '/health')).status).toBe(200)
    expect((await get(app, '/v1/models', { authorization: `Bearer ${'k'.repeat(20)}` })).status).toBe(200)
    expect((await get(app, '/v1/models', { authorization: `Bearer ${'k'.repeat(19)}` })).status).toBe(401)
  })
})

describe('the demo model with several persons at once', () => {
  let model: LanguageModel
  let app: Hono
  beforeAll(async () => {
    model = await loadModel('models/respondent')
    const prepared = await preparePas(model, IPIP_NEO_300, splitItems().known)
    const people = simulateRespondents({ count: 2, seed: 5, questionnaire: IPIP_NEO_300 })
    const personas = []
    for (const [i, person] of people.entries())
      personas.push({ id: `p${i}`, persona: await alignPas(prepared, person), root: `${i}` })
    app = appOf({ model, name: 'respondent', personas })
  })
  afterAll(() => model.dispose())

  it('gives every request the text that it gives alone', async () => {
    const messages = [{ role: 'user', content: 'What do you do on a free evening?' }]
    const requests = [-8, -4, 0, 4, 8].flatMap((alpha) =>
      ['p0', 'p1'].map((id) => ({ model: 'respondent', messages, max_tokens: 16, temperature: 0, persona: { id, alpha } })),
    )
    const textOf = async (response: Response) =>
      ((await response.json()) as { choices: { message: { content: string } }[] }).choices[0]!.message.content
    const alone: string[] = []
    for (const request of requests) alone.push(await textOf(await ask(app, request)))
    const together = await Promise.all(requests.map(async (request) => textOf(await ask(app, request))))
    expect(together).toEqual(alone)
    expect(new Set(alone).size).toBeGreaterThan(1)
  })
})
