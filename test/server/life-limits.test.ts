import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { IPIP_NEO_300 } from '../../src/items/ipip-neo.ts'
import { splitItems } from '../../src/items/item-split.ts'
import { flipIfMinus } from '../../src/items/questionnaire.ts'
import { simulateRespondents } from '../../src/people/simulate.ts'
import { ALIGN_JOB } from '../../src/server/align-job.ts'
import type { Life } from '../../src/server/life-access.ts'
import { startSweep, sweepExpired } from '../../src/server/life-sweep.ts'
import { SILENT } from '../../src/server/request-log.ts'
import { runJobs } from '../../src/store/run-jobs.ts'
import { echoModel } from '../fixtures/echo-model.ts'
import { overStores } from '../store/stores.ts'
import { appOf, calm, chat, get, hello, problemOf } from './asking.ts'
import { ADA, BEN, jsonOf, type LifeServer, lifeServer, uploadOf } from './life.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-limits-'))
const opened: LifeServer[] = []
afterAll(async () => {
  for (const { store } of opened) await store.close()
  rmSync(scratch, { recursive: true })
})

async function echoing(options: Parameters<typeof lifeServer>[2] = {}): Promise<LifeServer> {
  const folder = mkdtempSync(join(scratch, 'store-'))
  const server = await lifeServer({ kind: 'folder', folder }, echoModel({ contextLength: 1 << 16 }), options)
  opened.push(server)
  return server
}

async function upload({ ask }: LifeServer, fields: object = {}, person = 0): Promise<string> {
  const response = await ask(ADA, 'POST', '/api/respondents', uploadOf(person, fields))
  expect(response.status).toBe(201)
  return (await jsonOf<{ id: string }>(response)).id
}

describe('answers', () => {
  const turned = (byItem: ReadonlyMap<number, number>) =>
    Object.fromEntries(
      IPIP_NEO_300.items.flatMap(({ itemNumber, keying }) => {
        const answer = byItem.get(itemNumber)
        return answer === undefined ? [] : [[itemNumber, flipIfMinus(answer, keying)]]
      }),
    )

  it('are refused in the other coding, whichever is claimed, and taken in the one that they have', async () => {
    const { ask } = await echoing()
    for (const { answers } of simulateRespondents({ count: 20, seed: 2, questionnaire: IPIP_NEO_300 })) {
      const worded = Object.fromEntries(answers.byItem)
      const keyed = turned(answers.byItem)
      for (const [coding, given, status] of [
        ['worded', worded, 201],
        ['keyed', keyed, 201],
        ['worded', keyed, 400],
        ['keyed', worded, 400],
      ] as const) {
        const response = await ask(ADA, 'POST', '/api/respondents', uploadOf(0, { coding, answers: given }))
        expect(response.status).toBe(status)
        if (status === 400) expect(await problemOf(response)).toMatchObject({ code: 'invalid_value', param: 'coding' })
      }
    }
  })

  const few = { 1: 4 }
  it.each<[string, object, string, string]>([
    ['no consent', { consent: undefined }, 'missing_required_parameter', 'consent'],
    ['a consent that was not given', { consent: { given: false, version: '1' } }, 'invalid_value', 'consent.given'],
    ['a consent to nothing', { consent: { given: true } }, 'missing_required_parameter', 'consent.version'],
    ['a coding that is not said', { coding: undefined }, 'invalid_value', 'coding'],
    ['an answer of 0', { answers: { ...few, 2: 0 } }, 'invalid_value', 'answers.2'],
    ['half an answer', { answers: { ...few, 2: 2.5 } }, 'invalid_type', 'answers.2'],
    ['an item that there is not', { answers: { ...few, 301: 2 } }, 'invalid_value', 'answers'],
    [
      'an item of the long form in the short one',
      { questionnaire: 'ipip-neo-120', answers: { ...few, 299: 2 } },
      'invalid_value',
      'answers',
    ],
    ['nothing', { answers: {} }, 'invalid_value', 'answers'],
    ['held-out items only', { answers: { 299: 2 } }, 'invalid_value', 'answers'],
    ['a name', { name: 'Ada' }, 'invalid_value', ''],
    ['another questionnaire', { questionnaire: 'sd3' }, 'invalid_value', 'questionnaire'],
    ['a time that is over', { expires: '2020-01-01T00:00:00Z' }, 'invalid_value', 'expires'],
    ['a time that is none', { expires: 'soon' }, 'invalid_value', 'expires'],
  ])('are refused with %s', async (_, fields, code, param) => {
    const { ask, store } = await echoing()
    const response = await ask(ADA, 'POST', '/api/respondents', uploadOf(0, fields))
    expect(await problemOf(response)).toMatchObject({ status: 400, code, param: param === '' ? null : param })
    expect(await store.records.list('answers', {})).toEqual([])
  })

  it('of the short form make a persona that cannot be evaluated, and that is said before a job is made', async () => {
    const server = await echoing()
    const short = new Set(splitItems().known.items.map(({ itemNumber }) => String(itemNumber)))
    const known = Object.entries(uploadOf(0).answers).filter(([item]) => short.has(item))
    const respondent = await upload(server, { questionnaire: 'ipip-neo-120', answers: Object.fromEntries(known) })
    await server.ask(ADA, 'POST', '/api/jobs', { kind: 'align', method: 'few-shot', respondent, persona: 'short' })
    await server.work()
    const refused = await server.ask(ADA, 'POST', '/api/jobs', { kind: 'evaluate', persona: 'short' })
    expect(await problemOf(refused)).toMatchObject({ status: 400, code: 'unsupported_value', param: 'persona' })
  })
})

