/// <reference lib="dom" />
import { createServer } from 'node:http'
import { resolve } from 'node:path'
import { build } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type * as Client from '../../src/client/index.ts'
import { SCRIPT, scriptedModel } from '../fixtures/scripted-model.ts'
import { bound, type Listening, listening, scriptedApp } from '../server/listening.ts'
import { hasChromium, launchBrowser } from './browser.ts'

const KEY = 'k'.repeat(20)

describe.skipIf(!hasChromium)('palign/client on a page of another origin (needs Chromium)', () => {
  const model = scriptedModel()
  let browser: Browser
  let page: Page
  let pages: Listening
  let server: Listening

  beforeAll(async () => {
    const stdin = { contents: "export * from 'palign/client'", resolveDir: resolve('.') }
    const bundled = await build({ stdin, bundle: true, format: 'iife', globalName: 'palign', platform: 'browser', write: false })
    const script = bundled.outputFiles[0]!.text
    const files = createServer(({ url }, response) => {
      response.setHeader('content-type', url === '/client.js' ? 'text/javascript' : 'text/html')
      response.end(url === '/client.js' ? script : '<!doctype html><title>page</title><script src="/client.js"></script>')
    })
    pages = await bound(files.listen(0, '127.0.0.1'))
    const { origin } = new URL(pages.url)
    server = await listening(scriptedApp({ model, apiKey: KEY, origins: [origin] }))
    browser = await launchBrowser()
    page = await browser.newPage()
    await page.goto(origin)
  })
  afterAll(async () => {
    await browser.close()
    await server.close()
    await pages.close()
  })

  /** What the page sees of a stream: its events, or the error; it aborts when it has read this text. */
  const streamed = (content: string, { persona = 'none', abortAt = '' } = {}) =>
    page.evaluate(
      async ({ url, apiKey, content, persona, abortAt }) => {
        const { palignClient, PalignApiError } = (globalThis as unknown as { palign: typeof Client }).palign
        const client = palignClient({ baseUrl: url, apiKey })
        const controller = new AbortController()
        const messages = [{ role: 'user', content }] as const
        let text = ''
        try {
          for await (const event of client.chat.stream({ model: 'echo', messages, persona }, { signal: controller.signal })) {
            if (event.kind === 'text') text += event.text
            if (abortAt !== '' && text.endsWith(abortAt)) controller.abort()
          }
        } catch (error) {
          if (!(error instanceof PalignApiError)) return { text, error: (error as Error).name }
          const { status, code, requestId } = error
          return { text, error: { status, code, requestId } }
        }
        return { text }
      },
      { url: server.url, apiKey: KEY, content, persona, abortAt },
    )

  it('streams a text whose characters take several bytes', async () => {
    expect(await streamed('grün 🌱 ja', { persona: 'calm' })).toEqual({ text: 'grün 🌱 ja' })
  })

  it('sees why nobody answers, and which request that was', async () => {
    const error = { status: 404, code: 'persona_not_found', requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) }
    expect(await streamed('hello', { persona: 'wild' })).toEqual({ text: '', error })
  })

  it('sees a failure in the middle', async () => {
    expect(await streamed(SCRIPT.failLater)).toMatchObject({ text: 'fail', error: { status: 200, code: 'engine_failed' } })
  })

  it('stops the model when it aborts', async () => {
    const before = model.runs.length
    expect(await streamed(SCRIPT.endless, { abortAt: 'never' })).toMatchObject({ error: 'AbortError' })
    await expect.poll(() => model.runs[before]!.signal!.aborted).toBe(true)
  })
})
