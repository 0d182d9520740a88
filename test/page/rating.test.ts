import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answeredPrompts } from '../../src/eval/rating/answers.ts'
import { designRating, type RatingDesign } from '../../src/eval/rating/design.ts'
import { ratingPage } from '../../src/eval/rating/page.ts'
import { countBallot, parseRating } from '../../src/eval/rating/ratings.ts'
import { readJsonLines } from '../../src/node/read-json-lines.ts'
import { hasChromium, launchBrowser, openPage } from './browser.ts'

/** What a model may say to harm the page, or to hide. */
const HOSTILE = [
  '</script><script>console.error("ran")</script>',
  '<img src="http://127.0.0.1:9/x.png" onerror="console.error(1)">',
  'a\u2028b\u2029c \u202edesrever',
  '',
]

describe.skipIf(!hasChromium)('the rating page (needs Chromium)', () => {
  let browser: Browser
  let design: RatingDesign
  const folder = mkdtempSync(join(tmpdir(), 'palign-rate-'))
  const path = join(folder, 'rate.html')
  beforeAll(async () => {
    const answers = HOSTILE.flatMap((text, place) => [
      { id: `${place}`, prompt: `Prompt ${place} <b>bold</b>`, persona: 'Likes </script> & quiet', arm: 'first', text },
      {
        id: `${place}`,
        prompt: `Prompt ${place} <b>bold</b>`,
        persona: 'Likes </script> & quiet',
        arm: 'second',
        text: `plain ${place}`,
      },
    ])
    design = await designRating(answeredPrompts(answers), {
      raters: 2,
      overlap: 1,
      repeat: 0,
      attention: 0.25,
      seed: 4,
      version: '0.0.0',
    })
    writeFileSync(path, await ratingPage(design.package))
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser.close()
    rmSync(folder, { recursive: true })
  })

  const title = (page: Page) => page.locator('#task-title').textContent()
  const shownTask = async (page: Page) => ({
    prompt: await page.locator('#prompt').textContent(),
    left: await page.locator('#left-text').textContent(),
    right: await page.locator('#right-text').textContent(),
  })
  const taskOf = (task: string) => {
    const { prompt, left, right } = design.package.tasks.find((each) => each.task === task)!
    return { prompt, left: left === '' ? '(no text)' : left, right: right === '' ? '(no text)' : right }
  }

  it('rates by mouse and by keyboard, keeps progress over a reload, and gives what an import reads', async () => {
    const { page, complaints, requests, close } = await openPage(browser, path)
    const [first, second] = design.package.assignments.r01!
    await page.getByLabel('Your code').selectOption('r01')
    expect(await title(page)).toBe('Task 1 of 5')
    expect(await shownTask(page)).toEqual(taskOf(first!))
    await page
      .getByRole('group', { name: /Grade of the left/ })
      .getByLabel('5', { exact: true })
      .click()
    await page
      .getByRole('group', { name: /Grade of the right/ })
      .getByLabel('2', { exact: true })
      .click()
    await page.getByLabel(/The left one/).click()
    await page.getByRole('button', { name: 'Next' }).click()

    expect(await title(page)).toBe('Task 2 of 5')
    expect(await shownTask(page)).toEqual(taskOf(second!))
    for (const key of ['3', 'Shift+Digit6', 'x', 'Enter']) await page.keyboard.press(key)
    expect(await title(page)).toBe('Task 3 of 5')

    await page.reload()
    expect(await title(page)).toBe('Task 3 of 5')
    expect(await page.locator('#count').textContent()).toBe('2 of 5 rated')

    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download' }).click()])
    expect(download.suggestedFilename()).toBe(`ratings-${design.package.id}-r01.jsonl`)
    const saved = join(folder, 'ratings.jsonl')
    await download.saveAs(saved)
    const ratings = (await readJsonLines(saved, { maxBytes: 1 << 20, maxRows: 100 })).rows.map(({ line, value }) => ({
      place: `line ${line}`,
      rating: parseRating(value),
    }))
    const rated = { package: design.package.id, rater: 'r01' }
    expect(ratings.map(({ rating }) => rating)).toEqual([
      { ...rated, task: first, choice: 'left', left: 5, right: 2 },
      { ...rated, task: second, choice: 'both-bad', left: 3, right: 6 },
    ])
    expect(() => countBallot(design.key, ratings)).not.toThrow()
    expect({ complaints, requests }).toEqual({ complaints: [], requests: [] })
    await close()
  })

  it('goes through all tasks by keyboard alone, shows every text as it is, and says when all is rated', async () => {
    const { page, complaints, requests, close } = await openPage(browser, path)
    await page.getByLabel('Your code').focus()
    await page.keyboard.press('ArrowDown')
    for (const task of design.package.assignments.r01!) {
      expect(await shownTask(page)).toEqual(taskOf(task))
      await page.locator('#task-title').focus()
      for (const key of ['1', 'Shift+Digit1', 's', 'Enter']) await page.keyboard.press(key)
    }
    expect(await page.locator('#done').isVisible()).toBe(true)
    expect(await page.evaluate('document.activeElement.id')).toBe('done-title')
    expect({ complaints, requests }).toEqual({ complaints: [], requests: [] })
    await close()
  })

  it('does not go on before everything is answered, and says what is missing', async () => {
    const { page, close } = await openPage(browser, path)
    await page.getByLabel('Your code').selectOption('r02')
    await page.keyboard.press('4')
    await page.getByRole('button', { name: 'Next' }).click()
    expect(await page.getByRole('status').textContent()).toBe('Still missing: the grade of the right answer, your choice.')
    expect(await title(page)).toBe('Task 1 of 5')
    await close()
  })

  it('goes back to what was chosen, and keys do nothing where shortcuts are off', async () => {
    const { page, close } = await openPage(browser, path)
    await page.getByLabel('Your code').selectOption('r02')
    for (const key of ['4', 'Shift+Digit2', 'd', 'Enter']) await page.keyboard.press(key)
    await page.getByRole('button', { name: 'Back' }).click()
    const checked = () =>
      page.locator('#work input:checked[type=radio]').evaluateAll((inputs) => inputs.map((input) => input.getAttribute('value')))
    expect(await checked()).toEqual(['4', '2', 'right'])
    await page.getByLabel('Single-key shortcuts').uncheck()
    await page.keyboard.press('a')
    expect(await checked()).toEqual(['4', '2', 'right'])
    await close()
  })

  it('goes on without storage, and says that nothing is kept', async () => {
    const { page, complaints, close } = await openPage(browser, path)
    await page.addInitScript("Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied') } })")
    await page.reload()
    await page.getByLabel('Your code').selectOption('r01')
    for (const key of ['4', 'Shift+Digit2', 'd', 'Enter']) await page.keyboard.press(key)
    expect(await title(page)).toBe('Task 2 of 5')
    expect(await page.locator('#storage').textContent()).toContain('keeps nothing')
    expect(complaints).toEqual([])
    await close()
  })

  it('takes nothing from the storage that it could not have written', async () => {
    const { page, complaints, close } = await openPage(browser, path)
    const task = design.package.assignments.r01![0]!
    const damaged = JSON.stringify({ [task]: { choice: 'left', left: 9, right: 1 } })
    await page.evaluate(
      `localStorage.setItem(${JSON.stringify(`palign-rating ${design.package.id} r01`)}, ${JSON.stringify(damaged)})`,
    )
    await page.getByLabel('Your code').selectOption('r01')
    expect(await page.locator('#count').textContent()).toBe('0 of 5 rated')
    expect(complaints).toEqual([])
    await close()
  })

  it.each(['light', 'dark'] as const)('can be read in %s: text and paper differ in lightness', async (colorScheme) => {
    const { page, close } = await openPage(browser, path, { colorScheme })
    const sum = (property: string) =>
      page.evaluate<number>(
        `getComputedStyle(document.body).${property}.match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0)`,
      )
    const [ink, paper] = [await sum('color'), await sum('backgroundColor')]
    expect(colorScheme === 'light' ? paper - ink : ink - paper).toBeGreaterThan(500)
    await close()
  })

  it('labels every control', async () => {
    const { page, close } = await openPage(browser, path)
    await page.getByLabel('Your code').selectOption('r01')
    const unnamed = await page.evaluate<string[]>(
      "[...document.querySelectorAll('input, select, button')].filter((control) => !(control.labels?.length || control.textContent.trim())).map((control) => control.outerHTML)",
    )
    expect(unnamed).toEqual([])
    await close()
  })

  it('is one file that names nothing outside itself', () => {
    expect(readFileSync(path, 'utf8')).not.toMatch(/<[^>]* src=|url\(|<link/)
  })
})
