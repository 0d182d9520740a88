import { describe, expect, it } from 'vitest'
import type { KeyLimits } from '../../src/server/caller.ts'
import type { KeyRing } from '../../src/server/keys.ts'
import { echoModel } from '../fixtures/echo-model.ts'
import { appOf, chat, complete, get, hello, KEY, problemOf } from './asking.ts'

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

/** Every key is good, and is somebody else's. */
const anyKey = (limits: KeyLimits): KeyRing => ({
  find: async (hash) => ({
    id: `key_${Buffer.from(hash).toString('hex').slice(0, 12)}`,
    name: 'k',
    hash: '',
    scopes: ['chat'],
    limits: { ...limits } as Record<string, number>,
    created: '2026-01-01T00:00:00Z',
  }),
})
const serving = (limits: KeyLimits, model = echoModel()) => appOf({ hosts: undefined, keys: anyKey(limits), model })

describe('a key', () => {
  it('has so many requests a minute, is told how many are left, and when there will be more', async () => {
    const app = serving({ requestsPerMinute: 2 })
    const remaining: (string | null)[] = []
    for (let i = 0; i < 2; i++) {
      const { headers } = await chat(app, hello, bearer(KEY))
      remaining.push(headers.get('x-ratelimit-remaining-requests'))
      expect(headers.get('x-ratelimit-limit-requests')).toBe('2')
      expect(headers.get('x-ratelimit-reset-requests')).toMatch(/^\d+s$/)
    }
    expect(remaining).toEqual(['1', '0'])
    const refused = await chat(app, hello, bearer(KEY))
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50)
    expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('0')
    expect(refused.headers.get('x-should-retry')).toBeNull()
    expect(await problemOf(refused)).toMatchObject({ status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' })
    expect((await chat(app, hello, bearer('l'.repeat(20)))).status).toBe(200)
  })

  it('has so many tokens a minute, those of its answers counted when they are known', async () => {
    const app = serving({ tokensPerMinute: 24 })
    const ask = () => complete(app, { model: 'echo', prompt: 'hello' }, bearer(KEY))
    const first = await ask()
    expect(first.headers.get('x-ratelimit-remaining-tokens')).toBe('19')
    const second = await ask()
    expect(second.headers.get('x-ratelimit-remaining-tokens')).toBe('9')
    const third = await ask()
    expect(await problemOf(third)).toMatchObject({ status: 429, message: expect.stringContaining('24 tokens') })
  })

  it('is told not to repeat what can never fit', async () => {
    const response = await complete(serving({ tokensPerMinute: 4 }), { model: 'echo', prompt: 'hello' }, bearer(KEY))
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([429, 'false'])
  })

  it('has four requests at once, streams among them, and gets places back', async () => {
    const app = serving({}, echoModel({ delayMs: 5 }))
    const open = await Promise.all([1, 2, 3, 4].map(() => chat(app, { ...hello, stream: true }, bearer(KEY))))
    const fifth = await chat(app, hello, bearer(KEY))
    expect(fifth.headers.get('retry-after')).toBe('1')
    expect(await problemOf(fifth)).toMatchObject({ status: 429, code: 'rate_limit_exceeded' })
    await Promise.all(open.map((response) => response.text()))
    expect((await chat(app, hello, bearer(KEY))).status).toBe(200)
  })

  it('holds no place after a request that is wrong or fails', async () => {
    const app = serving({ concurrency: 1 }, echoModel({ failAt: 0 }))
    for (let i = 0; i < 3; i++) expect((await chat(app, hello, bearer(KEY))).status).toBe(500)
  })
})

describe('a server on this machine, without keys', () => {
  it('is limited by its places only', async () => {
    const app = appOf({ model: echoModel({ delayMs: 2 }), running: 2, waiting: 3 })
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => chat(app, hello)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 503])
    const refused = answers.find(({ status }) => status === 503)!
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await problemOf(refused)).toMatchObject({ code: 'server_is_overloaded' })
    expect(answers[0]!.headers.get('x-ratelimit-limit-requests')).toBeNull()
  })

  it('forgets who waited and went', async () => {
    const app = appOf({ model: echoModel({ delayMs: 40 }), running: 1, waiting: 1 })
    const running = chat(app, hello)
    const controller = new AbortController()
    const waiting = app.request('http://localhost/v1/chat/completions', {
      method: 'POST',
      headers: { host: 'localhost', 'content-type': 'application/json' },
      body: JSON.stringify(hello),
      signal: controller.signal,
    })
    await expect.poll(async () => (await get(app, '/metrics')).text(), { interval: 5 }).toMatch(/^palign_requests_waiting 1$/m)
    expect((await chat(app, hello)).status).toBe(503)
    controller.abort()
    await waiting
    expect((await chat(app, hello)).status).toBe(200)
    expect((await running).status).toBe(200)
  })

  it('does not count health and metrics as requests', async () => {
    const app = serving({ requestsPerMinute: 1 })
    for (let i = 0; i < 3; i++) expect((await get(app, '/health', bearer(KEY))).status).toBe(200)
  })
})
