import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { PalignError } from '../../src/errors.ts'
import type { LanguageModel } from '../../src/model/language-model.ts'
import { type PersonaBundle, packPersona } from '../../src/node/persona-bundle.ts'
import type { AdapterPersona, Persona, SteeringPersona } from '../../src/persona/persona.ts'
import { PERSONA_FILES, PERSONAS, personaRef, type StoredPersonaRecord } from '../../src/server/life-records.ts'
import { testPersona } from '../../src/server/persona-self-test.ts'
import { testedPersonas } from '../../src/server/shelf.ts'
import { echoModel } from '../fixtures/echo-model.ts'
import { hello, problemOf } from './asking.ts'
import { ADA, jsonOf, lifeServer } from './life.ts'

const plain = echoModel({ contextLength: 1 << 16 })
const { shape, fingerprint } = plain
const provenance = { data: 'd', row: 0, questionnaire: 'ipip-neo-300', answered: 120, seed: 1, version: '0' }

const steering = (fields: Partial<SteeringPersona> = {}): SteeringPersona => ({
  ...{
    kind: 'steering',
    method: 'pas',
    model: fingerprint,
    shape: { ...shape, vocabSize: 16 },
    site: 'z',
    unit: 'sigma',
    alpha: 2,
    provenance,
  },
  interventions: [{ layer: 0, head: 0, direction: Float32Array.of(0.6, 0.8), sigma: 0.5 }],
  calibration: { loss: 'l', curve: [{ alpha: 0, loss: 1 }], folds: 5 },
  ...fields,
})
const adapter = (b: number, alpha = 2): AdapterPersona => ({
  ...{ kind: 'adapter', method: 'dpo', model: fingerprint, shape, training: undefined, provenance },
  adapter: {
    ...{ rank: 1, alpha, targets: ['q_proj'] },
    pairs: new Map([['model.layers.0.self_attn.q_proj', { a: Float32Array.of(1, 1), b: Float32Array.of(b, b) }]]),
  },
})

/** Logits 1, -3, 2 and so on, moved by what is added to the model as `moved` says. */
function modelThat(moved: (push: number) => number): LanguageModel {
  return {
    ...plain,
    async logits({ displacement, adapter: added }) {
      const push = displacement?.reduce((sum, value) => sum + value, 0) ?? 0
      const [pair] = added?.pairs.values() ?? []
      const update = pair === undefined ? 0 : added!.alpha * pair.a[0]! * pair.b[0]!
      return Float32Array.of(1, -3, 2).map((logit) => logit + moved(push + update))
    },
  }
}

describe('a persona is tested before it is served', () => {
  it.each<[string, Persona, (push: number) => number, object]>([
    ['acts', steering(), (push) => push, { kind: 'ready', steers: true }],
    ['was found not to steer, and would if asked', steering({ alpha: 0 }), (push) => push, { kind: 'ready', steers: false }],
    ['is a prompt', { kind: 'prompt', method: 'few-shot', system: 'Be calm.' }, () => 0, { kind: 'ready', steers: true }],
    [
      'is an empty prompt',
      { kind: 'prompt', method: 'few-shot', system: ' ' },
      () => 0,
      { kind: 'failed', reason: 'prompt is empty' },
    ],
    ['is dropped by the engine', steering(), () => 0, { kind: 'failed', reason: 'alpha 2 does not change the logits' }],
    [
      'moves less than any answer shows',
      steering(),
      (push) => push * 1e-6,
      { kind: 'failed', reason: 'alpha 2 does not change the logits' },
    ],
    [
      'has no width',
      steering({ interventions: [{ layer: 0, head: 0, direction: Float32Array.of(0.6, 0.8), sigma: 0 }] }),
      (push) => push,
      { kind: 'failed', reason: 'alpha 2 does not change the logits' },
    ],
    [
      'was found not to steer and cannot',
      steering({ alpha: 0 }),
      () => 0,
      { kind: 'failed', reason: 'alpha 1 does not change the logits' },
    ],
    ['acts the same both ways', steering(), Math.abs, { kind: 'failed', reason: 'alpha 2 and -2 give the same logits' }],
    [
      'breaks the model',
      steering(),
      (push) => (push === 0 ? 0 : Number.NaN),
      { kind: 'failed', reason: 'alpha 2 gives logits that are no numbers' },
    ],
    [
      'is of another model',
      steering({ model: 'a'.repeat(64) }),
      (push) => push,
      { kind: 'failed', reason: expect.stringMatching(/^persona was fitted on/) },
    ],
    ['is an adapter', adapter(1), (push) => push, { kind: 'ready', steers: true }],
    [
      'is an adapter that learnt nothing',
      adapter(0),
      (push) => push,
      { kind: 'failed', reason: 'alpha 1 does not change the logits' },
    ],
  ])('and %s', async (_, persona, moved, state) => {
    expect(await testPersona(persona, modelThat(moved))).toEqual(state)
  })

  it('and is refused where no strength at all is not the base model', async () => {
    let calls = 0
    const drifting = { ...plain, logits: async () => Float32Array.of(1, ++calls) }
    expect(await testPersona(steering(), drifting)).toEqual({ kind: 'failed', reason: 'alpha 0 changes the logits' })
  })

  it('and a failure of the engine is none of the persona', async () => {
    let isBroken = true
    const model = modelThat((push) => push)
    const failing: LanguageModel = {
      ...model,
      logits: (request) =>
        isBroken ? Promise.reject(new PalignError('engine-failed', 'worker crashed')) : model.logits(request),
    }
    await expect(testPersona(steering(), failing)).rejects.toMatchObject({ code: 'engine-failed' })
    isBroken = false
    expect(await testPersona(steering(), failing)).toEqual({ kind: 'ready', steers: true })
  })

  it('where it is one of a folder: it fails alone, but that of another model is a mistake of the operator', async () => {
    const one = { id: 'a', persona: steering(), root: 'r' }
    expect(
      await testedPersonas(
        [one],
        modelThat(() => 0),
      ),
    ).toEqual([{ ...one, failed: 'alpha 2 does not change the logits' }])
    expect(
      await testedPersonas(
        [one],
        modelThat((push) => push),
      ),
    ).toEqual([one])
    const foreign = { ...one, persona: steering({ model: 'a'.repeat(64) }) }
    await expect(
      testedPersonas(
        [foreign],
        modelThat(() => 0),
      ),
    ).rejects.toMatchObject({ code: 'incompatible-persona' })
  })
})

