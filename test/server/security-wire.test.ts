/** What no client library sends, over a socket; and what a request can make the server ask, which is nothing (S-03, S-05, S-13, S-15, S-20). */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { PalignError } from '../../src/errors.ts'
import { loadingApp } from '../../src/server/frame.ts'
import { listen } from '../../src/server/listen.ts'
import { echoModel } from '../fixtures/echo-model.ts'
import { appOf, chat, complete, hello, KEY, post, problemOf, raw } from './asking.ts'

async function listening(app = appOf({ apiKey: KEY })) {
  const server = await listen(app.fetch, { host: '127.0.0.1', port: 0 })
  onTestFinished(() => server.close({ graceMs: 0, cut: () => undefined }))
  return new URL(server.url)
}

/** Statuses and all text that come back for these bytes, until the server closes. */
async function sent(url: URL, text: string) {
  const socket = connect(Number(url.port), url.hostname)
  let answer = ''
  socket.on('data', (data) => {
    answer += data
  })
  socket.on('error', () => undefined)
  socket.write(text)
  await once(socket, 'close')
  return { answer, statuses: [...answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status)) }
}

const body = JSON.stringify(hello)
const postOf = (headers: readonly string[], content = body, path = '/v1/chat/completions') =>
  [`POST ${path} HTTP/1.1`, 'content-type: application/json', 'connection: close', ...headers, '', content].join('\r\n')
