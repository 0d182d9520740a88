/** S-15 and S-24 over the demo model: a crash of the engine under load, and requests of different personas that share all they can. */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { type LanguageModel, loadModel } from 'palign'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AppOptions } from '../../src/server/app.ts'
import { crash, crashingEngine } from '../fixtures/crashing-engine.ts'
import { randomPersonas } from '../fixtures/random-personas.ts'
import { chat, complete, eventsOf, get, problemOf } from './asking.ts'

const demo = 'models/respondent'
const scratch = mkdtempSync(join(tmpdir(), 'palign-engine-'))
afterAll(() => rmSync(scratch, { recursive: true }))

// The application of the build, as the model is: their errors must be of one class.
const { serverApp } = (await import(
  new URL('../../dist/server/app.js', import.meta.url).href
)) as typeof import('../../src/server/app.ts')

const appOver = (model: LanguageModel, options: Partial<AppOptions> = {}) =>
  serverApp({
    model,
    name: 'respondent',
    personas: randomPersonas({ model, count: 2 }).map((persona, i) => ({ id: `p${i}`, persona, root: `p${i}` })),
    hosts: ['localhost'],
    origins: [],
    running: 16,
    ...options,
  })
type App = ReturnType<typeof serverApp>

const metricsOf = async (app: App) => (await get(app, '/metrics')).text()

const base = { model: 'respondent', messages: [{ role: 'user', content: 'What do you do on a free evening?' }], temperature: 0 }

describe('an engine that crashes under load', () => {
  const workers: Worker[] = []
  let model: LanguageModel
  beforeAll(async () => {
    // Without an end token every answer is still under way when the thread dies.
    const folder = mkdtempSync(join(scratch, 'endless-'))
    for (const file of readdirSync(demo)) copyFileSync(join(demo, file), join(folder, file))
    const { eos_token_id: _, ...config } = JSON.parse(readFileSync(join(demo, 'config.json'), 'utf8')) as Record<string, unknown>
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
    model = await loadModel(folder, {
      startWorker() {
        workers.push(crashingEngine())
        return workers.at(-1)!
      },
    })
  })
  afterAll(() => model.dispose())

  it('fails every answer under way with an error of its own and no reason, and the next request is answered (S-15)', async () => {
    const failures: unknown[] = []
    const app = appOver(model, { onFailure: (error) => failures.push(error) })
    const short = { ...base, persona: 'p0', max_tokens: 8 }
    const before = await (await chat(app, short)).json()
    const long = { ...base, max_tokens: 1900, temperature: 1, n: 2 }
    const streams = await Promise.all([
      chat(app, { ...long, stream: true, persona: 'p0' }),
      chat(app, { ...long, stream: true, persona: 'p1' }),
      complete(app, { model: 'respondent', prompt: 'Who are you?', max_tokens: 1900, stream: true, logprobs: 1 }),
    ])
    // Their heads are out: from now on a failure must be said inside the stream.
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200])
    const whole = [chat(app, long), complete(app, { model: 'respondent', prompt: 'Who?', max_tokens: 1900 })]
    await expect.poll(() => metricsOf(app), { interval: 5 }).toMatch(/^palign_requests_running 5$/m)
    await crash(workers.at(-1)!)
    for (const stream of streams) {
      const events = await eventsOf(stream)
      expect(events.at(-1)).toBe('[DONE]')
      expect(JSON.parse(events.at(-2)!)).toMatchObject({ error: { type: 'server_error', code: 'engine_failed' } })
      expect(events.join()).not.toMatch(/"finish_reason":"/)
      expect(events.join()).not.toMatch(/worker|dist|\.js/)
    }
    for (const response of await Promise.all(whole)) {
      const { status, code, message } = await problemOf(response)
      expect([status, code, message]).toEqual([500, 'engine_failed', 'the model gave no usable answer'])
    }
    expect(failures.length).toBe(5)
    const after = await (await chat(app, short)).json()
    const said = (answer: unknown) => (answer as { choices: unknown }).choices
    expect(said(after)).toEqual(said(before))
    expect(workers).toHaveLength(2)
    expect(await metricsOf(app)).toMatch(/^palign_requests_running 0$/m)
  })

  it('again and again is started again each time, also for many requests at once (S-15)', async () => {
    const app = appOver(model, { onFailure: () => undefined })
    const ask = async () => (await chat(app, { ...base, max_tokens: 2 })).status
    expect(await ask()).toBe(200)
    for (let i = 0; i < 3; i++) {
      const count = workers.length
      await crash(workers.at(-1)!)
      expect(await Promise.all(Array.from({ length: 6 }, ask))).toEqual([200, 200, 200, 200, 200, 200])
      expect(workers).toHaveLength(count + 1)
    }
  })
})

