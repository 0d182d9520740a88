import { Writable } from 'node:stream'
import Ajv2020 from 'ajv/dist/2020.js'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { echoModel } from '../fixtures/echo-model.ts'
import { appOf, calm, chat, chunksOf, complete, get, hello, KEY, post, raw } from './asking.ts'

describe('the metrics', () => {
  const textOf = async (app: ReturnType<typeof appOf>) => (await get(app, '/metrics')).text()
  const numberOf = (text: string, name: string) =>
    Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (.*)$`, 'm').exec(text)?.[1])

  it('count requests, tokens and times by the names that dashboards know', async () => {
    const app = appOf({ gauges: { kvCacheUsage: async () => 0.25, eventLoopGap: () => 0.5, jobs: () => ({ waiting: 2 }) } })
    await chat(app, hello)
    await (await chat(app, { ...hello, stream: true })).text()
    await get(app, '/nothing/secret')
    const response = await get(app, '/metrics')
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    const text = await response.text()
    const prompt = '<system><user>hello<assistant>'
    expect(numberOf(text, 'palign_generation_tokens_total')).toBe(10)
    expect(numberOf(text, 'palign_prompt_tokens_total')).toBeGreaterThanOrEqual(2 * prompt.length)
    expect(numberOf(text, 'palign_time_to_first_token_seconds_count')).toBe(2)
    expect(numberOf(text, 'palign_time_per_output_token_seconds_count')).toBe(2)
    expect(numberOf(text, 'palign_request_duration_seconds_count{route="/v1/chat/completions",status="200"}')).toBe(2)
    expect(numberOf(text, 'palign_request_duration_seconds_count{route="none",status="404"}')).toBe(1)
    expect(numberOf(text, 'palign_requests_running')).toBe(0)
    expect(numberOf(text, 'palign_kv_cache_usage_ratio')).toBe(0.25)
    expect(numberOf(text, 'palign_event_loop_gap_seconds')).toBe(0.5)
    expect(numberOf(text, 'palign_jobs{state="waiting"}')).toBe(2)
    expect(text).not.toContain('secret')
  })

  it('show the load, and whose personas run and wait', async () => {
    const app = appOf({ model: echoModel({ delayMs: 40 }), running: 1, waiting: 2 })
    const asked = [chat(app, { ...hello, persona: 'calm' }), chat(app, hello), chat(app, { ...hello, persona: 'calm' })]
    // Requests arrive one after the other, and the model takes a while.
    await expect.poll(async () => numberOf(await textOf(app), 'palign_requests_waiting'), { interval: 5 }).toBe(2)
    const text = await textOf(app)
    expect([numberOf(text, 'palign_requests_running'), numberOf(text, 'palign_requests_waiting')]).toEqual([1, 2])
    expect(text).toMatch(/palign_persona_requests_info\{max_personas="8",running_personas="calm",waiting_personas="calm"\}/)
    await Promise.all(asked)
    expect(await textOf(app)).toContain('running_personas="",waiting_personas=""')
  })

  it('say nothing of what is not known', async () => {
    expect(await textOf(appOf())).not.toMatch(/kv_cache|palign_jobs/)
  })
})

describe('the log', () => {
  const logging = () => {
    const lines: string[] = []
    const stream = new Writable({
      write(chunk, _, done) {
        lines.push(String(chunk))
        done()
      },
    })
    return { lines, log: pino({ level: 'debug', base: null }, stream) }
  }

  it('has one line for each request, and one for each persona', async () => {
    const { lines, log } = logging()
    const app = appOf({ log, hosts: undefined, apiKey: KEY })
    const key = { authorization: `Bearer ${KEY}` }
    await chat(app, { ...hello, persona: 'calm' }, { ...key, 'x-request-id': 'mine' })
    await chunksOf(await chat(app, { ...hello, stream: true }, key))
    await get(app, '/nothing')
    const [loaded, whole, streamed, refused] = lines.map((line) => JSON.parse(line) as object)
    expect(lines).toHaveLength(4)
    expect(loaded).toMatchObject({ msg: 'persona loaded', persona: 'calm', root: 'r', kind: 'prompt' })
    expect(whole).toMatchObject({
      msg: 'request',
      request: 'mine',
      method: 'POST',
      route: '/v1/chat/completions',
      status: 200,
      key: 'api-key',
      personas: ['calm'],
      completionTokens: 5,
    })
    expect(streamed).toMatchObject({ status: 200, stream: 'done', completionTokens: 5 })
    expect(refused).toMatchObject({ status: 401, route: 'none', key: null })
  })

  it('never holds what was asked, answered, or shown as a key', async () => {
    const { lines, log } = logging()
    const marker = 'MARKER'
    const app = appOf({
      log,
      hosts: undefined,
      apiKey: KEY,
      personas: [{ id: 'calm', persona: { ...calm, system: marker }, root: 'r' }],
    })
    const key = { authorization: `Bearer ${KEY}` }
    const marked = {
      ...hello,
      persona: 'calm',
      messages: [{ role: 'user', content: marker }],
      stop: [`${marker}!`],
      user: marker,
      [marker]: marker,
    }
    await chat(app, marked, key)
    await chunksOf(await chat(app, { ...marked, stream: true }, key))
    await complete(app, { ...raw, prompt: marker, echo: true, logprobs: 1 }, key)
    await complete(app, { ...raw, prompt: marker, max_tokens: marker }, key)
    await post(app, '/tokenize', { content: marker }, key)
    await post(app, '/v1/completions', `{"${marker}`, key)
    await post(app, `/v1/completions?q=${marker}`, raw, key)
    await get(app, `/${marker}`, key)
    await get(app, `/v1/models/${marker}`, key)
    await get(app, '/v1/models', { authorization: `Bearer ${marker}${KEY}` })
    await get(app, '/v1/models', { ...key, 'x-persona': marker, 'user-agent': marker, cookie: marker, referer: marker })
    await app.request('http://localhost/', { method: marker, headers: { host: 'localhost' } })
    const broken = { ...echoModel({ failAt: 2, failure: new Error('forward pass failed') }) }
    await (await chat(appOf({ log, model: broken }), { ...marked, persona: 'none', stream: true })).text()
    expect(lines.length).toBeGreaterThan(13)
    expect(lines.join('')).not.toMatch(/MARKER|kkkk/)
    expect(lines.join('')).toMatch(/forward pass failed/)
  })
})

