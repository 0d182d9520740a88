import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { LanguageModel } from '../../src/model/language-model.ts'
import { encrypt } from '../../src/node/age.ts'
import { writePersona } from '../../src/node/persona-file.ts'
import type { SteeringPersona } from '../../src/persona/persona.ts'
import { testPersona } from '../../src/server/persona-self-test.ts'
import { readPersonaFolder } from '../../src/server/read-personas.ts'
import { testedPersonas } from '../../src/server/shelf.ts'
import { echoModel } from '../fixtures/echo-model.ts'
import { steering } from '../fixtures/small-personas.ts'
import { appOf, calm, chat, complete, get, hello, problemOf, raw } from './asking.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-mismatch-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const { shape, fingerprint } = echoModel()
const foreign: SteeringPersona = {
  ...steering,
  model: 'b'.repeat(64),
  shape: { ...shape, vocabSize: 99 },
  alpha: 1,
  interventions: [{ layer: 0, head: 0, direction: new Float32Array(shape.headDim).fill(1), sigma: 1 }],
}
const own = { ...foreign, model: fingerprint }
const personas = [
  { id: 'foreign', persona: foreign, root: 'r' },
  { id: 'own', persona: own, root: 's' },
]
const allowModelMismatch = true

describe('a persona of another model', () => {
  it('starts no server', () => {
    expect(() => appOf({ personas })).toThrow(/fitted on model bbbbbbbbbbbb/)
  })

  it('answers where the server was started so, and every answer says it', async () => {
    const app = appOf({ personas, allowModelMismatch })
    for (const response of [
      await chat(app, { ...hello, persona: 'foreign' }),
      await chat(app, { ...hello, persona: 'foreign', stream: true }),
      await complete(app, { ...raw, persona: 'foreign' }),
    ]) {
      expect(response.status).toBe(200)
      expect(response.headers.get('x-persona-warning')).toMatch(/foreign was fitted on another model/)
    }
    const answer = await chat(app, { ...hello, persona: 'own' })
    expect(answer.headers.get('x-persona-warning')).toBeNull()
  })

  it('is listed as such', async () => {
    const { data } = (await (await get(appOf({ personas, allowModelMismatch }), '/v1/models')).json()) as {
      data: { id: string; palign?: { model_mismatch?: boolean } }[]
    }
    expect(data.map(({ id, palign }) => [id, palign?.model_mismatch])).toEqual([
      ['echo', undefined],
      ['echo@foreign', true],
      ['echo@own', undefined],
    ])
  })

  it('is refused with other heads whatever was said', () => {
    const wider = { ...foreign, shape: { ...shape, heads: shape.heads + 1 } }
    expect(() => appOf({ personas: [{ id: 'wider', persona: wider, root: 'r' }], allowModelMismatch })).toThrow(
      /allowed only|fitted on model bbbbbbbbbbbb of/,
    )
  })

  it('is tested on this model like any other', async () => {
    const model: LanguageModel = {
      ...echoModel(),
      logits: async ({ displacement }) => Float32Array.of(1, -3, displacement?.reduce((sum, value) => sum + value, 0) ?? 0),
    }
    expect(await testPersona(foreign, model)).toMatchObject({ kind: 'failed' })
    expect(await testPersona(foreign, model, { allowModelMismatch })).toEqual({ kind: 'ready', steers: true })
    await expect(testedPersonas(personas, model)).rejects.toThrow(/foreign was fitted on another model/)
    expect(await testedPersonas(personas, model, { allowModelMismatch })).toEqual(personas)
  })
})

describe('a persona whose time is over', () => {
  const until = (expires: string) => [{ id: 'calm', persona: { ...calm, about: { expires } }, root: 'r' }]

  it('is refused with the date, and listed with the reason', async () => {
    const app = appOf({ personas: until('2020-01-01T00:00:00Z') })
    const problem = await problemOf(await chat(app, { ...hello, persona: 'calm' }))
    expect(problem).toMatchObject({ code: 'persona_not_ready', message: expect.stringContaining('2020-01-01') })
    const { data } = (await (await get(app, '/v1/models')).json()) as { data: object[] }
    expect(data[1]).toMatchObject({ palign: { failed: 'expired at 2020-01-01T00:00:00Z' } })
  })

  it('answers before', async () => {
    const app = appOf({ personas: until('2999-01-01T00:00:00Z') })
    expect((await chat(app, { ...hello, persona: 'calm' })).status).toBe(200)
  })
})

describe('encrypted personas of a folder', () => {
  const folder = join(scratch, 'personas')
  const passphrase = 'correct horse'

  it('are opened with the passphrase, under the name and hash that they have in plain', async () => {
    mkdirSync(folder)
    const plain = join(scratch, 'plain.safetensors')
    await writePersona(plain, own)
    const secret = await encrypt(readFileSync(plain), passphrase, { workFactor: 8 })
    writeFileSync(join(folder, 'me.safetensors.age'), secret)
    const [opened] = await readPersonaFolder(folder, { passphrase })
    expect(opened).toMatchObject({ id: 'me', persona: own })
    await writePersona(join(folder, 'other.safetensors'), own)
    const [, other] = await readPersonaFolder(folder, { passphrase })
    expect(other!.root).toBe(opened!.root)
  })

  it('are refused by name without it, and under a wrong one', async () => {
    await expect(readPersonaFolder(folder)).rejects.toThrow(/me.safetensors.age is encrypted and no passphrase/)
    await expect(readPersonaFolder(folder, { passphrase: 'wrong' })).rejects.toThrow(/me.safetensors.age: .*passphrase is wrong/)
  })

  it('are not two of one name', async () => {
    await writePersona(join(folder, 'me.safetensors'), own)
    await expect(readPersonaFolder(folder, { passphrase })).rejects.toThrow(/two personas called me/)
  })
})
