import { createServer } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { palignClient } from '../../src/client/index.ts'
import { loadingApp } from '../../src/server/frame.ts'
import { SCRIPT, scriptedModel } from '../fixtures/scripted-model.ts'
import { type Ask, CLIENT_LIBRARIES } from './client-libraries.ts'
import { bound, type Listening, listening, looking, scriptedApp } from './listening.ts'

const model = scriptedModel()
const KEY = 'k'.repeat(20)

/** Servers by what is special about them. */
const APPS = {
  plain: () => scriptedApp({ model }),
  locked: () => scriptedApp({ model, apiKey: KEY }),
  full: () => scriptedApp({ model, running: 0, waiting: 0 }),
  looking: () => scriptedApp({ model, keys: { find: async () => looking } }),
  limited: () => scriptedApp({ model, apiKey: KEY, keyLimits: { requestsPerMinute: 0 } }),
  loading: () => loadingApp({ hosts: ['127.0.0.1'], origins: [] }),
}
type AppName = keyof typeof APPS
const servers = new Map<AppName, Listening>()

beforeAll(async () => {
  for (const [name, app] of Object.entries(APPS)) servers.set(name as AppName, await listening(app()))
})
afterAll(async () => {
  for (const server of servers.values()) await server.close()
})
const urlOf = (name: AppName) => servers.get(name)!.url

interface Refusal {
  readonly code: string
  readonly status: number
  readonly param?: string
  readonly message: RegExp
  readonly app?: AppName
  /** Below the address of the server. */
  readonly path?: string
  readonly ask?: Partial<Ask>
  /** Changes the request on its way: what no library does by itself. */
  readonly change?: (init: RequestInit) => RequestInit
}

const withHeader = (name: string, value: string) => (init: RequestInit) => {
  const headers = new Headers(init.headers)
  headers.set(name, value)
  return { ...init, headers }
}
const REFUSALS: readonly Refusal[] = [
  { code: 'invalid_json', status: 400, message: /not valid JSON/, change: (init) => ({ ...init, body: '{' }) },
  { code: 'invalid_type', status: 400, message: /no JSON object/, change: (init) => ({ ...init, body: '[]' }) },
  { code: 'invalid_type', status: 400, param: 'top_p', message: /top_p/, ask: { fields: { top_p: 'much' } } },
  { code: 'invalid_value', status: 400, param: 'temperature', message: /temperature/, ask: { fields: { temperature: 3 } } },
  {
    code: 'invalid_value',
    status: 400,
    param: 'persona',
    message: /has no alpha/,
    ask: { fields: { persona: { id: 'calm', alpha: 2 } } },
  },
  {
    code: 'missing_required_parameter',
    status: 400,
    param: 'messages',
    message: /messages/,
    change: (init) => ({ ...init, body: JSON.stringify({ model: 'echo' }) }),
  },
  {
    code: 'persona_incompatible',
    status: 400,
    param: 'persona',
    message: /found on another model/,
    ask: { content: SCRIPT.misfit },
  },
  {
    code: 'unsupported_value',
    status: 400,
    param: 'functions',
    message: /functions is not supported/,
    ask: { fields: { functions: [{}] } },
  },
  {
    code: 'context_length_exceeded',
    status: 400,
    param: 'messages',
    message: /maximum context length is 4096/,
    ask: { content: 'x'.repeat(5000) },
  },
  { code: 'forbidden_host', status: 400, message: /page that may not ask/, change: withHeader('origin', 'https://evil.example') },
  { code: 'invalid_api_key', status: 401, message: /key is missing or wrong/, app: 'locked', ask: { apiKey: 'wrong' } },
  { code: 'model_not_found', status: 404, param: 'model', message: /"gpt" does not exist/, ask: { model: 'gpt' } },
  { code: 'persona_not_found', status: 404, param: 'persona', message: /"wild" does not exist/, ask: { model: 'echo@wild' } },
  {
    code: 'persona_not_found',
    status: 404,
    param: 'persona',
    message: /"wild" does not exist/,
    ask: { fields: { persona: 'wild' } },
  },
  { code: 'route_not_found', status: 404, message: /route does not exist/, path: '/nothing' },
  { code: 'method_not_allowed', status: 405, message: /is not allowed here/, change: (init) => ({ ...init, method: 'PUT' }) },
  { code: 'request_too_large', status: 413, message: /more than 4194304 bytes/, ask: { content: 'x'.repeat(5 << 20) } },
  { code: 'unsupported_media_type', status: 415, message: /another type/, change: withHeader('content-type', 'text/plain') },
  { code: 'engine_failed', status: 500, message: /no usable answer/, ask: { content: SCRIPT.failAtOnce } },
  { code: 'server_is_overloaded', status: 503, message: /try again later/, app: 'full' },
  { code: 'insufficient_scope', status: 403, message: /scope/, app: 'looking', ask: { apiKey: KEY } },
  { code: 'rate_limit_exceeded', status: 429, message: /0 requests a minute/, app: 'limited', ask: { apiKey: KEY } },
  { code: 'model_loading', status: 503, message: /is loading/, app: 'loading' },
]

