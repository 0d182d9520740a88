import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Ajv2020 from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { echoModel } from '../fixtures/echo-model.ts'
import { calm } from './asking.ts'
import { ADA, BEN, CHATTER, CURATOR, jsonOf, type LifeServer, lifeServer, OPERATOR, uploadOf } from './life.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-owners-'))
let server: LifeServer
/** Ada's. */
let respondent: string
let job: string
let ref: string
beforeAll(async () => {
  const personas = [{ id: 'calm', persona: calm, root: 'r' }]
  server = await lifeServer({ kind: 'folder', folder: scratch }, echoModel({ contextLength: 1 << 16 }), { personas })
  respondent = (await jsonOf<{ id: string }>(await server.ask(ADA, 'POST', '/api/respondents', uploadOf(0)))).id
  const align = { kind: 'align', method: 'few-shot', respondent, persona: 'self-1' }
  job = (await jsonOf<{ id: string }>(await server.ask(ADA, 'POST', '/api/jobs', align))).id
  await server.work()
  ref = (await jsonOf<{ ref: string }>(await server.ask(ADA, 'GET', '/api/personas/self-1'))).ref
})
afterAll(async () => {
  await server.store.close()
  rmSync(scratch, { recursive: true })
})

const soon = () => new Date(Date.now() + 60_000).toISOString()
type Ids = Readonly<Record<'respondent' | 'job' | 'persona', string>>
const chat = (persona: string) => ({ model: 'respondent', persona, messages: [{ role: 'user', content: 'hi' }], max_tokens: 2 })

/** Every route that takes the id of a thing, in its path or in its body. Those that change it come last. */
const ROUTES: readonly [string, string, (ids: Ids) => string, ((ids: Ids) => unknown)?][] = [
  ['a respondent', 'GET', ({ respondent }) => `/api/respondents/${respondent}`],
  ['its answers', 'GET', ({ respondent }) => `/api/respondents/${respondent}?answers=true`],
  [
    'a job for a respondent',
    'POST',
    () => '/api/jobs',
    ({ respondent }) => ({ kind: 'align', method: 'few-shot', respondent, persona: 'other' }),
  ],
  ['a job', 'GET', ({ job }) => `/api/jobs/${job}`],
  ['the events of a job', 'GET', ({ job }) => `/api/jobs/${job}/events`],
  ['the end of a job', 'POST', ({ job }) => `/api/jobs/${job}/cancel`],
  ['a persona', 'GET', ({ persona }) => `/api/personas/${persona}`],
  ['its file', 'GET', ({ persona }) => `/api/personas/${persona}/export`],
  ['its files', 'GET', ({ persona }) => `/api/personas/${persona}/export?format=bundle`],
  ['an evaluation', 'POST', () => '/api/jobs', ({ persona }) => ({ kind: 'evaluate', persona })],
  ['its time', 'PATCH', ({ persona }) => `/api/personas/${persona}`, () => ({ expires: soon() })],
  ['a chat', 'POST', () => '/v1/chat/completions', ({ persona }) => chat(persona)],
  ['a text', 'POST', () => '/v1/completions', ({ persona }) => ({ model: `respondent@${persona}`, prompt: 'hi', max_tokens: 2 })],
  ['its model', 'GET', ({ persona }) => `/v1/models/respondent@${persona}`],
  ['the end of a persona', 'DELETE', ({ persona }) => `/api/personas/${persona}`],
  ['the end of a persona and its answers', 'DELETE', ({ persona }) => `/api/personas/${persona}?answers=true`],
  ['a job, for good', 'DELETE', ({ job }) => `/api/jobs/${job}`],
  ['a respondent, for good', 'DELETE', ({ respondent }) => `/api/respondents/${respondent}`],
]

/** What tells nothing: status, body without what the request itself said, names of headers. */
const seen = async (response: Response, said: string) => ({
  status: response.status,
  body: (await response.text()).replaceAll(said, 'ID'),
  headers: [...response.headers.keys()].sort(),
})

