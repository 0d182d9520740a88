import type { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { problemAnswer } from '../../src/server/answer-schemas.ts'
import { loadingApp } from '../../src/server/frame.ts'
import { echoModel } from '../fixtures/echo-model.ts'
import { appOf, chat, complete, get, hello, KEY, post, problemOf } from './asking.ts'

const routes = ['/v1/chat/completions', '/v1/completions', '/tokenize', '/detokenize']

describe('a chat request that is wrong', () => {
  it.each<[string, unknown, string, string | null]>([
    ['no JSON', '{', 'invalid_json', null],
    ['a list', [], 'invalid_type', null],
    ['a number', 5, 'invalid_type', null],
    ['no messages', { model: 'echo' }, 'missing_required_parameter', 'messages'],
    ['no model', { messages: hello.messages }, 'missing_required_parameter', 'model'],
    ['a model that is a number', { ...hello, model: 5 }, 'invalid_type', 'model'],
    ['an unknown role', { ...hello, messages: [{ role: 'judge', content: 'x' }] }, 'invalid_value', 'messages.0.role'],
    ['a message of a tool', { ...hello, messages: [{ role: 'tool', content: 'x' }] }, 'unsupported_value', 'messages.0.role'],
    ['a message without content', { ...hello, messages: [{ role: 'user' }] }, 'missing_required_parameter', 'messages.0.content'],
    [
      'an image',
      {
        ...hello,
        messages: [
          ...hello.messages,
          {
            role: 'user',
            content: [
              { type: 'text', text: 'what is it?' },
              { type: 'image_url', image_url: { url: 'data:' } },
            ],
          },
        ],
      },
      'unsupported_value',
      'messages.1.content.1.type',
    ],
    [
      'a part without text',
      { ...hello, messages: [{ role: 'user', content: [{ type: 'text' }] }] },
      'missing_required_parameter',
      'messages.0.content.0.text',
    ],
    ['a temperature of 3', { ...hello, temperature: 3 }, 'invalid_value', 'temperature'],
    ['no nucleus', { ...hello, top_p: 0 }, 'invalid_value', 'top_p'],
    ['five stop texts', { ...hello, stop: ['a', 'b', 'c', 'd', 'e'] }, 'invalid_value', 'stop'],
    ['an empty stop text', { ...hello, stop: [''] }, 'invalid_value', 'stop.0'],
    ['stream options without a stream', { ...hello, stream_options: {} }, 'invalid_value', 'stream_options'],
    ['a persona with more than an alpha', { ...hello, persona: { id: 'calm', scale: 2 } }, 'invalid_value', 'persona'],
    ['an alpha beyond all use', { ...hello, persona: [{ id: 'calm', alpha: 65 }] }, 'invalid_value', 'persona.0.alpha'],
    [
      'more than the context',
      { ...hello, messages: [{ role: 'user', content: 'x'.repeat(5000) }] },
      'context_length_exceeded',
      'messages',
    ],
  ])('is told so in one shape: %s', async (_, body, code, param) => {
    const response = await chat(appOf(), body)
    const json = await response.json()
    expect(json).toEqual({ error: { message: expect.any(String), type: 'invalid_request_error', param, code } })
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([400, 'false'])
  })

  it.each(['gpt', 'echo2', 'Echo', '', 'echo/', '@calm'])('is told that there is no model %j, on both routes', async (model) => {
    const answers = [await chat(appOf(), { ...hello, model }), await complete(appOf(), { model, prompt: 'x' })]
    for (const answer of answers) {
      const { status, code, param } = await problemOf(answer)
      expect([status, code, param]).toEqual(model === '' ? [400, 'invalid_value', 'model'] : [404, 'model_not_found', 'model'])
    }
  })

  it.each<[string, unknown]>([
    ['tools', [{}]],
    ['functions', [{}]],
    ['tool_choice', 'required'],
    ['logit_bias', { 5: 10 }],
    ['frequency_penalty', 0.5],
    ['presence_penalty', -0.5],
    ['repetition_penalty', 1.1],
    ['modalities', ['text', 'audio']],
    ['audio', { voice: 'x' }],
    ['top_k', 40],
    ['min_p', 0.1],
    ['reasoning_effort', 'high'],
    ['chat_template', '{{ 1 }}'],
    ['chat_template_kwargs', { thinking: true }],
    ['steering', { layers: [1] }],
    ['lora', [{ id: 0 }]],
    ['structured_outputs', { regex: 'a' }],
    ['stop_token_ids', [1]],
    ['prompt_logprobs', -1],
    ['web_search_options', {}],
  ])('is refused where %s would change the answer', async (param, value) => {
    expect(await problemOf(await chat(appOf(), { ...hello, [param]: value }))).toMatchObject({
      status: 400,
      code: 'unsupported_value',
      param,
    })
  })

  it.each<[string, unknown, string, string]>([
    ['a schema', { type: 'json_schema', json_schema: { name: 'x', schema: {} } }, 'unsupported_value', 'response_format.type'],
    ['any JSON', { type: 'json_object' }, 'unsupported_value', 'response_format.type'],
    ['no schema', { type: 'json_schema' }, 'missing_required_parameter', 'response_format.json_schema.schema'],
    ['a word', 'json', 'invalid_type', 'response_format'],
  ])('is refused where the format is %s', async (_, response_format, code, param) => {
    expect(await problemOf(await chat(appOf(), { ...hello, response_format }))).toMatchObject({ status: 400, code, param })
  })

  it('is none where fields ask for nothing, or change nothing', async () => {
    const fields = {
      tools: [],
      tool_choice: 'auto',
      logit_bias: {},
      frequency_penalty: 0,
      presence_penalty: null,
      modalities: ['text'],
      response_format: { type: 'text' },
      user: 'u',
      metadata: { a: 'b' },
      store: false,
      service_tier: 'auto',
      chat_template_kwargs: {},
      persona: null,
    }
    expect((await chat(appOf(), { ...hello, ...fields })).status).toBe(200)
  })
})

describe('every answer', () => {
  const apps: readonly [string, Hono][] = [
    ['open', appOf()],
    ['with a key', appOf({ apiKey: KEY })],
    ['loading', loadingApp({ hosts: ['localhost'], origins: [] })],
  ]

  it.each(apps)(
    'of a server that is %s is in the one shape where it is an error, and has the number of its request',
    async (_, app) => {
      const answers = await Promise.all([
        get(app, '/nothing'),
        get(app, '/v1/models/nobody'),
        get(app, '/v1/chat/completions'),
        get(app, '/v1/models', { host: 'evil.example' }),
        get(app, '/v1/models', { origin: 'https://evil.example' }),
        get(app, '/v1/models', { authorization: 'Bearer wrong' }),
        ...routes.flatMap((route) => [
          post(app, route, '{'),
          post(app, route, hello, { 'content-type': 'text/plain' }),
          post(app, route, { filler: 'x'.repeat(5 << 20) }),
        ]),
      ])
      for (const answer of answers.filter(({ status }) => status !== 200)) {
        expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
        expect(Object.keys(problemAnswer.parse(await answer.json()).error).sort()).toEqual(['code', 'message', 'param', 'type'])
      }
      expect(answers.filter(({ status }) => status === 200).length).toBeLessThan(2)
    },
  )

  it('has the number that the client gave, if it is one for a log', async () => {
    expect((await get(appOf(), '/v1/models', { 'x-request-id': 'abc-1' })).headers.get('x-request-id')).toBe('abc-1')
    expect((await get(appOf(), '/v1/models', { 'x-request-id': 'a b' })).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('routes, methods, types and sizes', () => {
  it.each(['/v1/nothing', '/v1/chat/completions/', '/V1/models', '/v1//models', '/v1%2Fmodels', '/', '/v1/models/'])(
    'know no %s',
    async (path) => {
      expect(await problemOf(await get(appOf(), path))).toMatchObject({ status: 404, code: 'route_not_found' })
    },
  )

  it.each(['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD'])('refuse %s where only POST is', async (method) => {
    const response = await appOf().request('http://localhost/v1/chat/completions', { method, headers: { host: 'localhost' } })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
  })

  it('answer HEAD as GET without a body, and OPTIONS with what is allowed', async () => {
    const ask = (method: string) => appOf().request('http://localhost/v1/models', { method, headers: { host: 'localhost' } })
    const head = await ask('HEAD')
    expect([head.status, await head.text()]).toEqual([200, ''])
    const options = await ask('OPTIONS')
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
  })

  it.each([
    'text/plain',
    'application/json-patch+json',
    'application/jsonx',
    'application/json; charset=latin1',
    'application/json, text/html',
  ])('refuse a body of type %s', async (type) => {
    expect(await problemOf(await chat(appOf(), hello, { 'content-type': type }))).toMatchObject({ status: 415 })
  })

  it('take JSON however its type is written', async () => {
    for (const type of ['application/json', 'Application/JSON; charset=utf-8', 'application/json;charset="UTF-8"']) {
      expect((await chat(appOf(), hello, { 'content-type': type })).status).toBe(200)
    }
  })

  it('find a model whose name has a slash, written as it is or not', async () => {
    const app = appOf({ name: 'org/echo' })
    for (const id of ['org/echo', 'org%2Fecho', 'org%2fecho@calm', 'org/echo%40calm']) {
      const response = await get(app, `/v1/models/${id}`)
      expect(await response.json()).toMatchObject({ object: 'model', id: decodeURIComponent(id) })
    }
    expect(await problemOf(await get(app, '/v1/models/org%2Fecho@nobody'))).toMatchObject({ status: 404, param: 'model' })
    expect((await get(app, '/v1/models/%E0%A4%A')).status).toBe(404)
  })
})

describe('a server without a model yet', () => {
  it('says that it is loading, on every route and by its health, and when to ask again', async () => {
    const app = loadingApp({ hosts: ['localhost'], origins: [], apiKey: KEY })
    for (const path of ['/health', '/v1/models']) {
      const response = await get(app, path, { authorization: `Bearer ${KEY}` })
      expect(response.headers.get('retry-after')).toBe('2')
      expect(response.headers.get('x-should-retry')).toBeNull()
      expect(await problemOf(response)).toMatchObject({ status: 503, type: 'server_error', code: 'model_loading' })
    }
    expect((await get(app, '/v1/models')).status).toBe(401)
    expect((await get(app, '/health')).status).toBe(503)
  })
})

describe('a failure of the server', () => {
  it('tells the client nothing of it, and the operator everything', async () => {
    const failures: unknown[] = []
    const broken = () => {
      throw new TypeError('cannot read /secret/path')
    }
    const model = { ...echoModel(), render: broken, encode: broken }
    const app = appOf({ model, onFailure: (error) => failures.push(error) })
    for (const response of [await chat(app, hello), await complete(app, { model: 'echo', prompt: 'x' })]) {
      const text = await response.text()
      expect(response.status).toBe(500)
      expect(text).not.toMatch(/secret|TypeError/)
    }
    expect(failures).toHaveLength(2)
  })
})
