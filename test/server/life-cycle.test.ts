import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadModel, readPersona } from 'palign'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { evaluate } from '../../src/eval/evaluate.ts'
import { IPIP_NEO_300 } from '../../src/items/ipip-neo.ts'
import { splitItems } from '../../src/items/item-split.ts'
import type { LanguageModel } from '../../src/model/language-model.ts'
import { activationCache } from '../../src/node/activation-cache.ts'
import { compilePersona, type SteeringPersona } from '../../src/persona/persona.ts'
import { withPersonaPrompt } from '../../src/persona/system-prompt.ts'
import { overStores } from '../store/stores.ts'
import { eventsOf } from './asking.ts'
import { ADA, jsonOf, lifeServer, people, uploadOf } from './life.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-life-'))
let model: LanguageModel
beforeAll(async () => {
  model = await loadModel('models/respondent')
})
afterAll(async () => {
  await model.dispose()
  rmSync(scratch, { recursive: true })
})

interface PersonaView {
  readonly id: string
  readonly ref: string
  readonly state: string
  readonly alpha: number
  readonly heads: readonly object[]
  readonly evaluation: { readonly items: number; readonly arms: readonly { arm: string; corrected: { sum: number } }[] } | null
}

overStores('the life of a persona', (stores) => {
  it('goes from answers to a job, a chat, an evaluation and a file, and leaves nothing', async () => {
    const address = await stores.address()
    const cache = join(scratch, 'cache')
    const { ask, store, work } = await lifeServer(address, model, { activations: activationCache(cache) })
    const text = 'I agree: MARKER OF CONSENT'
    const respondent = await jsonOf<{ id: string }>(
      await ask(ADA, 'POST', '/api/respondents', uploadOf(0, { consent: { given: true, text } })),
    )
    expect(respondent).toMatchObject({ answered: 300, consent: { given: true, text }, owner: ADA.id, expires: null })
    expect(respondent).not.toHaveProperty('answers')
    const read = await jsonOf(await ask(ADA, 'GET', `/api/respondents/${respondent.id}?answers=true`))
    expect(read).toEqual({ ...respondent, answers: uploadOf(0).answers })

    const asked = { kind: 'align', respondent: respondent.id, persona: 'ada', settings: { seed: 3 }, idempotencyKey: 'once' }
    const response = await ask(ADA, 'POST', '/api/jobs', asked)
    expect(response.status).toBe(202)
    const job = await jsonOf<{ id: string }>(response)
    expect(job).toMatchObject({ kind: 'align', state: 'waiting', respondent: respondent.id, persona: 'ada', method: 'pas' })
    expect(await jsonOf(await ask(ADA, 'POST', '/api/jobs', asked))).toEqual(job)
    const [events] = await Promise.all([ask(ADA, 'GET', `/api/jobs/${job.id}/events`).then(eventsOf), work()])
    expect(events.pop()).toBe('[DONE]')
    const snapshots = events.map((event) => JSON.parse(event) as { state: string; progress: { stage: string } | null })
    expect(snapshots.at(-1)).toMatchObject({ id: job.id, state: 'done', persona: 'ada' })
    expect(new Set(snapshots.map(({ progress }) => progress?.stage))).toContain('searching alpha')
    // Asked again under its key it is still the same job, though the name is taken by now.
    expect(await jsonOf(await ask(ADA, 'POST', '/api/jobs', asked))).toMatchObject({ id: job.id, state: 'done' })

    const persona = await jsonOf<PersonaView>(await ask(ADA, 'GET', '/api/personas/ada'))
    expect(persona).toMatchObject({ id: 'ada', state: 'ready', reason: null, steers: true, respondent: respondent.id })
    expect(persona.heads.length).toBeGreaterThan(0)
    const { data: models } = await jsonOf<{ data: { id: string }[] }>(await ask(ADA, 'GET', '/v1/models'))
    expect(models.map(({ id }) => id)).toEqual(['respondent', 'respondent@ada'])
    const chat = {
      model: 'respondent@ada',
      messages: [{ role: 'user' as const, content: 'Who are you?' }],
      max_tokens: 4,
      temperature: 0,
      logprobs: true,
    }
    const answer = await ask(ADA, 'POST', '/v1/chat/completions', chat)
    expect([answer.status, answer.headers.get('x-persona-id')]).toEqual([200, 'ada'])

    const evaluation = await ask(ADA, 'POST', '/api/jobs', { kind: 'evaluate', persona: 'ada' })
    expect(evaluation.status).toBe(202)
    await work()
    const evaluated = await jsonOf<PersonaView>(await ask(ADA, 'GET', '/api/personas/ada'))
    const arms = evaluated.evaluation!.arms
    expect(evaluated.evaluation!.items).toBe(180)
    expect(arms.map(({ arm }) => arm)).toEqual([
      ...['persona', 'unchanged', 'constant-1', 'constant-2', 'constant-3', 'constant-4', 'constant-5'],
      ...['own-facet', 'own-facet-trait'],
    ])
    // The same numbers as those of `palign evaluate`, which aligns anew.
    const { rows } = await evaluate({
      ...{ model, questionnaire: IPIP_NEO_300, ...splitItems(), population: [people[0]!], rows: [0], seed: 3 },
      ...{ methods: ['pas', 'unchanged'], store: activationCache(cache) },
    })
    const expected = rows
      .filter(({ regime }) => regime !== 'population')
      .map(({ corrected: { interval: _, ...errors } }) => errors)
    expect(arms.map(({ corrected }) => corrected)).toEqual(expected)

    const file = await ask(ADA, 'GET', '/api/personas/ada/export')
    expect(file.headers.get('content-disposition')).toBe('attachment; filename="persona-ada.safetensors"')
    const bytes = Buffer.from(await file.arrayBuffer())
    const path = join(scratch, `${address.kind}.safetensors`)
    writeFileSync(path, bytes)
    const exported = (await readPersona(path)) as SteeringPersona
    expect(exported).toMatchObject({ kind: 'steering', alpha: persona.alpha, provenance: { seed: 3, answered: 120 } })
    // The file steers as the server did, to the last bit; and not as the base model is.
    const tokens = await model.render(withPersonaPrompt(chat.messages, undefined))
    const logprobsUnder = async (steering: object) => {
      const logprobs: unknown[] = []
      const events = model.generate({ tokens, ...steering, maxTokens: 4, temperature: 0, topLogprobs: 0 })
      for await (const event of events) if (event.kind === 'token') logprobs.push(event.logprob)
      return logprobs
    }
    const { choices } = await jsonOf<{ choices: { logprobs: { content: { logprob: number }[] } }[] }>(answer)
    const served = choices[0]!.logprobs.content.map(({ logprob }) => logprob)
    expect(served).toEqual(await logprobsUnder({ displacement: compilePersona(exported, model).displacement }))
    expect(served).not.toEqual(await logprobsUnder({}))

    // What is searched for afterwards is there before.
    const { json: answers } = (await store.records.get('answers', respondent.id))!
    const traces = [JSON.stringify(answers), text, bytes.toString('base64').slice(-200), respondent.id, persona.ref, job.id]
    const filesOf = () =>
      address.kind === 'folder' ? readdirSync(address.folder).map((name) => readFileSync(join(address.folder, name))) : []
    const found = () => traces.filter((trace) => filesOf().some((content) => content.includes(trace)))
    if (address.kind === 'folder') expect(found()).toEqual(traces)

    const removed = await jsonOf(await ask(ADA, 'DELETE', `/api/respondents/${respondent.id}`))
    const all = { respondents: 1, answers: 1, personas: 1, evaluations: 1, jobs: 2 }
    expect(removed).toMatchObject({
      object: 'removed',
      verified: true,
      ...all,
      activations: expect.stringMatching(/^none of a person/),
    })
    expect(found()).toEqual([])
    for (const gone of [`respondents/${respondent.id}`, 'personas/ada', 'personas/ada/export', `jobs/${job.id}`]) {
      expect((await ask(ADA, 'GET', `/api/${gone}`)).status).toBe(404)
    }
    expect(await jsonOf(await ask(ADA, 'POST', '/v1/chat/completions', chat))).toMatchObject({
      error: { code: 'persona_not_found' },
    })
    await store.close()
    expect(found()).toEqual([])
  }, 240_000)
})

describe('activations', () => {
  it('are the same for everybody: a second person adds none, and none names a first', async () => {
    const folder = join(scratch, 'shared')
    const store = mkdtempSync(join(scratch, 'store-'))
    const server = await lifeServer({ kind: 'folder', folder: store }, model, { activations: activationCache(folder) })
    const kept = () =>
      readdirSync(join(folder, 'activations')).map((name) => [name, readFileSync(join(folder, 'activations', name))])
    const align = async (person: number) => {
      const { id } = await jsonOf(await server.ask(ADA, 'POST', '/api/respondents', uploadOf(person)))
      await server.ask(ADA, 'POST', '/api/jobs', { kind: 'align', respondent: id })
      await server.work()
    }
    await align(1)
    const after = kept()
    expect(after).not.toHaveLength(0)
    await align(2)
    expect(kept()).toEqual(after)
    const { data } = await jsonOf<{ data: { state: string }[] }>(await server.ask(ADA, 'GET', '/api/personas'))
    expect(data.map(({ state }) => state)).toEqual(['ready', 'ready'])
    await server.store.close()
  }, 240_000)
})