describe("another key's", () => {
  it.each(ROUTES)('%s is answered as what does not exist', async (_, method, path, body) => {
    for (const persona of ['self-1', ref]) {
      const theirs = { respondent, job, persona }
      const absent = {
        respondent: `respondent-${'0'.repeat(32)}`,
        job: `job-${'0'.repeat(32)}`,
        persona: persona === ref ? `persona-${'0'.repeat(32)}` : 'self-2',
      }
      const [found, missing] = await Promise.all([
        server.ask(BEN, method, path(theirs), body?.(theirs)).then((response) => seen(response, persona)),
        server.ask(BEN, method, path(absent), body?.(absent)).then((response) => seen(response, absent.persona)),
      ])
      expect(found).toEqual(missing)
      expect(found.status).toBe(404)
    }
    // And nothing has happened to it.
    expect((await server.ask(ADA, 'GET', `/api/respondents/${respondent}`)).status).toBe(200)
    expect(await jsonOf(await server.ask(ADA, 'GET', `/api/jobs/${job}`))).toMatchObject({ state: 'done' })
    expect(await jsonOf(await server.ask(ADA, 'GET', '/api/personas/self-1'))).toMatchObject({ expires: null, state: 'ready' })
  })

  it('things are in no list', async () => {
    const idsOf = async (key: typeof ADA, path: string) =>
      (await jsonOf<{ data: { id: string }[] }>(await server.ask(key, 'GET', path))).data.map(({ id }) => id)
    const lists = [
      ['/api/respondents', [respondent]],
      ['/api/jobs', [job]],
      ['/api/personas', ['self-1']],
    ] as const
    for (const [path, ids] of lists) {
      expect(await idsOf(ADA, path)).toEqual(ids)
      expect(await idsOf(BEN, path)).toEqual([])
      expect(await idsOf(OPERATOR, path)).toEqual(ids)
    }
    expect(await idsOf(ADA, '/v1/models')).toEqual(['respondent', 'respondent@calm', 'respondent@self-1'])
    for (const key of [BEN, CHATTER, OPERATOR]) expect(await idsOf(key, '/v1/models')).toEqual(['respondent', 'respondent@calm'])
  })

  it('name can be given to an own persona, and each gets the own', async () => {
    const { id } = await jsonOf<{ id: string }>(await server.ask(BEN, 'POST', '/api/respondents', uploadOf(1)))
    const align = { kind: 'align', method: 'few-shot', respondent: id, persona: 'self-1' }
    expect((await server.ask(BEN, 'POST', '/api/jobs', align)).status).toBe(202)
    await server.work()
    const shas = await Promise.all(
      [ADA, BEN].map(
        async (key) => (await jsonOf<{ sha256: string }>(await server.ask(key, 'GET', '/api/personas/self-1'))).sha256,
      ),
    )
    expect(new Set(shas).size).toBe(2)
    const counts = await Promise.all(
      [ADA, BEN].map(async (key) => {
        const { persona, usage } = await jsonOf<{ persona: string; usage: { prompt_tokens: number } }>(
          await server.ask(key, 'POST', '/v1/chat/completions', chat('self-1')),
        )
        expect(persona).toBe('self-1')
        return usage.prompt_tokens
      }),
    )
    expect(new Set(counts).size).toBe(2)
    expect((await server.ask(BEN, 'DELETE', `/api/respondents/${id}`)).status).toBe(200)
    expect((await server.ask(ADA, 'GET', '/api/personas/self-1')).status).toBe(200)
  })

  it('things are seen and ended by an operator, whose own chats they are not in; answers are not read', async () => {
    const view = await server.ask(OPERATOR, 'GET', `/api/respondents/${respondent}?answers=true`)
    expect(await jsonOf(view)).not.toHaveProperty('answers')
    expect(await jsonOf(await server.ask(OPERATOR, 'GET', `/api/personas/${ref}`))).toMatchObject({ id: 'self-1', owner: ADA.id })
    expect((await server.ask(OPERATOR, 'POST', '/v1/chat/completions', chat(ref))).status).toBe(404)
    const made = { kind: 'align', method: 'few-shot', respondent, persona: 'by-operator' }
    const { id } = await jsonOf<{ id: string }>(await server.ask(OPERATOR, 'POST', '/api/jobs', made))
    expect(await jsonOf(await server.ask(ADA, 'DELETE', `/api/jobs/${id}`))).toMatchObject({ jobs: 1 })
  })
})

describe('a key without the scope', () => {
  it.each(ROUTES.filter(([, , path]) => path({ respondent: '', job: '', persona: '' }).startsWith('/api')))(
    'is told so before anything else: %s',
    async (_, method, path, body) => {
      const ids = { respondent, job, persona: 'self-1' }
      const response = await server.ask(CHATTER, method, path(ids), body?.(ids))
      expect(await jsonOf(response)).toMatchObject({ error: { code: 'insufficient_scope' } })
      expect((await server.ask(undefined, method, path(ids), body?.(ids))).status).toBe(401)
    },
  )
})

