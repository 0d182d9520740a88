import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AdapterPersona,
  compilePersona,
  type LanguageModel,
  loadModel,
  readAdapterFolder,
  readPersona,
  writeAdapterFolder,
  writeMergedModel,
  writePersona,
} from 'palign'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { linearModules } from '../../src/graph/weights.ts'
import { readModelFolder } from '../engine/open-model.ts'
import { randomAdapter } from '../fixtures/random-adapter.ts'

// What a user does with an adapter: the built package, the engine in its worker thread.
const demo = 'models/respondent'
const scratch = mkdtempSync(join(tmpdir(), 'palign-adapter-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const adapter = randomAdapter(linearModules(readModelFolder(demo).config), { rank: 4 })
const tokens = [2, 30, 40, 50]
/** Float32 sums in another order, logits of about 10. */
const TOLERANCE = 2e-4
const distance = (a: Float32Array, b: Float32Array) => a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0)

let model: LanguageModel
beforeAll(async () => {
  model = await loadModel(demo)
})
afterAll(() => model.dispose())

function personaOf(): AdapterPersona {
  const { shape, fingerprint } = model
  const provenance = { data: 'x.json', row: 0, questionnaire: 'ipip-neo-300', answered: 100, seed: 0, version: '0.1.0' }
  const training = {
    hyperparameters: { learningRate: 5e-4, dropout: 0.1 },
    steps: 3,
    finalLoss: 0.5,
    curve: [{ step: 3, loss: 0.6 }],
    forwardTokens: 10,
    trainedTokens: 30,
    meanRowTokens: 10,
    meanCompletionTokens: 4,
    adapterWeights: 100,
  }
  return { kind: 'adapter', method: 'dpo', model: fingerprint, shape, adapter, training, provenance }
}

describe('adapter on a loaded model', () => {
  it('gives what the merged model folder gives', async () => {
    const folder = join(scratch, 'merged')
    await writeMergedModel({ from: demo, adapter, to: folder })
    const merged = await loadModel(folder)
    const found = await model.logits({ tokens, adapter })
    expect(distance(found, await merged.logits({ tokens }))).toBeLessThan(TOLERANCE)
    expect(distance(found, await model.logits({ tokens }))).toBeGreaterThan(0.1)
    await merged.dispose()
  })

  it('serves two adapters and none in turn, each as before', async () => {
    const other = randomAdapter(linearModules(readModelFolder(demo).config), { rank: 2, seed: 9 })
    const ask = () => Promise.all([adapter, other, undefined, adapter].map((one) => model.logits({ tokens, adapter: one })))
    const [first, second] = [await ask(), await ask()]
    expect(second).toEqual(first)
    expect(first[3]).toEqual(first[0])
    expect(distance(first[0]!, first[1]!)).toBeGreaterThan(0.1)
  })

  it("generates other text than the base model, and the base model's at strength 0", async () => {
    const run = async (steering: object) => {
      let text = ''
      for await (const event of model.generate({ tokens, maxTokens: 12, ...steering }))
        if (event.kind === 'finish') text = event.text
      return text
    }
    const base = await run({})
    expect(await run(compilePersona(personaOf(), model))).not.toBe(base)
    expect(await run(compilePersona(personaOf(), model, { alpha: 0 }))).toBe(base)
  })

  it('refuses an adapter that does not fit', async () => {
    await expect(model.logits({ tokens, adapter: { ...adapter, rank: 5 } })).rejects.toMatchObject({
      code: 'incompatible-persona',
    })
  })
})

describe('adapter folder', () => {
  it('brings an adapter persona back as it was', async () => {
    const folder = join(scratch, 'persona')
    await writePersona(folder, personaOf())
    await writePersona(folder, personaOf())
    expect(await readPersona(folder)).toEqual(personaOf())
    expect(readdirSync(folder).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors', 'palign.json'])
    expect(readdirSync(scratch).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('is a persona of unknown model where other tools made it, refused only if it does not fit', async () => {
    const folder = join(scratch, 'foreign')
    await writeAdapterFolder(folder, { adapter, base: 'x', origin: { model: undefined, method: undefined } })
    const persona = await readPersona(folder)
    expect(persona).toMatchObject({ kind: 'adapter', method: 'peft', model: undefined })
    const compiled = compilePersona(persona, model)
    expect(await model.logits({ tokens, ...compiled })).toEqual(await model.logits({ tokens, adapter }))
  })

  it('is refused on another model', () => {
    expect(() => compilePersona({ ...personaOf(), model: 'b'.repeat(64) }, model)).toThrow(
      expect.objectContaining({ code: 'incompatible-persona' }),
    )
  })

  it('is refused with the record of another adapter', async () => {
    const [one, two] = [join(scratch, 'one'), join(scratch, 'two')]
    await writePersona(one, personaOf())
    await writePersona(two, { ...personaOf(), model: 'c'.repeat(64) })
    cpSync(join(two, 'palign.json'), join(one, 'palign.json'))
    await expect(readPersona(one)).rejects.toMatchObject({ code: 'malformed-file' })
  })

  it('is not written over a folder with anything else in it', async () => {
    const folder = mkdtempSync(join(scratch, 'taken-'))
    writeFileSync(join(folder, 'letter.txt'), 'dear')
    await expect(writePersona(folder, personaOf())).rejects.toMatchObject({ code: 'invalid-input' })
    expect(readFileSync(join(folder, 'letter.txt'), 'utf8')).toBe('dear')
  })

  it('names pickled tensors and does not read them', async () => {
    const folder = mkdtempSync(join(scratch, 'pickle-'))
    await writeAdapterFolder(folder, { adapter, base: 'x', origin: { model: undefined, method: undefined } })
    rmSync(join(folder, 'adapter_model.safetensors'))
    writeFileSync(join(folder, 'adapter_model.bin'), 'x')
    await expect(readAdapterFolder(folder)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('adapter_model.bin'),
    })
  })
})