describe('personas that share the beginnings of their prompts', () => {
  const system = 'You are asked about evenings and mornings, friends and strangers, work and rest, plans and moods. '.repeat(6)
  const personas = [
    'none',
    { id: 'p0', alpha: 8 },
    { id: 'p0', alpha: 8.000001 },
    { id: 'p0', alpha: -8 },
    { id: 'p1', alpha: 8 },
    [
      { id: 'p0', alpha: 8 },
      { id: 'p1', alpha: 8 },
    ],
  ]
  const requests = ['What do you do?', 'Whom do you like?'].flatMap((question) =>
    personas.map((persona) => ({
      model: 'respondent',
      messages: [
        { role: 'system', content: system },
        { role: 'user', content: question },
      ],
      max_tokens: 12,
      temperature: 0,
      logprobs: true,
      top_logprobs: 3,
      persona,
    })),
  )
  const choicesOf = async (app: App, request: object) => {
    const response = await chat(app, request)
    expect(response.status).toBe(200)
    return ((await response.json()) as { choices: unknown }).choices
  }

  it('get every number that they get alone on a model that keeps nothing, after cancellations too (S-24)', async () => {
    const [keeping, forgetting] = await Promise.all([loadModel(demo), loadModel(demo, { batchLimits: { mostPrefixBytes: 0 } })])
    const alone: unknown[] = []
    const solo = appOver(forgetting)
    for (const request of requests) alone.push(await choicesOf(solo, request))
    expect(new Set(alone.map((choices) => JSON.stringify(choices))).size).toBeGreaterThan(requests.length / 2)

    const app = appOver(keeping)
    const cancelled = async (request: object) => {
      const controller = new AbortController()
      const response = await app.request('http://localhost/v1/chat/completions', {
        method: 'POST',
        headers: { host: 'localhost', 'content-type': 'application/json' },
        body: JSON.stringify({ ...request, stream: true, max_tokens: 400 }),
        signal: controller.signal,
      })
      const reader = response.body!.getReader()
      await reader.read()
      controller.abort()
      await reader.cancel().catch(() => undefined)
    }
    for (let round = 0; round < 2; round++) {
      const order = requests.map((_, i) => (i * 5 + round) % requests.length)
      const together = order.flatMap((i) => [
        choicesOf(app, requests[i]!).then((choices) => ({ i, choices })),
        cancelled(requests[(i + 3) % requests.length]!),
      ])
      for (const one of (await Promise.all(together)).filter((one) => one !== undefined))
        expect(one).toEqual({ i: one.i, choices: alone[one.i] })
    }
    // All of them again: now their beginnings are known, and are used.
    const before = await keeping.usage()
    for (const [i, request] of requests.entries()) expect(await choicesOf(app, request)).toEqual(alone[i])
    const spent = (await keeping.usage()).forwardTokens - before.forwardTokens
    const prompt = (await keeping.render(requests[0]!.messages as never)).length
    expect(prompt).toBeGreaterThan(2 * 64)
    expect(spent).toBeLessThan((requests.length * prompt) / 2 + requests.length * 12)
    await Promise.all([keeping.dispose(), forgetting.dispose()])
  })
})