overStores('expiry', (stores) => {
  it('ends a persona at once for requests, and its bytes with the next sweep', async () => {
    const address = await stores.address()
    const { ask, store, work } = await lifeServer(address, echoModel({ contextLength: 1 << 16 }))
    const expires = new Date(Date.now() + 1500).toISOString()
    const { id } = await jsonOf<{ id: string }>(await ask(ADA, 'POST', '/api/respondents', uploadOf(0, { expires })))
    const { id: kept } = await jsonOf<{ id: string }>(await ask(ADA, 'POST', '/api/respondents', uploadOf(1)))
    for (const [respondent, persona] of [
      [id, 'short'],
      [kept, 'long'],
    ]) {
      const align = { kind: 'align', method: 'personality-prompt', respondent, persona }
      expect((await ask(ADA, 'POST', '/api/jobs', align)).status).toBe(202)
    }
    await work()
    const chatWith = (persona: string) =>
      ask(ADA, 'POST', '/v1/chat/completions', { model: 'respondent', persona, messages: hello.messages, max_tokens: 1 })
    expect([(await chatWith('short')).status, (await chatWith('long')).status]).toEqual([200, 200])
    expect(await jsonOf(await ask(ADA, 'GET', '/api/personas/short'))).toMatchObject({ expires })
    // What is kept without an end can be given one, which ends before that of the answers.
    const early = { expires: new Date(Date.now() + 1200).toISOString() }
    expect(await jsonOf(await ask(ADA, 'PATCH', '/api/personas/long', early))).toMatchObject(early)
    const late = { expires: new Date(Date.now() + 60_000).toISOString() }
    expect((await ask(ADA, 'PATCH', '/api/personas/long', late)).status).toBe(400)
    await sleep(1600)
    for (const persona of ['short', 'long']) {
      expect(await problemOf(await chatWith(persona))).toMatchObject({ status: 404, code: 'persona_not_found' })
      expect((await ask(ADA, 'GET', `/api/personas/${persona}`)).status).toBe(404)
    }
    expect((await ask(ADA, 'GET', `/api/respondents/${id}`)).status).toBe(404)
    expect(await store.records.expired(Date.now())).not.toEqual([])
    expect(await sweepExpired(store)).toBe(6)
    expect(await store.records.expired(Date.now())).toEqual([])
    expect((await store.jobs.list()).map(({ payload }) => (payload as { answers: string }).answers)).toEqual([kept])
    expect((await ask(ADA, 'GET', `/api/respondents/${kept}`)).status).toBe(200)
    // The name is free again, and what stands there is the new one.
    const again = { kind: 'align', method: 'personality-prompt', respondent: kept, persona: 'short' }
    expect((await ask(ADA, 'POST', '/api/jobs', again)).status).toBe(202)
    await work()
    expect(await jsonOf(await ask(ADA, 'GET', '/api/personas/short'))).toMatchObject({ expires: null, respondent: kept })
    await store.close()
  })

  it('is looked for now and then, and a failure of it is told', async () => {
    const address = await stores.address()
    const { store, ask } = await lifeServer(address, echoModel())
    const expires = new Date(Date.now() + 300).toISOString()
    await ask(ADA, 'POST', '/api/respondents', uploadOf(0, { expires }))
    let tick = () => {}
    const lines: object[] = []
    const failures: unknown[] = []
    let isBroken = false
    const life: Life = {
      jobs: store.jobs,
      records: {
        ...store.records,
        expired: async (time) => {
          if (isBroken) throw new Error('no database')
          return store.records.expired(time)
        },
      },
    }
    const end = startSweep(life, {
      log: { ...SILENT, info: (fields) => lines.push(fields) },
      onFailure: (error) => failures.push(error),
      repeat: (work) => {
        tick = work
        return () => {
          tick = () => {}
        }
      },
    })
    await sleep(500)
    expect(lines).toEqual([])
    tick()
    await expect.poll(() => lines).toEqual([{ records: 2 }])
    isBroken = true
    tick()
    await expect.poll(() => failures).toHaveLength(1)
    end()
    await store.close()
  })
})

