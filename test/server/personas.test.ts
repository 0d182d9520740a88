import type { Hono } from 'hono'
import { loadModel } from 'palign'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LanguageModel } from '../../src/model/language-model.ts'
import type { SteeringPersona } from '../../src/persona/persona.ts'
import { alignedPersonas } from '../fixtures/aligned-personas.ts'
import { appOf, calm, chat, get, hello, problemOf } from './asking.ts'

describe('a persona', () => {
  const promptOf = async (response: Response) => (await response.json()) as { persona: string; usage: { prompt_tokens: number } }

  it.each([
    ['the model id', { model: 'echo@calm' }, {}],
    ['the header', {}, { 'x-persona': 'calm' }],
    ['the body', { persona: 'calm' }, {}],
    ['a list of one', { persona: [{ id: 'calm' }] }, {}],
    ['the body before the header', { persona: { id: 'calm' } }, { 'x-persona': 'none' }],
    ['the header before the model id', { model: 'echo@nobody' }, { 'x-persona': 'calm' }],
  ])('is chosen by %s', async (_, body, headers) => {
    const without = await promptOf(await chat(appOf(), hello))
    const response = await chat(appOf(), { ...hello, ...body }, headers)
    expect(response.headers.get('x-persona-id')).toBe('calm')
    const { persona, usage } = await promptOf(response)
    expect(persona).toBe('calm')
    expect(usage.prompt_tokens).not.toBe(without.usage.prompt_tokens)
  })

  it('is none where the body says so, whatever the model id', async () => {
    expect(await promptOf(await chat(appOf(), { ...hello, model: 'echo@calm', persona: 'none' }))).toMatchObject({
      persona: 'none',
    })
  })

  it.each<[string, object, number, string]>([
    ['an unknown one', { persona: 'wild' }, 404, 'persona_not_found'],
    ['an unknown one by model id', { model: 'echo@wild' }, 404, 'persona_not_found'],
    ['a strength of a prompt', { persona: { id: 'calm', alpha: 2 } }, 400, 'invalid_value'],
    ['none beside another', { persona: [{ id: 'none' }, { id: 'calm' }] }, 400, 'invalid_value'],
    ['two prompts', { persona: [{ id: 'calm' }, { id: 'calm' }] }, 400, 'unsupported_value'],
    ['nine of them', { persona: Array.from({ length: 9 }, () => ({ id: 'calm' })) }, 400, 'invalid_value'],
    ['a number', { persona: 7 }, 400, 'invalid_type'],
    ['a list of names', { persona: ['calm'] }, 400, 'invalid_type'],
  ])('is refused, never left out: %s', async (_, body, status, code) => {
    expect(await problemOf(await chat(appOf(), { ...hello, ...body }))).toMatchObject({ status, code })
  })

  it('is refused where the header is none', async () => {
    for (const header of ['calm;beta=2', 'calm;alpha=', 'calm;alpha=1e999', '../calm']) {
      expect((await chat(appOf(), hello, { 'x-persona': header })).status).toBeGreaterThanOrEqual(400)
    }
  })

  it('is listed behind its model', async () => {
    const { data } = (await (await get(appOf(), '/v1/models')).json()) as { data: object[] }
    expect(data).toMatchObject([
      { id: 'echo', parent: null },
      { id: 'echo@calm', parent: 'echo', root: 'r', palign: { kind: 'prompt', method: 'few-shot' } },
    ])
  })

  it('of another model, or with a path for a name, starts no server', () => {
    const foreign = { kind: 'steering', model: 'a'.repeat(64) } as SteeringPersona
    expect(() => appOf({ personas: [{ id: 'x', persona: foreign, root: 'r' }] })).toThrow(/fitted on model/)
    for (const id of ['../x', 'A', 'a/b', '', 'none'])
      expect(() => appOf({ personas: [{ id, persona: calm, root: 'r' }] })).toThrow(/has the id/)
  })

  it('cannot be named behind a model whose own name has its sign', () => {
    expect(() => appOf({ name: 'a@b' })).toThrow(/has the name/)
  })
})

describe('the demo model with several persons at once', () => {
  let model: LanguageModel
  let app: Hono
  beforeAll(async () => {
    model = await loadModel('models/respondent')
    const personas = await alignedPersonas(model)
    app = appOf({ model, name: 'respondent', personas })
  })
  afterAll(() => model.dispose())

  it('gives every request the text that it gives alone', async () => {
    const messages = [{ role: 'user', content: 'What do you do on a free evening?' }]
    const requests = [-8, -4, 0, 4, 8].flatMap((alpha) =>
      ['p0', 'p1'].map((id) => ({ model: 'respondent', messages, max_tokens: 16, temperature: 0, persona: { id, alpha } })),
    )
    const textOf = async (response: Response) =>
      ((await response.json()) as { choices: { message: { content: string } }[] }).choices[0]!.message.content
    const alone: string[] = []
    for (const request of requests) alone.push(await textOf(await chat(app, request)))
    const together = await Promise.all(requests.map(async (request) => textOf(await chat(app, request))))
    expect(together).toEqual(alone)
    expect(new Set(alone).size).toBeGreaterThan(1)
  })

  it('says that a strength was never tried, and uses it', async () => {
    const body = { model: 'respondent', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 1 }
    const warned = await chat(app, { ...body, persona: { id: 'p0', alpha: 60 } })
    expect([warned.status, warned.headers.get('x-persona-warning')]).toEqual([
      200,
      expect.stringMatching(/^alpha 60 of p0 is outside/),
    ])
    expect((await chat(app, { ...body, persona: 'p0' })).headers.get('x-persona-warning')).toBeNull()
  })

  it('adds up a list of weighted personas', async () => {
    const messages = [{ role: 'user', content: 'Hello' }]
    const answerOf = async (persona: unknown) => {
      const body = { model: 'respondent', messages, max_tokens: 4, temperature: 0, logprobs: true, persona }
      return ((await (await chat(app, body)).json()) as { choices: { logprobs: { content: { logprob: number }[] } }[] })
        .choices[0]!.logprobs
    }
    const twice = await answerOf([
      { id: 'p0', alpha: 1 },
      { id: 'p0', alpha: 2 },
    ])
    const once = await answerOf({ id: 'p0', alpha: 3 })
    for (const [i, { logprob }] of once.content.entries()) expect(twice.content[i]!.logprob).toBeCloseTo(logprob, 4)
    expect(twice).not.toEqual(await answerOf('none'))
  })
})
