import { describe, expect, it } from 'vitest'
import { type CompletionRequest, type PalignClientOptions, palignClient } from '../../../src/client/index.ts'
import { collected } from '../../fixtures/collected.ts'

interface Sent {
  readonly url: string
  readonly method: string | undefined
  readonly headers: Record<string, string>
  readonly body: unknown
}

type Answer = () => Response | Promise<Response>

/** A client whose server gives these answers, one after the other, and what it was asked. */
function scripted(answers: readonly Answer[], options: Partial<PalignClientOptions> = {}) {
  const sent: Sent[] = []
  const waited: number[] = []
  const left = [...answers]
  const client = palignClient({
    baseUrl: 'http://localhost/v1',
    fetch: async (url, { method, headers, body }) => {
      sent.push({ url, method, headers: headers as Record<string, string>, body: body ? JSON.parse(body as string) : undefined })
      return left.shift()!()
    },
    wait: async (milliseconds) => void waited.push(milliseconds),
    ...options,
  })
  return { client, sent, waited }
}

const request = { model: 'm', messages: [{ role: 'user', content: 'hi' }] } as const
const whole = { persona: 'calm', choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }] }
const json = (body: unknown, status = 200, headers: Record<string, string> = {}) => Response.json(body, { status, headers })
const problem = (status: number, headers: Record<string, string> = {}) =>
  json({ error: { message: 'no', type: 'server_error', param: null, code: 'server_is_overloaded' } }, status, headers)