describe('a job', () => {
  it('that is cancelled while it runs ends in the stream, stops the worker, and leaves no persona', async () => {
    const server = await echoing()
    const respondent = await upload(server)
    const { id } = await jsonOf<{ id: string }>(await server.ask(ADA, 'POST', '/api/jobs', { kind: 'align', respondent }))
    let sawAbort = false
    const running = runJobs({
      ...{ queue: server.store.jobs, worker: 'w', signal: new AbortController().signal, whenIdle: async () => false },
      handlers: {
        [ALIGN_JOB]: async ({ signal, onProgress }) => {
          for (let done = 0; !signal.aborted; done++) {
            onProgress({ stage: 'long', done, total: 1e6 })
            await sleep(20)
          }
          sawAbort = true
          throw new Error('stopped')
        },
      },
    })
    const stream = await server.ask(ADA, 'GET', `/api/jobs/${id}/events`)
    expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const text = stream.text()
    await expect.poll(async () => (await server.store.jobs.get(id))?.progress?.stage).toBe('long')
    const begun = performance.now()
    expect(await jsonOf(await server.ask(ADA, 'POST', `/api/jobs/${id}/cancel`))).toMatchObject({ state: 'cancelled' })
    await running
    expect(sawAbort).toBe(true)
    // Not with the next renewal of the lease, half a minute later.
    expect(performance.now() - begun).toBeLessThan(5000)
    const events = (await text).split('\n\n').filter((event) => event.startsWith('data: '))
    expect(events.at(-1)).toBe('data: [DONE]')
    expect(JSON.parse(events.at(-2)!.slice(6))).toMatchObject({ state: 'cancelled' })
    expect(await jsonOf(await server.ask(ADA, 'GET', '/api/personas'))).toEqual({ object: 'list', data: [] })
  })

  it('that is deleted ends its stream with an error, and one that nobody reads is let go', async () => {
    const server = await echoing({ times: { pingMs: 50, idleMs: 60_000 } })
    const respondent = await upload(server)
    const { id } = await jsonOf<{ id: string }>(await server.ask(ADA, 'POST', '/api/jobs', { kind: 'align', respondent }))
    const text = (await server.ask(ADA, 'GET', `/api/jobs/${id}/events`)).text()
    const watched: (() => void)[] = []
    expect((await server.ask(ADA, 'HEAD', `/api/jobs/${id}/events`)).status).toBe(200)
    for (let i = 0; i < 15; i++) {
      const { body, status } = await server.ask(ADA, 'GET', `/api/jobs/${id}/events`)
      expect(status).toBe(200)
      watched.push(() => void body!.cancel())
    }
    expect(await problemOf(await server.ask(ADA, 'GET', `/api/jobs/${id}/events`))).toMatchObject({ code: 'rate_limit_exceeded' })
    for (const leave of watched) leave()
    const { body } = await server.ask(ADA, 'GET', `/api/jobs/${id}/events`)
    expect(body).not.toBeNull()
    await body!.cancel()
    await sleep(120)
    await server.ask(ADA, 'DELETE', `/api/jobs/${id}`)
    expect(await text).toMatch(/: ping\n\n[\s\S]*"code":"job_not_found"/)
  })

  it('needs a key of its own for what it is asked', async () => {
    const server = await echoing()
    const respondent = await upload(server)
    const ask = (fields: object) =>
      server.ask(ADA, 'POST', '/api/jobs', { kind: 'align', method: 'few-shot', respondent, idempotencyKey: 'k', ...fields })
    const first = await jsonOf(await ask({}))
    expect(await jsonOf(await ask({}))).toEqual(first)
    expect(await problemOf(await ask({ method: 'pas' }))).toMatchObject({ status: 400, code: 'invalid_value' })
    expect(await problemOf(await ask({ settings: { steps: 3 } }))).toMatchObject({ status: 400, param: 'settings.steps' })
    expect(await problemOf(await ask({ kind: 'magic' }))).toMatchObject({ status: 400, param: 'kind' })
  })
})