describe('a key that may end personas only', () => {
  it('ends no answers with them', async () => {
    const response = await server.ask(CURATOR, 'DELETE', '/api/personas/self-1?answers=true')
    expect(response.status).toBe(404)
    const { id } = await jsonOf<{ id: string }>(await server.ask(OPERATOR, 'POST', '/api/respondents', uploadOf(3)))
    const answers = await server.store.records.get('answers', id)
    for (const collection of ['answers', 'respondents']) {
      const { json } = (await server.store.records.get(collection, id))!
      await server.store.records.delete(collection, id)
      await server.store.records.put(collection, id, { owner: CURATOR.id, json })
    }
    await server.store.jobs.enqueue('align', { answers: id, method: 'few-shot', persona: 'y' }, { owner: CURATOR.id })
    await server.work()
    const refused = await server.ask(CURATOR, 'DELETE', '/api/personas/y?answers=true')
    expect(await jsonOf(refused)).toMatchObject({ error: { code: 'insufficient_scope' } })
    expect((await server.ask(CURATOR, 'DELETE', '/api/personas/y')).status).toBe(200)
    expect((await server.store.records.get('answers', id))!.json).toEqual(answers!.json)
  })
})

describe('/openapi.json', () => {
  interface Operation {
    readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, { readonly schema: object }>> }>>
  }

  it('describes these routes and what they answer, field by field', async () => {
    const { paths } = await jsonOf<{ paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> }>(
      await server.ask(ADA, 'GET', '/openapi.json'),
    )
    expect(Object.keys(paths).filter((path) => path.startsWith('/api/'))).toEqual([
      ...['/api/respondents', '/api/respondents/{id}', '/api/jobs', '/api/jobs/{id}', '/api/jobs/{id}/cancel'],
      ...['/api/jobs/{id}/events', '/api/personas', '/api/personas/{id}', '/api/personas/{id}/export'],
    ])
    const ajv = new Ajv2020.default({ strict: false, validateFormats: false })
    const check = async (path: string, method: string, asked: string, body?: unknown) => {
      const response = await server.ask(ADA, method, asked, body)
      const json = await response.json()
      const described = paths[path]![method.toLowerCase()]!.responses[response.status]!.content['application/json']!.schema
      expect([path, ajv.validate(described, json), ajv.errors]).toEqual([path, true, null])
      return json as { id: string }
    }
    const { id } = await check('/api/respondents', 'POST', '/api/respondents', uploadOf(2, { expires: soon() }))
    await check('/api/respondents', 'GET', '/api/respondents')
    await check('/api/respondents/{id}', 'GET', `/api/respondents/${id}?answers=true`)
    const made = await check('/api/jobs', 'POST', '/api/jobs', {
      kind: 'align',
      method: 'few-shot',
      respondent: id,
      persona: 'x',
    })
    await server.work()
    await check('/api/jobs', 'GET', '/api/jobs')
    await check('/api/jobs/{id}', 'GET', `/api/jobs/${made.id}`)
    await check('/api/jobs/{id}/cancel', 'POST', `/api/jobs/${made.id}/cancel`)
    await check('/api/personas', 'GET', '/api/personas')
    await check('/api/personas/{id}', 'GET', '/api/personas/x')
    await check('/api/personas/{id}', 'PATCH', '/api/personas/x', { expires: new Date(Date.now() + 30_000).toISOString() })
    await check('/api/personas/{id}/export', 'GET', '/api/personas/x/export?format=bundle')
    const { id: other } = await check('/api/jobs', 'POST', '/api/jobs', { kind: 'align', respondent: id })
    await check('/api/jobs/{id}', 'DELETE', `/api/jobs/${other}`)
    await check('/api/personas/{id}', 'DELETE', '/api/personas/x')
    await check('/api/respondents/{id}', 'DELETE', `/api/respondents/${id}`)
  })
})

describe('names', () => {
  it.each(['none', 'calm', 'self-1', 'A', '../x', 'a/b', '', `persona-${'0'.repeat(32)}`, 'a'.repeat(65)])(
    'are not given: %s',
    async (persona) => {
      const align = { kind: 'align', method: 'few-shot', respondent, persona }
      expect(await jsonOf(await server.ask(ADA, 'POST', '/api/jobs', align))).toMatchObject({
        error: { code: 'invalid_value', param: 'persona' },
      })
    },
  )
})