const chunk = (choice: object) => ({ id: 'i', model: 'm', persona: 'calm', choices: [{ index: 0, ...choice }] })
const sse = (...chunks: readonly (object | string)[]) => {
  const text = chunks.map((data) => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`).join('')
  return new Response(text, { headers: { 'content-type': 'text/event-stream', 'x-request-id': 'r-1' } })
}

describe('a request of the client', () => {
  it('is JSON with the key, and the persona as it was given', async () => {
    const { client, sent } = scripted([() => json(whole)], { apiKey: 'k', headers: { 'x-persona': 'none' } })
    await client.chat.complete({ ...request, persona: [{ id: 'calm', alpha: 2 }], seed: undefined })
    expect(sent).toEqual([
      {
        url: 'http://localhost/v1/chat/completions',
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          authorization: 'Bearer k',
          'x-persona': 'none',
        },
        body: { ...request, persona: [{ id: 'calm', alpha: 2 }] },
      },
    ])
  })

  it.each([
    ['http://h/v1', 'http://h/health'],
    ['http://h/v1///', 'http://h/health'],
    ['http://h/base/', 'http://h/base/health'],
    ['', '/health'],
  ])('goes from base %j to %s', async (baseUrl, url) => {
    const { client, sent } = scripted([() => json({ status: 'ok' })], { baseUrl })
    await client.health()
    expect(sent[0]).toMatchObject({ url, method: 'GET' })
  })

  it('encodes the id of a model', async () => {
    const { client, sent } = scripted([() => json({ id: 'org/m@p' })])
    await client.models.get('org/m@p')
    expect(sent[0]!.url).toBe('http://localhost/v1/models/org%2Fm%40p')
  })
})

describe('the smaller routes', () => {
  it('give what is in their answers', async () => {
    const props = { version: '1', model: { id: 'm' } }
    const { client, sent } = scripted([
      () => json({ object: 'list', data: [{ id: 'm' }] }),
      () => json({ tokens: [1, 2], count: 2 }),
      () => json({ content: 'hi', prompt: 'hi' }),
      () => json(props),
    ])
    expect(await client.models.list()).toEqual([{ id: 'm' }])
    expect(await client.tokenize('hi')).toEqual([1, 2])
    expect(await client.detokenize([1, 2])).toBe('hi')
    expect(await client.props()).toEqual(props)
    expect(sent.map(({ url, body }) => [url, body])).toEqual([
      ['http://localhost/v1/models', undefined],
      ['http://localhost/tokenize', { content: 'hi' }],
      ['http://localhost/detokenize', { tokens: [1, 2] }],
      ['http://localhost/props', undefined],
    ])
  })
})

describe('an answer that is not whole', () => {
  it.each([
    ['no JSON', () => new Response('{"choices":')],
    ['no choices', () => json({ ...whole, choices: [] })],
    ['a choice without a reason', () => json({ ...whole, choices: [{ finish_reason: null }] })],
    ['nobody who answers', () => json({ ...whole, persona: undefined })],
    ['another route', () => json({ status: 'ok' })],
  ])('is an error: %s', async (_, answer) => {
    await expect(scripted([answer]).client.chat.complete(request)).rejects.toMatchObject({
      code: 'invalid_response',
      status: 200,
    })
  })

  it('is an error where the list of models is none', async () => {
    await expect(scripted([() => json({ data: 'x' })]).client.models.list()).rejects.toMatchObject({ code: 'invalid_response' })
  })
})

describe('a refusal', () => {
  it('has everything that the server said', async () => {
    const error = { message: 'too many', type: 'rate_limit_error', param: 'model', code: 'rate_limit_exceeded' }
    const { client } = scripted([() => json({ error }, 429, { 'retry-after': '7', 'x-request-id': 'r-2' })])
    await expect(client.health()).rejects.toMatchObject({
      ...error,
      name: 'PalignApiError',
      status: 429,
      retryAfter: 7,
      requestId: 'r-2',
      shouldRetry: undefined,
    })
  })

  it('without a body of ours still has its status', async () => {
    const { client } = scripted([() => new Response('<html>', { status: 502 })])
    await expect(client.health()).rejects.toMatchObject({ status: 502, code: 'invalid_response' })
  })

  it('reads a date to wait for', async () => {
    const at = new Date(Date.now() + 30_000).toUTCString()
    const { client } = scripted([() => problem(503, { 'retry-after': at })])
    const error = await client.health().catch((error: unknown) => error as { retryAfter: number })
    // A date has no parts of a second.
    expect(error).toMatchObject({ retryAfter: expect.closeTo(30, -1) })
  })
})

describe('a stream', () => {
  it('is a start, texts, an end for every choice, and usage', async () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }
    const { client, sent } = scripted([
      () =>
        sse(
          chunk({ delta: { role: 'assistant', content: '' }, finish_reason: null }),
          chunk({ delta: { content: 'he' }, finish_reason: null }),
          chunk({ delta: { content: 'y' }, logprobs: { content: [] }, finish_reason: 'stop' }),
          { ...chunk({}), choices: [], usage },
          '[DONE]',
        ),
    ])
    expect(await collected(client.chat.stream(request))).toEqual([
      { kind: 'start', id: 'i', model: 'm', persona: 'calm' },
      { kind: 'text', choice: 0, text: 'he', logprobs: null },
      { kind: 'text', choice: 0, text: 'y', logprobs: { content: [] } },
      { kind: 'finish', choice: 0, reason: 'stop' },
      { kind: 'usage', usage },
    ])
    expect(sent[0]).toMatchObject({
      headers: { accept: 'text/event-stream' },
      body: { ...request, stream: true, stream_options: { include_usage: true } },
    })
  })

  const half = chunk({ delta: { content: 'he' }, finish_reason: null })
  it.each<[string, Answer, object]>([
    ['ends without a reason', () => sse(half, '[DONE]'), { code: 'stream_incomplete', requestId: 'r-1' }],
    ['ends without anything', () => sse(), { code: 'stream_incomplete' }],
    [
      'has an error in it',
      () => sse(half, { error: { message: 'out', type: 'server_error', param: null, code: 'engine_failed' } }, '[DONE]'),
      { code: 'engine_failed', message: 'out', status: 200 },
    ],
    ['has something else in it', () => sse(half, '7'), { code: 'invalid_response' }],
    ['has no JSON in it', () => sse(half, '{"choices"'), { code: 'invalid_response' }],
    ['does not say who answers', () => sse({ ...half, persona: undefined }), { code: 'invalid_response' }],
    ['is none', () => json(whole), { code: 'invalid_response' }],
  ])('that %s throws', async (_, answer, expected) => {
    const { client } = scripted([answer])
    const read = collected(client.chat.stream(request))
    await expect(read).rejects.toMatchObject({ name: 'PalignApiError', ...expected })
  })

  it('whose connection breaks throws what it had before', async () => {
    const events: string[] = []
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(half)}\n\n`)),
      pull: (controller) => controller.error(new TypeError('terminated')),
    })
    const { client } = scripted([() => new Response(body, { headers: { 'content-type': 'text/event-stream' } })])
    const read = async () => {
      for await (const event of client.chat.stream(request)) events.push(event.kind)
    }
    await expect(read()).rejects.toMatchObject({ code: 'connection_failed', status: 200, cause: expect.any(TypeError) })
    expect(events).toEqual(['start', 'text'])
  })

  it.each<[string, Pick<CompletionRequest, 'prompt' | 'n'>, number]>([
    ['a text', { prompt: 'ab' }, 1],
    ['ids of tokens', { prompt: [1, 2, 3] }, 1],
    ['texts', { prompt: ['a', 'b'] }, 2],
    ['lists of ids, twice', { prompt: [[1], [2, 3]], n: 2 }, 4],
  ])('waits for as many ends as there are choices: %s', async (_, prompt, count) => {
    const ends = (number: number) =>
      Array.from({ length: number }, (_, index) => chunk({ index, text: 'x', finish_reason: 'length' }))
    const stream = (number: number) =>
      collected(scripted([() => sse(...ends(number), '[DONE]')]).client.completions.stream({ model: 'm', ...prompt }))
    expect((await stream(count)).filter(({ kind }) => kind === 'finish')).toHaveLength(count)
    await expect(stream(count - 1)).rejects.toMatchObject({ code: 'stream_incomplete' })
  })
})

