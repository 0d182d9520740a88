import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { serve } from '@hono/node-server'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AppOptions } from '../../src/server/app.ts'
import { eventStream } from '../../src/server/event-stream.ts'
import type { Work } from '../../src/server/work.ts'
import { echoModel } from '../fixtures/echo-model.ts'
import { appOf, chat, chunksOf, complete, eventsOf, hello, problemOf, raw } from './asking.ts'

const streamed = { ...hello, stream: true }

/** Over a socket of its own; closed with the test. */
async function listening(options: Partial<AppOptions>) {
  const server = serve({ fetch: appOf({ hosts: undefined, ...options }).fetch, port: 0, hostname: '127.0.0.1' })
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const ask = (url: string, body: object, signal?: AbortSignal) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  })

async function until(isSo: () => boolean, ms = 2000): Promise<void> {
  const end = Date.now() + ms
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`not so after ${ms} ms`)
    await sleep(2)
  }
}

describe('a stream', () => {
  it.each([chat, complete])('that fails before its first byte is an error', async (send) => {
    const app = appOf({ model: echoModel({ failAt: 0 }) })
    const response = await send(app, { ...hello, ...raw, stream: true })
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect(await problemOf(response)).toMatchObject({ status: 500, code: 'engine_failed' })
  })

  it.each([chat, complete])('that fails later says so, ends, and never has a reason', async (send) => {
    const failures: unknown[] = []
    const app = appOf({ model: echoModel({ failAt: 3 }), onFailure: (error) => failures.push(error) })
    const all = await eventsOf(await send(app, { ...hello, ...raw, stream: true }))
    expect(all.at(-1)).toBe('[DONE]')
    expect(JSON.parse(all.at(-2)!)).toMatchObject({ error: { type: 'server_error', code: 'engine_failed', param: null } })
    expect(all.join()).not.toMatch(/secret|"finish_reason":"/)
    expect(failures).toHaveLength(1)
  })

  it('of a model that stops without a reason is a failure, not an end', async () => {
    const model = {
      ...echoModel(),
      async *generate() {
        yield { kind: 'token', token: 97, text: 'a', logprob: -1 } as const
      },
    }
    const all = await eventsOf(await chat(appOf({ model, onFailure: () => undefined }), streamed))
    expect(JSON.parse(all.at(-2)!)).toMatchObject({ error: { code: 'internal_error' } })
  })

  it('has the number of its request, and says who answers', async () => {
    const response = await chat(appOf(), { ...streamed, persona: 'calm' }, { 'x-request-id': 'mine-1' })
    expect(response.headers.get('x-request-id')).toBe('mine-1')
    expect(response.headers.get('x-persona-id')).toBe('calm')
    expect(response.headers.get('cache-control')).toBe('no-store')
    await chunksOf(response)
  })

  it('gives a sign of life while nothing comes', async () => {
    const app = appOf({ model: echoModel({ delayMs: 60 }), times: { pingMs: 20 } })
    const text = await (await chat(app, streamed)).text()
    expect(text.split(': ping\n\n').length).toBeGreaterThan(3)
    expect(text).toMatch(/data: \[DONE\]\n\n$/)
  })

  it('that takes too long says so and stops the model', async () => {
    const model = echoModel({ delayMs: 20 })
    const all = await eventsOf(await chat(appOf({ model, times: { requestMs: 50 } }), streamed))
    expect(JSON.parse(all.at(-2)!)).toMatchObject({ error: { code: 'server_is_overloaded' } })
    await until(() => model.running() === 0)
  })

  it('goes no faster than it is read', async () => {
    let generated = 0
    const model = {
      ...echoModel(),
      async *generate() {
        for (;;) {
          generated++
          yield { kind: 'token', token: 97, text: 'a', logprob: -1 } as const
        }
      },
    }
    const response = await chat(appOf({ model }), streamed)
    await sleep(30)
    expect(generated).toBeLessThan(8)
    await response.body!.cancel()
  })

  it('cut in the middle of the connection stops the model and gives its place back', async () => {
    const model = echoModel({ delayMs: 10 })
    const url = await listening({ model, running: 1, waiting: 0 })
    const controller = new AbortController()
    const response = await ask(url, { ...streamed, n: 2 }, controller.signal)
    await response.body!.getReader().read()
    controller.abort()
    await until(() => model.running() === 0)
    expect((await ask(url, hello)).status).toBe(200)
  })

  it('that nobody reads is cut, so that its reader sees an error and no end', async () => {
    const model = {
      ...echoModel(),
      async *generate() {
        const text = 'a'.repeat(4096)
        for (let i = 0; i < 20_000; i++) yield { kind: 'token', token: 97, text, logprob: -1 } as const
        throw new Error('the reader was never waited for')
      },
    }
    const url = new URL(await listening({ model, times: { idleMs: 50 } }))
    const body = JSON.stringify(streamed)
    const socket = connect(Number(url.port), url.hostname)
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: ${url.host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    socket.pause()
    await sleep(400)
    let text = ''
    socket.on('data', (data) => {
      text += data
    })
    socket.on('error', () => undefined)
    socket.resume()
    await once(socket, 'close')
    expect(text.slice(0, 15)).toBe('HTTP/1.1 200 OK')
    expect(text).not.toContain('[DONE]')
    // The last chunk of a body that ended well.
    expect(text).not.toMatch(/\r\n0\r\n\r\n$/)
  })

  it('with a chunk that cannot be written is a failure', async () => {
    const work: Work = {
      signal: new AbortController().signal,
      countToken: () => undefined,
      failureOf: (error) => error,
      end: () => undefined,
    }
    const { body, end } = eventStream({
      first: { done: false, value: {} },
      chunks: (async function* (): AsyncGenerator<object> {
        // JSON has no such number: writing the chunk fails.
        yield { number: 1n }
      })(),
      work,
      cut: undefined,
      times: { requestMs: 1000, idleMs: 1000, pingMs: 1000 },
      onFailure: () => undefined,
    })
    const text = await new Response(body).text()
    expect(text).toMatch(/internal_error.*\n\ndata: \[DONE\]\n\n$/)
    expect(await end).toBe('failed')
  })
})

describe('an answer that is not streamed', () => {
  it('stops the model when its client goes', async () => {
    const model = echoModel({ delayMs: 10 })
    const failures: unknown[] = []
    const url = await listening({ model, onFailure: (error) => failures.push(error) })
    const controller = new AbortController()
    const response = ask(url, { ...hello, n: 4 }, controller.signal)
    await until(() => model.running() === 4)
    controller.abort()
    await expect(response).rejects.toThrow(/abort/)
    await until(() => model.running() === 0)
    await sleep(10)
    // Nobody failed.
    expect(failures).toEqual([])
  })

  it('stops the model when a client goes that did not say how long its request is', async () => {
    const model = echoModel({ delayMs: 10, says: () => 'x'.repeat(100) })
    const { port } = new URL(await listening({ model }))
    const asking = request({
      port,
      path: '/v1/chat/completions',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    })
    asking.on('error', () => undefined)
    const body = JSON.stringify({ ...hello, max_tokens: 100 })
    asking.write(body.slice(0, 20))
    asking.end(body.slice(20))
    await until(() => model.running() === 1)
    asking.destroy()
    await until(() => model.running() === 0, 500)
  })

  it('that takes too long is an error that nobody need repeat', async () => {
    const response = await chat(appOf({ model: echoModel({ delayMs: 30 }), times: { requestMs: 50 } }), hello)
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(await problemOf(response)).toMatchObject({ status: 503, code: 'server_is_overloaded' })
  })

  it('that fails in one choice stops the others', async () => {
    let begun = 0
    const slow = echoModel({ delayMs: 20, says: () => 'x'.repeat(200) })
    const broken = echoModel({ failAt: 0 })
    const model = {
      ...slow,
      generate: (request: Parameters<typeof slow.generate>[0]) => (begun++ === 2 ? broken : slow).generate(request),
    }
    expect((await chat(appOf({ model }), { ...hello, n: 3 })).status).toBe(500)
    await until(() => slow.running() === 0)
  })
})