describe('what was said by a person', () => {
  it('is in no line of the log, no error and no address', async () => {
    const lines: string[] = []
    const write = (fields: object, message: string) => void lines.push(JSON.stringify([fields, message]))
    const server = await echoing({ log: { info: write, warn: write, error: write } })
    const MARKER = 'MARKER7'
    const bodies: string[] = []
    const ask = async (method: string, path: string, body?: unknown) => {
      const response = await server.ask(ADA, method, path, body)
      if (response.status >= 400) bodies.push(await response.text())
      else lines.push(response.headers.get('location') ?? '')
      return response
    }
    // An answer can be known by nothing but its number: what stands between the others must not come back.
    const marked = { ...uploadOf(0).answers, 7: 777_777 }
    const consent = { given: true, text: MARKER, version: MARKER }
    await ask('POST', '/api/respondents', uploadOf(0, { answers: marked, consent }))
    await ask('POST', '/api/respondents', uploadOf(0, { answers: { 1: 4, 299: MARKER }, consent }))
    await ask('POST', '/api/respondents', uploadOf(0, { coding: 'keyed', consent }))
    await ask('POST', '/api/respondents', uploadOf(0, { coding: MARKER, expires: MARKER, consent }))
    await ask('POST', '/api/respondents', `{"consent": "${MARKER}`)
    expect(bodies).toHaveLength(5)
    const respondent = await upload(server, { consent })
    await ask('GET', `/api/respondents/${respondent}`)
    await ask('POST', '/api/jobs', { kind: 'align', method: 'few-shot', respondent, persona: 'p' })
    await server.work()
    await ask('POST', '/api/jobs', { kind: 'align', respondent })
    // The model of this test cannot record: the job fails by an error that is not ours.
    await server.work()
    await ask('POST', '/v1/chat/completions', { model: 'respondent@p', messages: hello.messages, max_tokens: 1 })
    await ask('GET', '/api/personas/p')
    const jobs = await (await server.ask(ADA, 'GET', '/api/jobs')).text()
    const { store } = server
    const everything = [...lines, ...bodies, jobs].join('\n')
    expect(everything).toMatch(/persona loaded/)
    expect(everything).not.toMatch(/MARKER7|777777/)
    const answers = JSON.stringify(uploadOf(0).answers).slice(1, 40)
    expect(JSON.stringify(await store.records.list('answers', {}))).toContain(answers)
    expect(everything).not.toContain(answers)
  })
})

describe('a server that keeps nothing', () => {
  it('says so on these routes, to those that may ask', async () => {
    expect(await problemOf(await get(appOf(), '/api/personas'))).toMatchObject({
      ...{ status: 404, code: 'route_not_found', message: expect.stringMatching(/--store/) },
    })
    expect((await get(appOf({ apiKey: 'k'.repeat(20) }), '/api/personas')).status).toBe(401)
  })
})

describe('any body', () => {
  it('gets an answer that is no failure of the server', async () => {
    const { ask } = await echoing()
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom('ipip-neo-300', 'worded', 'align', 'evaluate', true, 3, {}),
    )
    const names = [
      'questionnaire',
      'coding',
      'answers',
      'consent',
      'expires',
      'kind',
      'respondent',
      'persona',
      'method',
      'settings',
    ]
    const body = fc.oneof(
      fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), value, { maxKeys: 8 }),
      fc.dictionary(fc.constantFrom(...names), value).map((fields) => ({ ...uploadOf(0), ...fields })),
      fc.dictionary(fc.constantFrom(...names), value).map((fields) => ({ kind: 'align', respondent: 'x', ...fields })),
      fc.jsonValue(),
      fc.string(),
    )
    const paths = ['/api/respondents', '/api/jobs', '/api/jobs/x/cancel', '/api/personas/x']
    let seen = 0
    await fc.assert(
      fc.asyncProperty(body, fc.constantFrom(...paths), async (sent, path) => {
        const response = await ask(BEN, path.startsWith('/api/personas') ? 'PATCH' : 'POST', path, sent)
        expect(response.status).toBeLessThan(500)
        if (response.status >= 400) expect(await response.json()).toHaveProperty('error.code')
        seen++
      }),
      { numRuns: 500, seed: 7 },
    )
    expect(seen).toBe(500)
  })
})

it('a failed persona of the folder is listed with the reason and refused', async () => {
  const app = appOf({ personas: [{ id: 'calm', persona: calm, root: 'r', failed: 'it does not act' }] })
  expect(await (await get(app, '/v1/models/echo@calm')).json()).toMatchObject({ palign: { failed: 'it does not act' } })
  const refused = await chat(app, { ...hello, persona: 'calm' })
  expect(refused.headers.get('x-should-retry')).toBe('false')
  expect(await problemOf(refused)).toMatchObject({ status: 503, code: 'persona_not_ready', param: 'persona' })
  expect((await chat(app, hello)).status).toBe(200)
})