describe('another try', () => {
  it('is not made unless it is asked for', async () => {
    const { client, sent } = scripted([() => problem(503)])
    await expect(client.health()).rejects.toMatchObject({ status: 503 })
    expect(sent).toHaveLength(1)
  })

  it('waits as long as the server says, and longer each time where it says nothing', async () => {
    const refused = () => Promise.reject(new TypeError('refused'))
    const answers = [() => problem(429, { 'retry-after': '3' }), refused, () => problem(500), () => json({ status: 'ok' })]
    const { client, waited } = scripted(answers, { retries: 3 })
    expect(await client.health()).toEqual({ status: 'ok' })
    expect(waited).toEqual([3000, 1000, 2000])
  })

  it.each([
    ['the request is wrong', 400, {}],
    ['the server says so', 503, { 'x-should-retry': 'false' }],
    ['the wait would be long', 503, { 'retry-after': '61' }],
  ])('is not made where %s', async (_, status, headers) => {
    const { client, sent } = scripted([() => problem(status, headers)], { retries: 3 })
    await expect(client.health()).rejects.toMatchObject({ status })
    expect(sent).toHaveLength(1)
  })

  it('is made where the server says so, whatever the status', async () => {
    const { client } = scripted([() => problem(409, { 'x-should-retry': 'true' }), () => json({ status: 'ok' })], { retries: 1 })
    expect(await client.health()).toEqual({ status: 'ok' })
  })

  it('ends with the last error', async () => {
    const { client, sent } = scripted([() => problem(503), () => problem(500)], { retries: 1 })
    await expect(client.health()).rejects.toMatchObject({ status: 500 })
    expect(sent).toHaveLength(2)
  })
})

describe('an abort', () => {
  it('throws its reason, not an error of ours', async () => {
    const controller = new AbortController()
    const client = palignClient({
      baseUrl: 'http://localhost',
      fetch: (_, { signal }) =>
        new Promise((_, reject) => signal!.addEventListener('abort', () => reject(new DOMException('x', 'AbortError')))),
    })
    const asked = client.chat.complete(request, { signal: controller.signal })
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(asked).rejects.toBe(reason)
  })

  it('ends the wait for another try', async () => {
    const controller = new AbortController()
    const client = palignClient({
      baseUrl: 'http://localhost',
      retries: 1,
      fetch: async () => {
        setTimeout(() => controller.abort(new Error('enough')))
        return problem(503, { 'retry-after': '50' })
      },
    })
    await expect(client.health({ signal: controller.signal })).rejects.toThrow('enough')
  })
})
