import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { IPIP_NEO_120 } from '../../src/items/ipip-neo.ts'
import type { LanguageModel } from '../../src/model/language-model.ts'
import { packPersona, unpackPersona } from '../../src/node/persona-bundle.ts'
import { simulateRespondents } from '../../src/people/simulate.ts'
import type { AdapterPersona, SteeringPersona, StoredPersona } from '../../src/persona/persona.ts'
import { ALIGN_JOB, alignJobHandler } from '../../src/server/align-job.ts'
import { ANSWERS, PERSONA_FILES, PERSONAS, personaIdOf } from '../../src/server/life-records.ts'
import type { JobQueue } from '../../src/store/jobs.ts'
import { SQLITE_MIGRATIONS } from '../../src/store/migrations.ts'
import type { Records } from '../../src/store/records.ts'
import { runJobs } from '../../src/store/run-jobs.ts'
import { openSqlite, type SqliteDatabase } from '../../src/store/sqlite-database.ts'
import { sqliteJobs } from '../../src/store/sqlite-jobs.ts'
import { sqliteRecords } from '../../src/store/sqlite-records.ts'

const shape = { layers: 2, heads: 2, kvHeads: 2, headDim: 4, hiddenSize: 8, vocabSize: 16, contextLength: 64 }
const fingerprint = 'f'.repeat(64)
const [person] = simulateRespondents({ count: 1, seed: 8, questionnaire: IPIP_NEO_120 })
const answers = {
  questionnaire: 'ipip-neo-120',
  coding: 'worded',
  respondents: [{ sex: 'female', age: 30, answers: Object.fromEntries(person!.answers.byItem) }],
}

describe('a persona as a bundle', () => {
  const provenance = { data: 'd', row: 0, questionnaire: 'ipip-neo-120', answered: 120, seed: 1, version: '0' }

  const steering: SteeringPersona = {
    ...{ kind: 'steering', method: 'pas', model: fingerprint, shape, site: 'z', unit: 'sigma', alpha: 1.5, provenance },
    interventions: [{ layer: 1, head: 0, direction: Float32Array.of(0.5, -0.5, 0.5, 0.5), sigma: 0.3 }],
    calibration: { loss: 'l', curve: [{ alpha: 0, loss: 1 }], folds: 5 },
  }
  const pair = { a: Float32Array.from({ length: 8 }, (_, i) => i / 7), b: Float32Array.from({ length: 8 }, (_, i) => -i / 3) }
  const adapter: AdapterPersona = {
    ...{ kind: 'adapter', method: 'dpo', model: fingerprint, shape, training: undefined, provenance },
    adapter: { rank: 1, alpha: 2, targets: ['q_proj'], pairs: new Map([['model.layers.0.self_attn.q_proj', pair]]) },
  }

  it.each<StoredPersona>([steering, adapter, { kind: 'prompt', method: 'few-shot', system: 'Be yourself.' }])(
    'comes back as it was, to the last bit: $kind',
    async (persona) => {
      expect(await unpackPersona(JSON.parse(JSON.stringify(await packPersona(persona))))).toEqual(persona)
    },
  )

  it('is refused where it names other files than a persona has', async () => {
    const file = { name: 'persona.safetensors', base64: '' }
    for (const json of [
      undefined,
      { format: 2, files: [file] },
      { format: 1, files: [] },
      { format: 1, files: [{ ...file, name: '../persona.safetensors' }] },
      { format: 1, files: [{ ...file, base64: '!' }] },
      { format: 1, files: [file], more: 1 },
    ]) {
      await expect(unpackPersona(json)).rejects.toMatchObject({ code: 'malformed-file', message: /no bundle/ })
    }
    await expect(unpackPersona({ format: 1, files: [file] })).rejects.toMatchObject({ code: 'malformed-file' })
  })
})

