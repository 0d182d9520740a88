/// <reference lib="dom" />
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasChromium, launchBrowser, type OpenedPage, openPage } from './browser.ts'

const palign = (...args: string[]) => execFileSync('node', ['dist/cli/main.js', ...args], { stdio: ['ignore', 'pipe', 'ignore'] })

/** One stored result of every kind. */
const STORED = [
  'papi-300-respondent',
  'papi-30-respondent-forms',
  'behaviour-respondent',
  'open-ended-respondent',
  'capability-respondent-limit-100',
  'safety-respondent-limit-50',
].map((name) => `runs/results/${name}.json`)

/** Texts of each figure with their boxes, in the units of the screen. */
const figureTexts = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('svg')].map((svg) => {
      const box = (element: Element) => {
        const { left, right, top, bottom } = element.getBoundingClientRect()
        return { left, right, top, bottom }
      }
      return {
        id: svg.getAttribute('aria-labelledby'),
        box: box(svg),
        texts: [...svg.querySelectorAll('text')].map((text) => ({ words: text.textContent ?? '', box: box(text) })),
      }
    }),
  )

/** WCAG contrast of every text of a kind with what is painted behind the page. */
const leastContrast = (page: Page, selector: string) =>
  page.evaluate((of) => {
    const numbers = (colour: string) => (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number)
    const luminance = (colour: string) => {
      const [r, g, b] = numbers(colour).map((value) => {
        const part = value / 255
        return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
      }) as [number, number, number]
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const paper = luminance(getComputedStyle(document.body).backgroundColor)
    return Math.min(
      ...[...document.querySelectorAll(of)].map((element) => {
        const style = getComputedStyle(element)
        const ink = luminance(element instanceof SVGElement ? style.fill : style.color)
        return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)
      }),
    )
  }, selector)

describe.skipIf(!hasChromium)('the page of a report (needs Chromium)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'palign-report-'))
  const out = join(folder, 'report')
  let browser: Browser
  const opened: OpenedPage[] = []
  const open = async (colorScheme?: 'light' | 'dark') => {
    const page = await openPage(browser, join(out, 'report.html'), { ...(colorScheme && { colorScheme }) })
    opened.push(page)
    return page
  }

  beforeAll(async () => {
    const result = join(folder, 'result.json')
    palign(
      ...['evaluate', '--model', 'models/respondent', '--simulate', '4', '--methods', 'unchanged,few-shot,pas', '--seed', '3'],
      ...['--items', '20,120', '--out', result],
    )
    palign('report', result, ...STORED, '--out', out)
    browser = await launchBrowser()
  }, 400_000)
  afterAll(async () => {
    for (const { close } of opened) await close()
    await browser?.close()
    rmSync(folder, { recursive: true })
  })

  it('opens from disk without a complaint and asks nothing of a network', async () => {
    const { page, complaints, requests } = await open()
    expect(await page.locator('h1').textContent()).toBe('Evaluation of respondent')
    expect(await page.locator('section').count()).toBe(1 + STORED.length)
    expect({ complaints, requests }).toEqual({ complaints: [], requests: [] })
  })

  it('names every figure, and its axes', async () => {
    const { page } = await open()
    const names = await page
      .locator('svg')
      .evaluateAll((figures) =>
        figures.map((svg) => [
          svg.getAttribute('role'),
          document.getElementById(svg.getAttribute('aria-labelledby') ?? '')?.textContent ?? '',
        ]),
      )
    expect(names.length).toBeGreaterThan(12)
    for (const [role, name] of names) {
      expect(role).toBe('img')
      expect(name!.length).toBeGreaterThan(10)
    }
    for (const title of [
      'Error by number of known items',
      'Validation accuracy of the probes of pas',
      'Seconds per person',
      'Correlations between domains',
      'Error of every person',
      'in every form',
      'over the dose of a persona',
      'Effect of steering every trait',
      'in the main measure of every task',
      'Harmful compliance of every arm',
      'Trait scores of answers',
    ])
      expect(names.some(([, name]) => name!.includes(title))).toBe(true)
    for (const axis of [
      'known items (logarithmic)',
      'layer',
      'head',
      'seconds per person (logarithmic)',
      'error with the own predictions',
    ])
      expect(await page.locator('svg text', { hasText: axis }).count()).toBeGreaterThan(0)
  })

  it('keeps every word inside its figure, and no two words on each other', async () => {
    const { page } = await open()
    const slack = 1.5
    for (const { id, box, texts } of await figureTexts(page)) {
      for (const { words, box: text } of texts) {
        const isInside =
          text.left >= box.left - slack &&
          text.right <= box.right + slack &&
          text.top >= box.top - slack &&
          text.bottom <= box.bottom + slack
        expect(isInside, `${id}: "${words}" leaves the figure`).toBe(true)
      }
      texts.forEach(({ words, box: a }, i) => {
        const other = texts
          .slice(i + 1)
          .find(
            ({ box: b }) =>
              a.left < b.right - slack &&
              b.left < a.right - slack &&
              a.top < b.bottom - 2 * slack &&
              b.top < a.bottom - 2 * slack,
          )
        expect(other?.words, `${id}: "${words}" lies on another text`).toBeUndefined()
      })
    }
  })

  it.each(['light', 'dark'] as const)('can be read in %s', async (colorScheme) => {
    const { page } = await open(colorScheme)
    for (const selector of ['svg text', 'td', 'th', 'p', 'figcaption', 'a'])
      expect(await leastContrast(page, selector)).toBeGreaterThan(4.5)
    const marks = ['svg .series', 'svg .series-line', 'svg .rule'].map(async (selector) => page.locator(selector).count())
    for (const count of await Promise.all(marks)) expect(count).toBeGreaterThan(0)
  })

  it('prints every figure and table on white', async () => {
    const { page } = await open('dark')
    await page.emulateMedia({ media: 'print' })
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(255, 255, 255)')
    const hidden = await page
      .locator('svg, table')
      .evaluateAll((parts) => parts.filter((part) => part.getBoundingClientRect().height < 20).length)
    expect(hidden).toBe(0)
    expect(await leastContrast(page, 'svg text')).toBeGreaterThan(4.5)
    expect((await page.pdf({ format: 'A4' })).byteLength).toBeGreaterThan(10_000)
  })
})