describe('a persona of the store', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'palign-self-test-'))
  afterAll(() => rmSync(scratch, { recursive: true }))

  async function serving(persona: SteeringPersona, moved: (push: number) => number) {
    const lines: { fields: object; message: string }[] = []
    const write = (fields: object, message: string) => void lines.push({ fields, message })
    const folder = mkdtempSync(join(scratch, 'store-'))
    const log = { info: write, warn: write, error: write }
    const server = await lifeServer({ kind: 'folder', folder }, modelThat(moved), { log })
    const { kind, method, model } = persona
    const json: StoredPersonaRecord = {
      ...{ name: 'p', kind, method, model, job: 'job-1', answers: 'respondent-1', root: 'c'.repeat(64) },
      state: { kind: 'ready', steers: true },
    }
    const id = personaRef(ADA.id, 'p')
    await server.store.records.put(PERSONA_FILES, id, { owner: ADA.id, json: await packPersona(persona) })
    await server.store.records.put(PERSONAS, id, { owner: ADA.id, json })
    const chat = (fields: object = {}) =>
      server.ask(ADA, 'POST', '/v1/chat/completions', { ...hello, model: 'respondent', persona: 'p', ...fields })
    return { ...server, chat, lines: () => lines.filter(({ message }) => message !== 'request') }
  }

  it('that does not act here is refused and never answered by the base model, whatever its worker found', async () => {
    const { chat, ask, lines, store } = await serving(steering(), () => 0)
    for (let times = 0; times < 2; times++) {
      expect(await problemOf(await chat())).toMatchObject({ status: 503, code: 'persona_not_ready', param: 'persona' })
    }
    expect(await jsonOf(await ask(ADA, 'GET', '/api/personas/p'))).toMatchObject({
      ...{ state: 'failed', reason: 'alpha 2 does not change the logits' },
    })
    expect(lines()).toEqual([
      {
        message: 'persona refused',
        fields: expect.objectContaining({ persona: 'p', owner: ADA.id, reason: expect.any(String), root: 'c'.repeat(64) }),
      },
    ])
    await store.close()
  })

  it('leaves one line in the log when it is loaded, and not one for each request', async () => {
    const { chat, lines, store } = await serving(steering(), (push) => push)
    for (let times = 0; times < 3; times++) expect((await chat()).status).toBe(200)
    expect(lines()).toEqual([
      {
        message: 'persona loaded',
        fields: { persona: 'p', root: 'c'.repeat(64), kind: 'steering', method: 'pas', owner: ADA.id },
      },
    ])
    await store.close()
  })

  it('whose search found no strength says in every answer that it does not steer, unless it is given one', async () => {
    const { chat, store } = await serving(steering({ alpha: 0 }), (push) => push)
    const warning = async (fields: object) => (await chat(fields)).headers.get('x-persona-warning')
    expect(await warning({})).toBe('alpha of p is 0: the answer is not steered')
    expect(await warning({ persona: { id: 'p', alpha: 1 } })).toBe('alpha 1 of p is outside 0 to 0')
    await store.close()
  })

  it('whose bytes are damaged is refused with the reason', async () => {
    const { chat, store } = await serving(steering(), (push) => push)
    const id = personaRef(ADA.id, 'p')
    const { json } = (await store.records.get(PERSONA_FILES, id))!
    const [{ name, base64 }] = (json as PersonaBundle).files as [PersonaBundle['files'][number]]
    const files = [{ name, base64: base64.slice(0, base64.length - 4) }]
    await store.records.put(PERSONA_FILES, id, { owner: ADA.id, json: { format: 1, files } })
    expect(await problemOf(await chat())).toMatchObject({ status: 503, code: 'persona_not_ready', message: /cannot be read/ })
    await store.close()
  })

  it('of another model is told to be so', async () => {
    const { chat, ask, store } = await serving(steering({ model: 'a'.repeat(64) }), (push) => push)
    expect(await problemOf(await chat())).toMatchObject({ status: 400, code: 'persona_incompatible' })
    const { data } = await jsonOf<{ data: object[] }>(await ask(ADA, 'GET', '/v1/models'))
    expect(data).toHaveLength(1)
    await store.close()
  })
})
