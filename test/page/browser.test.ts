import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasChromium, launchBrowser, openPage } from './browser.ts'

describe.skipIf(!hasChromium)('what a page test can see (needs Chromium)', () => {
  let browser: Browser
  const folder = mkdtempSync(join(tmpdir(), 'palign-page-'))
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser.close()
    rmSync(folder, { recursive: true })
  })
  const opened = async (html: string) => {
    const path = join(folder, 'page.html')
    writeFileSync(path, html)
    const { complaints, requests, close } = await openPage(browser, path)
    await close()
    return { complaints, requests }
  }

  it('an exception, a console error and a request to a network are seen', async () => {
    const { complaints, requests } = await opened(
      '<!doctype html><script>console.error("one")</script><script>throw new Error("two")</script><img src="http://127.0.0.1:9/x.png">',
    )
    expect(complaints).toContain('one')
    expect(complaints).toContain('two')
    expect(requests).toEqual(['http://127.0.0.1:9/x.png'])
  })

  it('a quiet page has nothing to be seen', async () => {
    expect(await opened('<!doctype html><title>quiet</title><p>text</p>')).toEqual({ complaints: [], requests: [] })
  })
})