describe('a job of kind align', () => {
  let database: SqliteDatabase
  let queue: JobQueue
  let records: Records
  beforeEach(() => {
    database = openSqlite({ path: ':memory:', application: 'palj', migrations: SQLITE_MIGRATIONS })
    queue = sqliteJobs(database)
    records = sqliteRecords(database)
  })
  afterEach(() => database.close())

  /** Prompts need no model: nothing of it but its name may be asked. */
  const model = { fingerprint, shape } as unknown as LanguageModel
  const openTrainer = () => Promise.reject(new Error('no trainer'))
  const work = (store = records) =>
    runJobs({
      ...{ queue, worker: 'w', signal: new AbortController().signal, whenIdle: async () => false },
      handlers: { [ALIGN_JOB]: alignJobHandler({ model, records: store, version: '0.0.0', openTrainer }) },
    })

  it('makes a persona of stored answers, which expires with them', async () => {
    const expires = Date.now() + 60_000
    await records.put(ANSWERS, 'a', { owner: 'o', expires, json: answers })
    const job = await queue.enqueue(ALIGN_JOB, { answers: 'a', method: 'few-shot' }, { owner: 'o' })
    await work()
    const persona = personaIdOf(job)
    expect(await queue.get(job.id)).toMatchObject({ state: 'done', result: { persona, kind: 'prompt', method: 'few-shot' } })
    const record = await records.get(PERSONAS, persona)
    expect(record).toMatchObject({ owner: 'o', expires, json: { model: fingerprint, job: job.id, answers: 'a' } })
    const read = await unpackPersona((await records.get(PERSONA_FILES, persona))!.json)
    expect(read).toMatchObject({ kind: 'prompt', method: 'few-shot' })
  })

  it('is not done again where an earlier attempt stored the persona and could not say so', async () => {
    await records.put(ANSWERS, 'a', { owner: 'o', json: answers })
    const job = await queue.enqueue(ALIGN_JOB, { answers: 'a', method: 'few-shot', persona: 'p' }, { owner: 'o' })
    const claimed = await queue.claim([ALIGN_JOB], { worker: 'gone' })
    const handler = alignJobHandler({ model, records, version: '0.0.0', openTrainer })
    const run = { signal: new AbortController().signal, onProgress: () => undefined, saveCheckpoint: async () => undefined }
    const attempt = () => handler({ ...run, job: claimed!, payload: claimed!.payload, checkpoint: undefined })
    const first = await attempt()
    const before = await records.list(PERSONAS, { owner: 'o' })
    expect(before.map(({ json }) => json)).toEqual([expect.objectContaining({ name: 'p', job: job.id })])
    expect(await attempt()).toEqual(first)
    expect(await records.list(PERSONAS, { owner: 'o' })).toEqual(before)
    // Another job gets no persona under that name.
    const other = await queue.enqueue(ALIGN_JOB, { answers: 'a', method: 'few-shot', persona: 'p' }, { owner: 'o' })
    await work()
    expect(await queue.get(other.id)).toMatchObject({ state: 'failed', error: { message: 'persona of that name exists' } })
  })

  it('never reads the answers of another owner', async () => {
    await records.put(ANSWERS, 'a', { owner: 'somebody else', json: answers })
    const job = await queue.enqueue(ALIGN_JOB, { answers: 'a', method: 'few-shot' }, { owner: 'o' })
    await work()
    expect(await queue.get(job.id)).toMatchObject({ state: 'failed', error: { code: 'not-found' }, attempts: 1 })
    expect(await records.list(PERSONAS, { owner: 'o' })).toEqual([])
  })

  it.each([
    ['while it ran', 2],
    ['while it stored', 3],
  ])('leaves nothing where the answers were withdrawn %s', async (_, read) => {
    await records.put(ANSWERS, 'a', { owner: 'o', json: answers })
    const job = await queue.enqueue(ALIGN_JOB, { answers: 'a', method: 'few-shot' }, { owner: 'o' })
    let reads = 0
    await work({
      ...records,
      async get(collection, id) {
        if (collection === ANSWERS && ++reads === read) await records.delete(ANSWERS, 'a')
        return records.get(collection, id)
      },
    })
    expect(reads).toBe(read)
    expect(await queue.get(job.id)).toMatchObject({ state: 'failed', error: { code: 'not-found' } })
    for (const collection of [PERSONAS, PERSONA_FILES]) expect(await records.list(collection, { owner: 'o' })).toEqual([])
  })

  it.each([
    ['a payload of another form', { answer: 'a' }, answers, 'invalid-input'],
    ['a method that does not exist', { answers: 'a', method: 'magic' }, answers, 'invalid-input'],
    ['another model than the worker has', { answers: 'a', model: 'a'.repeat(64) }, answers, 'incompatible-persona'],
    ['steps where nothing is trained', { answers: 'a', settings: { steps: 5 } }, answers, 'invalid-input'],
    ['answers that are none', { answers: 'a' }, { questionnaire: 'ipip-neo-120' }, 'malformed-file'],
    ['nothing answered', { answers: 'a' }, { ...answers, respondents: [{ answers: {} }] }, 'too-few-answers'],
  ])('fails once and for all with %s, and quotes no answer', async (_, payload, json, code) => {
    await records.put(ANSWERS, 'a', { owner: 'o', json })
    const job = await queue.enqueue(ALIGN_JOB, payload, { owner: 'o' })
    await work()
    expect(await queue.get(job.id)).toMatchObject({ state: 'failed', attempts: 1, error: { code } })
  })
})