/** The class that each library has for a status. */
function classFor(library: string, { status, code }: Refusal): string {
  if (library === 'palign/client') return 'PalignApiError'
  if (library.startsWith('ai ')) return 'APICallError'
  if (library === '@langchain/openai' && code === 'context_length_exceeded') return 'ContextOverflowError'
  const classes: Readonly<Record<number, string>> = {
    400: 'BadRequestError',
    401: 'AuthenticationError',
    403: 'PermissionDeniedError',
    404: 'NotFoundError',
    429: 'RateLimitError',
    500: 'InternalServerError',
    503: 'InternalServerError',
  }
  return classes[status] ?? 'APIError'
}

function askOf({ app = 'plain', path = '', ask, change }: Refusal): Ask {
  const changed: typeof fetch = (url, init) => fetch(url, change!(init!))
  return { url: urlOf(app) + path, content: 'hello', ...ask, ...(change && { fetch: changed }) }
}

const errorOf = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    (answer) => expect.fail(`answered ${JSON.stringify(answer)}`),
    (error: unknown) => error,
  )

describe.each(CLIENT_LIBRARIES)('$name', (library) => {
  const hello = () => ({ url: urlOf('plain'), content: 'hello' })
  const answer = { text: 'hello', reason: 'stop', promptTokens: expect.any(Number), completionTokens: 5 }

  it('chats', async () => {
    expect(await library.complete(hello())).toEqual(answer)
  })

  it('streams, with usage', async () => {
    const pieces: string[] = []
    expect(await library.stream(hello(), (text) => pieces.push(text))).toEqual(answer)
    expect(pieces).toEqual([...'hello'])
  })

  it('says that an answer was cut', async () => {
    const cut = { ...hello(), fields: { max_completion_tokens: 2 } }
    for (const way of [library.complete, library.stream]) {
      expect(await way(cut)).toMatchObject({ text: 'he', reason: 'length', completionTokens: 2 })
    }
  })

  it('chooses a persona by the model and by a field', async () => {
    const unsteered = (await library.complete(hello())).promptTokens!
    const byModel = await library.complete({ ...hello(), model: 'echo@calm' })
    const byField = await library.complete({ ...hello(), fields: { persona: 'calm' } })
    expect(byModel.promptTokens).not.toBe(unsteered)
    expect(byField).toEqual(byModel)
  })

  it('sends its key', async () => {
    expect(await library.complete({ ...hello(), url: urlOf('locked'), apiKey: KEY })).toEqual(answer)
  })

  it.each(['complete', 'stream'] as const)('stops the model when it cancels in the middle: %s', async (way) => {
    const before = model.runs.length
    const controller = new AbortController()
    const asked = library[way]({ url: urlOf('plain'), content: SCRIPT.endless, signal: controller.signal }, (text) => {
      if (text === 'r') controller.abort()
    })
    // What a library does at the end of a cancelled stream is its own affair: `openai` ends it without an error.
    const ended = asked.then(
      () => 'answered',
      () => 'threw',
    )
    await expect.poll(() => model.runs[before]?.tokens).toBeGreaterThan(3)
    if (way === 'complete') {
      controller.abort()
      expect(await ended).toBe('threw')
    }
    await ended
    const run = model.runs[before]!
    await expect.poll(() => run.signal!.aborted).toBe(true)
    const { tokens } = run
    await wait(50)
    // One token may have been under way; an endless run makes about twenty in this time.
    expect(run.tokens).toBeLessThanOrEqual(tokens + 1)
  })

  it.each(REFUSALS.flatMap((refusal) => (['complete', 'stream'] as const).map((way) => ({ ...refusal, way }))))(
    'gives $code ($status $param) as its own error: $way',
    async ({ way, ...refusal }) => {
      const { code, status, param = null, message } = refusal
      const error = library.facts(await errorOf(library[way](askOf(refusal))))
      expect(error).toMatchObject({ of: classFor(library.name, refusal), status, code, message: expect.stringMatching(message) })
      expect(error.param ?? null).toBe(param)
    },
  )

  it('gives a failure in the middle of a stream as an error, after the text before it', async () => {
    const pieces: string[] = []
    const asked = library.stream({ url: urlOf('plain'), content: SCRIPT.failLater }, (text) => pieces.push(text))
    const error = library.facts(await errorOf(asked))
    expect(pieces.join('')).toBe('fail')
    expect(error).toMatchObject({ code: 'engine_failed', message: expect.stringMatching(/no usable answer/) })
    // The AI SDK hands the body of such an error over as it came.
    const of = { 'palign/client': 'PalignApiError', 'ai with @ai-sdk/openai-compatible': 'no error of the library' }[library.name]
    expect(error.of).toBe(of ?? 'APIError')
  })

  it('does not take a stream for whole whose socket is destroyed', async () => {
    const chunk = {
      id: 'i',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'echo',
      choices: [{ index: 0, delta: { role: 'assistant', content: 'half' }, finish_reason: null }],
    }
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: ${JSON.stringify(chunk)}\n\n`, () => setTimeout(() => response.destroy(), 20))
    })
    const broken = await bound(server.listen(0, '127.0.0.1'))
    try {
      await expect(library.stream({ url: broken.url, content: 'hello' })).rejects.toThrow()
    } finally {
      await broken.close()
    }
  })
})

describe('palign/client', () => {
  const client = () => palignClient({ baseUrl: urlOf('plain') })
  const tops = { logprobs: 2, temperature: 0 }

  it('completes raw text, texts and tokens, and streams the same', async () => {
    for (const prompt of ['ab', ['ab', 'c'], [97, 98], [[97, 98], [99]]]) {
      const request = { model: 'echo', prompt, n: 2, echo: true, ...tops }
      const { choices } = await client().completions.complete(request)
      expect(choices.map(({ text }) => text)).toEqual(choices.length === 2 ? ['abab', 'abab'] : ['abab', 'abab', 'cc', 'cc'])
      const texts: string[] = choices.map(() => '')
      const logprobs: (number | null)[][] = choices.map(() => [])
      for await (const event of client().completions.stream(request)) {
        if (event.kind !== 'text') continue
        texts[event.choice] += event.text
        logprobs[event.choice]!.push(...(event.logprobs?.token_logprobs ?? []))
      }
      expect(texts).toEqual(choices.map(({ text }) => text))
      expect(logprobs).toEqual(choices.map((choice) => choice.logprobs!.token_logprobs))
      expect(logprobs[0]!.slice(0, 2)).toEqual([null, -1])
    }
  })

  it('gives log-probabilities of chats, whole and streamed', async () => {
    const messages = [{ role: 'user', content: 'hey' }] as const
    const request = { model: 'echo', messages, logprobs: true, top_logprobs: 2 }
    const { choices } = await client().chat.complete(request)
    const whole = choices[0]!.logprobs!.content!
    expect(whole.slice(0, 3).map(({ token, top_logprobs }) => [token, top_logprobs.length])).toEqual([
      ['h', 2],
      ['e', 2],
      ['y', 2],
    ])
    const streamed = []
    for await (const event of client().chat.stream(request)) {
      if (event.kind === 'text') streamed.push(...(event.logprobs?.content ?? []))
    }
    expect(streamed).toEqual(whole)
  })

  it('lists models, counts tokens and asks how the server is', async () => {
    const [base, persona] = await client().models.list()
    expect(persona).toMatchObject({ id: 'echo@calm', parent: base!.id })
    expect(await client().models.get('echo@calm')).toEqual(persona)
    expect(await client().tokenize('hé')).toEqual([104, 233])
    expect(await client().detokenize([104, 233])).toBe('hé')
    expect(await client().health()).toEqual({ status: 'ok' })
    expect(await client().props()).toMatchObject({ model: { id: 'echo', context_length: 4096 }, personas: { loaded: 1 } })
  })

  it('names the request in an error', async () => {
    await expect(client().models.get('gpt')).rejects.toMatchObject({
      code: 'model_not_found',
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
  })
})