describe('/openapi.json', () => {
  interface Document {
    readonly openapi: string
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
    readonly components: { readonly schemas: { readonly Problem: object } }
  }
  interface Operation {
    readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: object } } }
    readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, { readonly schema: object }>> }>>
    readonly security?: readonly { readonly key: readonly string[] }[]
  }
  const documentOf = async () => (await (await get(appOf(), '/openapi.json')).json()) as Document
  const ajv = () => new Ajv2020.default({ strict: false })

  it('names every route that answers', async () => {
    const { openapi, paths } = await documentOf()
    expect(openapi).toBe('3.1.0')
    expect(Object.keys(paths).sort()).toEqual([
      '/detokenize',
      '/health',
      '/metrics',
      '/openapi.json',
      '/props',
      '/tokenize',
      '/v1/chat/completions',
      '/v1/completions',
      '/v1/models',
      '/v1/models/{id}',
    ])
    expect(paths['/health']!.get!.security).toBeUndefined()
    expect(paths['/metrics']!.get!.security).toEqual([{ key: ['admin'] }])
  })

  it('describes the answers that are given, whole and streamed, and every error', async () => {
    const { paths, components } = await documentOf()
    const app = appOf()
    const holds = (schema: object, value: unknown) => {
      const validate = ajv().compile(schema)
      validate(value)
      expect(validate.errors).toBeNull()
    }
    const operations: readonly [string, string, object][] = [
      ['/v1/chat/completions', 'post', { ...hello, logprobs: true, top_logprobs: 1 }],
      ['/v1/completions', 'post', { ...raw, echo: true, logprobs: 1 }],
      ['/tokenize', 'post', { content: 'a' }],
      ['/detokenize', 'post', { tokens: [97] }],
      ['/v1/models', 'get', {}],
      ['/props', 'get', {}],
      ['/health', 'get', {}],
    ]
    for (const [path, method, body] of operations) {
      const { content } = paths[path]![method]!.responses['200']!
      const response = method === 'post' ? await post(app, path, body) : await get(app, path)
      holds(content['application/json']!.schema, await response.json())
      const chunk = content['text/event-stream']?.schema
      if (chunk === undefined) continue
      const chunks = await chunksOf(await post(app, path, { ...body, stream: true, stream_options: { include_usage: true } }))
      for (const one of chunks) holds(chunk, one)
    }
    holds(components.schemas.Problem, await (await chat(app, {})).json())
  })

  it('describes the bodies that are taken', async () => {
    const { paths } = await documentOf()
    const validate = ajv().compile(paths['/v1/completions']!.post!.requestBody!.content['application/json'].schema)
    expect(validate({ ...raw, prompt: [[1], [2]], persona: [{ id: 'calm', alpha: 1 }] })).toBe(true)
    for (const wrong of [
      { ...raw, n: 9 },
      { ...raw, logprobs: 6 },
      { ...raw, persona: { id: 'calm', scale: 1 } },
      { model: 'echo' },
    ]) {
      expect(validate(wrong)).toBe(false)
    }
  })
})

describe('/tokenize and /detokenize', () => {
  it('count tokens and give texts back', async () => {
    expect(await (await post(appOf(), '/tokenize', { prompt: 'ab' })).json()).toEqual({
      tokens: [97, 98],
      count: 2,
      max_model_len: 4096,
    })
    expect(await (await post(appOf(), '/detokenize', { tokens: [97, 98] })).json()).toMatchObject({ content: 'ab' })
  })

  it.each<[string, object]>([
    ['/tokenize', {}],
    ['/tokenize', { content: 'a', prompt: 'b' }],
    ['/tokenize', { content: 'x'.repeat(40_000) }],
    ['/detokenize', { tokens: [-1] }],
    ['/detokenize', { tokens: [2 ** 31] }],
    ['/detokenize', {}],
  ])('%s refuses what is wrong', async (path, body) => {
    expect((await post(appOf(), path, body)).status).toBe(400)
  })
})
