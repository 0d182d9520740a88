import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { ALLOWED_HEADERS } from '../../src/server/guard.ts'
import { appOf, chat, get, hello, KEY, problemOf } from './asking.ts'

const MINE = 'https://mine.example'

describe('the guard', () => {
  it.each([
    'evil.example',
    'localhost.evil.example',
    '0.0.0.0',
    'localhost:80:80',
    '127.0.0.1@evil',
    '[::1',
    '2130706433',
    'localhost\u0000',
    '',
  ])('refuses the host %j (S-03)', async (host) => {
    // A header that the platform itself refuses never arrives.
    const asked = await (async () => get(appOf({ hosts: ['localhost', '[::1]'] }), '/v1/models', { host }))().catch(
      () => undefined,
    )
    if (asked !== undefined) expect(await problemOf(asked)).toMatchObject({ status: 400, code: 'forbidden_host' })
    else expect(host).toContain('\u0000')
  })

  it.each(['localhost', 'localhost:1234', 'LOCALHOST', '[::1]:80'])('knows its own name %s', async (host) => {
    expect((await get(appOf({ hosts: ['localhost', '[::1]'] }), '/v1/models', { host })).status).toBe(200)
  })

  it('stands before health too: a page that rebinds its name learns nothing (S-03)', async () => {
    expect((await get(appOf(), '/health', { host: 'evil.example' })).status).toBe(400)
  })

  it.each([
    'https://evil.example',
    'null',
    'http://localhost.evil.example',
    'http://localhost:2',
    'https://mine.example.evil',
    'http://mine.example',
  ])('refuses the page %s, with no word that a browser would let it read (S-03)', async (origin) => {
    const response = await chat(appOf({ origins: [MINE] }), hello, { origin })
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    expect(await problemOf(response)).toMatchObject({ status: 400, code: 'forbidden_host' })
  })

  it('lets pages ask that this server sent itself', async () => {
    expect((await chat(appOf(), hello, { origin: 'http://localhost:1' })).status).toBe(200)
  })
})

describe('a page on the list', () => {
  it('may ask, and read what it needs of the answer, also of an error', async () => {
    const app = appOf({ origins: [MINE] })
    for (const response of [await chat(app, hello, { origin: MINE }), await chat(app, {}, { origin: MINE })]) {
      expect(response.headers.get('access-control-allow-origin')).toBe(MINE)
      expect(response.headers.get('vary')).toBe('Origin')
      const exposed = response.headers.get('access-control-expose-headers')!.split(', ')
      expect(exposed).toEqual(
        expect.arrayContaining(['x-request-id', 'x-persona-id', 'retry-after', 'x-ratelimit-remaining-tokens']),
      )
    }
  })

  it('is told what it may send before it has a key to show', async () => {
    const app = appOf({ origins: [MINE], apiKey: KEY })
    const preflight = (origin: string) =>
      app.request('http://localhost/v1/chat/completions', {
        method: 'OPTIONS',
        headers: { host: 'localhost', origin, 'access-control-request-method': 'POST' },
      })
    const answer = await preflight(MINE)
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([204, MINE])
    expect(answer.headers.get('access-control-allow-methods')).toContain('POST')
    expect(answer.headers.get('access-control-allow-headers')).toContain('x-persona')
    expect((await preflight('https://evil.example')).status).toBe(400)
    const other = await app.request('http://localhost/v1/models', {
      method: 'OPTIONS',
      headers: { host: 'localhost', origin: MINE },
    })
    expect(other.status).toBe(401)
  })

  it('may send every header that the client of OpenAI sends', async () => {
    const folder = 'node_modules/openai'
    const texts = await Promise.all(
      [
        'client.mjs',
        'internal/detect-platform.mjs',
        'lib/ChatCompletionStream.mjs',
        'resources/chat/completions/completions.mjs',
        'resources/beta/threads/runs/runs.mjs',
      ].map((file) => readFile(`${folder}/${file}`, 'utf8')),
    )
    const sent = new Set(
      texts.flatMap((text) =>
        [...text.matchAll(/['"]((?:X-Stainless|OpenAI)-[A-Za-z-]+)['"]/g)].map(([, name]) => name!.toLowerCase()),
      ),
    )
    expect(sent.size).toBeGreaterThan(8)
    expect([...sent].filter((name) => !(ALLOWED_HEADERS as readonly string[]).includes(name))).toEqual([])
  })
})
