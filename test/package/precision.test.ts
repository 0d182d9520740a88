/** @file A model in other precisions: made once, used by the whole engine, told apart from what it was made of. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compilePersona, type LanguageModel, loadModel, type SteeringPersona, zeroDisplacement } from 'palign'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { precisionError } from '../../src/eval/precision-error.ts'
import { floatTensor } from '../../src/formats/float-tensor.ts'
import { writeSafetensors } from '../../src/formats/safetensors.ts'
import { requiredTensors } from '../../src/graph/weights.ts'
import type { Precision } from '../../src/model/precision.ts'
import { copyModelText } from '../../src/node/copy-model-text.ts'
import { folderInPrecision } from '../../src/node/model-precision.ts'
import { collected } from '../fixtures/collected.ts'
import { configJson, randomModel } from '../fixtures/random-model.ts'

const demo = 'models/respondent'
const cache = mkdtempSync(join(tmpdir(), 'palign-precision-'))
const given = process.env.PALIGN_CACHE
let whole: LanguageModel
const open: LanguageModel[] = []
const load = async (dtype?: Precision) => {
  const model = await loadModel(demo, { threads: 1, dtype })
  open.push(model)
  return model
}

beforeAll(async () => {
  process.env.PALIGN_CACHE = cache
  whole = await load()
})
afterAll(async () => {
  for (const model of open) await model.dispose()
  if (given === undefined) delete process.env.PALIGN_CACHE
  else process.env.PALIGN_CACHE = given
  rmSync(cache, { recursive: true })
})

// Seen on this model: .0006, .024 and .14. Few bits cost a small model more than a large one.
describe.each([
  ['f16', 0.002],
  ['q8', 0.05],
  ['q4', 0.25],
] as const)('the demo model in %s', (dtype, most) => {
  let model: LanguageModel
  beforeAll(async () => {
    model = await load(dtype)
  })

  it('is another model, whose logits are near', async () => {
    expect(model.fingerprint).not.toBe(whole.fingerprint)
    const error = await precisionError(model, whole)
    expect(error.relativeError).toBeGreaterThan(0)
    expect(error.relativeError).toBeLessThan(most)
    expect(error.sameTop).toBeGreaterThan(0.8)
  })

  it('steers, scores and generates: many at once as each alone', async () => {
    const tokens = model.encode('Do you worry about things?')
    const displacement = zeroDisplacement(model.shape).map((_, i) => Math.sin(i))
    const requests = [
      { tokens, maxTokens: 6 },
      { tokens, displacement, maxTokens: 6 },
      { tokens: tokens.slice(2), displacement: displacement.map((value) => -value), maxTokens: 6 },
    ]
    const alone = []
    for (const request of requests) alone.push(await collected(model.generate(request)))
    expect(await Promise.all(requests.map((request) => collected(model.generate(request))))).toEqual(alone)
    const [first, second] = await model.score([
      { tokens, continuations: [[5], [9]] },
      { tokens: tokens.slice(1), continuations: [[5], [9]] },
    ])
    const logits = await model.logits({ tokens })
    expect(first![0]! - first![1]!).toBeCloseTo(logits[5]! - logits[9]!, 3)
    expect(second).not.toEqual(first)
  })
})

describe('weights in another precision', () => {
  it('are made once, and found again', async () => {
    const first = await folderInPrecision(demo, { precision: 'q8', cache })
    const { mtimeMs } = statSync(join(first, 'model.safetensors'))
    const progress: number[] = []
    const again = await folderInPrecision(demo, { precision: 'q8', cache, onProgress: ({ done }) => progress.push(done) })
    expect(again).toBe(first)
    expect(progress).toEqual([])
    expect(statSync(join(again, 'model.safetensors')).mtimeMs).toBe(mtimeMs)
  })

  it('are the folder itself where it has them already', async () => {
    expect(await folderInPrecision(demo, { precision: 'f32', cache })).toBe(demo)
    const made = await folderInPrecision(demo, { precision: 'q8', cache })
    expect(await folderInPrecision(made, { precision: 'q8', cache })).toBe(made)
  })

  it('go back to floats with the error they have', async () => {
    const blocks = await folderInPrecision(demo, { precision: 'q8', cache })
    const floats = await folderInPrecision(blocks, { precision: 'f32', cache })
    const again = await folderInPrecision(floats, { precision: 'q8', cache })
    // What has been rounded once is not rounded again, but for the last bit of a scale.
    const numbers = (folder: string) => readFileSync(join(folder, 'model.safetensors'))
    expect(numbers(again).byteLength).toBeGreaterThan(1e6)
    const [a, b] = [numbers(blocks), numbers(again)]
    const start = Number(a.readBigUInt64LE(0)) + 8
    expect(start).toBe(Number(b.readBigUInt64LE(0)) + 8)
    let different = 0
    for (let i = start; i < a.length; i++) if (a[i] !== b[i]) different++
    expect(different / a.length).toBeLessThan(0.01)
  })

  it('are the same when two processes make them at once', async () => {
    const other = mkdtempSync(join(cache, 'race-'))
    const made = await Promise.all([1, 2, 3].map(() => folderInPrecision(demo, { precision: 'q4', cache: other })))
    expect(new Set(made).size).toBe(1)
    expect(readdirSync(join(other, 'models'))).toHaveLength(1)
  })

  it('leave nothing behind when they are stopped', async () => {
    const other = mkdtempSync(join(cache, 'stopped-'))
    const stop = new AbortController()
    const making = folderInPrecision(demo, {
      precision: 'q4',
      cache: other,
      signal: stop.signal,
      onProgress: ({ done }) => done === 3 && stop.abort(),
    })
    await expect(making).rejects.toMatchObject({ code: 'aborted' })
    expect(readdirSync(join(other, 'models'))).toEqual([])
  })

  it('are refused where they cannot hold a number', async () => {
    const { config, json } = randomModel()
    const folder = mkdtempSync(join(cache, 'large-'))
    await copyModelText({ from: demo, to: folder })
    writeFileSync(join(folder, 'config.json'), JSON.stringify(json))
    const tensors = [...requiredTensors(config)].map(([name, shape]) =>
      floatTensor(name, shape, new Float32Array(shape.reduce((a, b) => a * b)).fill(7e4)),
    )
    writeFileSync(join(folder, 'model.safetensors'), writeSafetensors({ tensors }))
    await expect(folderInPrecision(folder, { precision: 'f16', cache })).rejects.toMatchObject({
      code: 'non-finite',
      message: expect.stringContaining('70000'),
    })
  })

  it('stay floats in a matrix whose width is no multiple of 32', async () => {
    const json = configJson({ intermediate_size: 100 })
    const { files } = randomModel({ json })
    const folder = join(cache, 'odd')
    mkdirSync(folder)
    await copyModelText({ from: demo, to: folder, except: ['config.json'] })
    writeFileSync(join(folder, 'config.json'), JSON.stringify(json))
    for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes)
    const made = await folderInPrecision(folder, { precision: 'q4', cache })
    const header = readFileSync(join(made, 'model.safetensors')).toString('latin1', 8, 20_000)
    expect(header).toContain('"model.layers.0.mlp.up_proj.weight.q4"')
    expect(header).toContain('"model.layers.0.mlp.down_proj.weight"')
    expect(header).toContain('"model.embed_tokens.weight.q8"')
  })

  it('do not take a persona that was found on others', async () => {
    const model = await load('q4')
    const persona = { kind: 'steering', model: whole.fingerprint, interventions: [], alpha: 1 } as unknown as SteeringPersona
    expect(() => compilePersona(persona, model)).toThrow('fitted on model')
  })
})
