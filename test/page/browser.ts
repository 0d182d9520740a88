/**
 * @file Pages as people open them: from disk, in Debian's Chromium. What the page says to its console and what it asks of a network is
 * written down; tests skip, by name, where there is no Chromium.
 */
import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'

export const hasChromium = existsSync(CHROMIUM)

export interface OpenedPage {
  readonly page: Page
  /** Errors and warnings of the console, and exceptions. */
  readonly complaints: readonly string[]
  /** Addresses asked for that are not files. */
  readonly requests: readonly string[]
  close(): Promise<void>
}

export interface OpenPageOptions {
  readonly colorScheme?: 'light' | 'dark'
}

export function launchBrowser(): Promise<Browser> {
  // Without a sandbox, since tests may run as root in a container; the pages are our own.
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
}

/** @param path of an HTML file */
export async function openPage(
  browser: Browser,
  path: string,
  { colorScheme = 'light' }: OpenPageOptions = {},
): Promise<OpenedPage> {
  const context = await browser.newContext({ colorScheme })
  const page = await context.newPage()
  const complaints: string[] = []
  const requests: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => {
    if (!/^(file|data|blob):/.test(request.url())) requests.push(request.url())
  })
  await page.goto(pathToFileURL(path).href)
  return { page, complaints, requests, close: () => context.close() }
}