const auth = `authorization: Bearer ${KEY}`
const LEAK = /HPE_|node:|\/src\/|node_modules|\bat \w+ \(|TypeError|ERR_/

describe('a request with a strange host (S-03)', () => {
  it.each([
    ...[
      'evil.example',
      'localhost@evil.example',
      'localhost evil',
      'localhost:',
      'localhost:1:2',
      'localhost:99999999',
      '[::1',
      '[::1]x',
      'a,b',
    ],
    ...[
      '0.0.0.0',
      '0',
      '127.1',
      '2130706433',
      '0x7f000001',
      '[::ffff:127.0.0.1]',
      '[::]',
      'localhost.',
      '%6cocalhost',
      'localhost/x',
      'localhost\\x',
      '\u00e9',
    ],
  ])('%j is refused before its key is looked at', async (host) => {
    const { answer, statuses } = await sent(
      await listening(),
      `GET /health HTTP/1.1\r\nhost: ${host}\r\n${auth}\r\nconnection: close\r\n\r\n`,
    )
    expect(statuses).toEqual([400])
    expect(answer).not.toMatch(LEAK)
  })

  it.each([
    'GET http://evil.example/health HTTP/1.1',
    'GET http://localhost/v1/models HTTP/1.1',
    'GET https://localhost:1/metrics HTTP/1.1',
  ])('is judged by its host and its key however it names its target: %s', async (line) => {
    const url = await listening()
    const evil = await sent(url, `${line}\r\nhost: evil.example\r\n${auth}\r\nconnection: close\r\n\r\n`)
    expect(evil.statuses).toEqual([400])
    const keyless = await sent(url, `${line}\r\nhost: localhost\r\nconnection: close\r\n\r\n`)
    expect([keyless.statuses, line.includes('/health')]).toEqual([
      [line.includes('/health') ? 200 : 401],
      line.includes('/health'),
    ])
  })

  it('has one: without, twice or in HTTP/1.0 it is none', async () => {
    const url = await listening()
    for (const head of [
      'GET /health HTTP/1.1\r\n',
      'GET /health HTTP/1.1\r\nhost: localhost\r\nhost: evil\r\n',
      'GET /health HTTP/1.0\r\n',
    ]) {
      const { answer, statuses } = await sent(url, `${head}connection: close\r\n\r\n`)
      expect([head, statuses]).toEqual([head, [400]])
      expect(answer).not.toMatch(LEAK)
    }
  })
})

describe('a body on the wire', () => {
  it('of one length only: two lengths, or a length and chunks, are no request (S-20)', async () => {
    const url = await listening()
    const length = `content-length: ${body.length}`
    for (const headers of [
      [length, 'content-length: 5'],
      [length, 'transfer-encoding: chunked'],
      ['transfer-encoding: chunked, identity'],
      ['transfer-encoding : chunked'],
      ['content-length: -1'],
      ['content-length: 1e3'],
      [`content-length: ${2n ** 64n}`],
    ]) {
      const { answer, statuses } = await sent(url, postOf(['host: localhost', auth, ...headers]))
      expect([headers, statuses]).toEqual([headers, [400]])
      expect(answer).not.toMatch(LEAK)
    }
  })

  it('of 4 MiB and more by its own word is refused before it is sent (S-05)', async () => {
    const { statuses } = await sent(await listening(), postOf(['host: localhost', auth, `content-length: ${1 << 30}`], ''))
    expect(statuses).toEqual([413])
  })

  it('is not read of whom has no key, nor where the model is still loading', async () => {
    const long = postOf(['host: localhost', `content-length: ${1 << 30}`], '')
    expect((await sent(await listening(), long)).statuses).toEqual([401])
    const loading = loadingApp({ hosts: ['localhost'], origins: [] })
    expect((await sent(await listening(loading), long)).statuses.at(0)).toBeGreaterThanOrEqual(413)
  })
})

describe('what a request can make the server ask (S-13)', () => {
  it('is nothing: no address in any field is looked up', async () => {
    let visits = 0
    const bait = createServer((_, response) => {
      visits++
      response.end('{}')
    }).listen(0, '127.0.0.1')
    await once(bait, 'listening')
    onTestFinished(() => void bait.close())
    const { port } = bait.address() as AddressInfo
    const asked = vi.spyOn(globalThis, 'fetch')
    onTestFinished(() => asked.mockRestore())
    const app = appOf()
    const urls = [
      `http://127.0.0.1:${port}/x`,
      `http://127.0.0.1:${port}\\@localhost/`,
      `file:///etc/passwd`,
      `//127.0.0.1:${port}/`,
    ]
    for (const url of urls) {
      const message = (content: unknown) => ({ ...hello, messages: [{ role: 'user', content }] })
      for (const odd of [
        message(url),
        message([{ type: 'image_url', image_url: { url } }]),
        message([{ type: 'file', file: { file_data: url } }]),
        message([{ type: 'text', text: url, cache_control: { url } }]),
        ...[
          'model',
          'persona',
          'user',
          'tools',
          'lora',
          'steering',
          'chat_template',
          'documents',
          'stop',
          'web_search_options',
          'metadata',
        ].flatMap((field) => [
          { ...hello, [field]: url },
          { ...hello, [field]: [{ url }] },
          { ...hello, [field]: { url, server_url: url } },
        ]),
      ]) {
        const { status } = await chat(app, odd)
        expect([200, 400, 404]).toContain(status)
      }
      await complete(app, { ...raw, prompt: url })
      await post(app, '/tokenize', { content: url })
      await chat(app, hello, { 'x-forwarded-host': url, referer: url, 'x-persona': url })
    }
    expect([asked.mock.calls.length, visits]).toEqual([0, 0])
  })
})

describe('an error of ours that names a place of this machine (S-15)', () => {
  it.each([
    'path /srv/models/x is not a regular file',
    'file C:\\models\\x is wrong',
    'file ../x is wrong',
    'see file:///srv/x',
    'persona "/srv/p" is wrong',
  ])('is told to the operator only: %s', async (message) => {
    for (const code of ['invalid-input', 'incompatible-persona', 'malformed-file', 'not-found'] as const) {
      const failures: unknown[] = []
      const model = echoModel({ failAt: 0, failure: new PalignError(code, message) })
      const problem = await problemOf(await chat(appOf({ model, onFailure: (error) => failures.push(error) }), hello))
      expect(problem).toMatchObject({ status: 500, code: 'internal_error', message: 'the server failed; its log says why' })
      expect(failures).toHaveLength(1)
    }
  })

  it('and one that does not is told to whom it concerns', async () => {
    const model = echoModel({ failAt: 0, failure: new PalignError('invalid-input', 'token is 7/8, expected one') })
    expect(await problemOf(await chat(appOf({ model }), hello))).toMatchObject({
      status: 400,
      message: 'token is 7/8, expected one',
    })
  })
})
