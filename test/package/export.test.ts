import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compilePersona, type ExportPersonaOptions, exportPersona, type LanguageModel, loadModel } from 'palign'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadLlama } from '../../src/node/verify-llama.ts'
import { writeVerified } from '../../src/node/write-verified.ts'
import { randomPersonas } from '../fixtures/random-personas.ts'

const shared = new URL('../../../shared/models/', import.meta.url).pathname
const MODELS = [
  { name: 'respondent', folder: 'models/respondent', source: undefined, tokenizer: false },
  {
    name: 'stories260K',
    folder: `${shared}stories260K/hf`,
    source: `${shared}stories260K/stories260K-f32.gguf`,
    tokenizer: true,
  },
  {
    name: 'babyllama-tok361',
    folder: `${shared}babyllama-tok361/hf`,
    source: `${shared}babyllama-tok361/babyllama-tok361-f32.gguf`,
    tokenizer: true,
  },
] as const
const hasLlama = (await loadLlama()) !== undefined
const scratch = mkdtempSync(join(tmpdir(), 'palign-test-'))
afterAll(() => rmSync(scratch, { recursive: true }))

describe.each(MODELS)('export of $name (shared models where they are there)', ({ name, folder, source, tokenizer }) => {
  let model: LanguageModel
  const isThere = existsSync(folder)
  beforeAll(async () => {
    if (isThere) model = await loadModel(folder, { threads: 1 })
  })
  afterAll(() => model?.dispose())

  const persona = () => randomPersonas({ model, count: 1, alpha: 0.5 })[0]!
  const write = (options: Pick<ExportPersonaOptions, 'target' | 'to'> & Partial<ExportPersonaOptions>) =>
    exportPersona({ persona: persona(), model: folder, date: '2026-01-01', requireVerified: true, ...options })
  const steered = async () => {
    const tokens = model.encode('Once upon a time')
    const { displacement } = compilePersona(persona(), model)
    return { tokens, logits: await model.logits({ tokens, displacement }) }
  }

  async function expectSame(path: string) {
    const reloaded = await loadModel(path, { threads: 1 })
    try {
      const { tokens, logits } = await steered()
      const again = await reloaded.logits({ tokens })
      expect(Math.max(...again.map((x, i) => Math.abs(x - logits[i]!)))).toBeLessThan(2e-4)
    } finally {
      await reloaded.dispose()
    }
  }

  it.skipIf(!isThere)('to a Hugging Face folder gives the same logits when it is loaded again', async () => {
    const to = join(scratch, `${name}-hf`)
    const { verification } = await write({ target: 'hf', to })
    expect(verification).toMatchObject({ kind: 'verified', places: 32 })
    await expectSame(to)
    expect(JSON.parse(readFileSync(join(to, 'config.json'), 'utf8'))).toMatchObject({ model_type: 'llama', attention_bias: true })
  })

  it.skipIf(!isThere)('to ONNX answers in transformers.js and in onnxruntime-node as the steered engine', async () => {
    const to = join(scratch, `${name}-onnx`)
    const { verification } = await write({ target: 'onnx', to })
    if (verification.kind !== 'verified') throw new Error('unverified')
    expect(verification.target).toMatch(/^onnxruntime-node [\d.]+, transformers.js [\d.]+$/)
    const { exportToSteered, exportToBase } = verification.compared
    expect(exportToSteered.logProbability).toBeLessThan(2e-4)
    expect(exportToBase.totalVariation).toBeGreaterThan(100 * exportToSteered.totalVariation)
    expect(readFileSync(join(to, 'onnx/model.onnx'), 'latin1')).toContain('verified: onnxruntime-node')
  })

  const sources = [['its folder', undefined] as const, ...(source === undefined ? [] : [['the GGUF file', source] as const])]
  it.skipIf(!isThere || !hasLlama).each(sources)(
    'to GGUF answers in llama.cpp as the steered engine, written from %s',
    async (_, from) => {
      const to = join(scratch, `${name}-${from === undefined ? 'own' : 'source'}.gguf`)
      const { verification } = await write({ target: 'gguf', to, source: from, withoutTokenizer: !tokenizer })
      if (verification.kind !== 'verified') throw new Error('unverified')
      const { exportToSteered, exportToBase, zeroToBase } = verification.compared
      expect(exportToSteered.totalVariation).toBeLessThan(1e-3)
      expect(zeroToBase.totalVariation).toBeLessThan(1e-3)
      expect(exportToBase.totalVariation).toBeGreaterThan(100 * exportToSteered.totalVariation)
      expect(readFileSync(to, 'latin1')).toContain('verified: llama.cpp')
      // Of placeholders no text can be made.
      if (tokenizer) await expectSame(to)
    },
  )
})

describe('export of the demo model', () => {
  let model: LanguageModel
  beforeAll(async () => {
    model = await loadModel('models/respondent', { threads: 1 })
  })
  afterAll(() => model.dispose())
  const options = (target: ExportPersonaOptions['target'], to: string) =>
    ({ persona: randomPersonas({ model, count: 1, alpha: 0.5 })[0]!, model: 'models/respondent', target, to }) as const

  it('with the persona as an input is the base model unfed', async () => {
    const to = join(scratch, 'input')
    const { verification, carrier } = await exportPersona({ ...options('onnx', to), as: 'input' })
    if (verification.kind !== 'verified') throw new Error('unverified')
    expect(verification.compared.zeroToBase.totalVariation).toBeLessThan(1e-4)
    expect(carrier.javascript).toContain('bake')
  })

  it('refuses a tokenizer that llama.cpp has no name for, and writes nothing', async () => {
    const to = join(scratch, 'refused.gguf')
    await expect(exportPersona(options('gguf', to))).rejects.toMatchObject({
      code: 'unsupported-model',
      hint: expect.stringContaining('--source'),
    })
    expect(existsSync(to)).toBe(false)
  })

  it('refuses a prompt where a model has no place for one', async () => {
    const persona = { kind: 'prompt', method: 'p2', system: 'You are shy.' } as const
    await expect(exportPersona({ ...options('hf', join(scratch, 'prompt')), persona })).rejects.toMatchObject({
      code: 'incompatible-persona',
    })
  })

  it('that answers as the base model is deleted and refused, with what was found', async () => {
    const displacement = compilePersona(options('hf', '').persona, model).displacement!
    const base = { ...model, program: 'a program that drops biases', dispose: async () => undefined }
    const { engineExport } = await import('../../src/node/verify-engine.ts')
    const folder = join(scratch, 'ignored')
    const target = {
      kind: 'file' as const,
      precision: 'float' as const,
      noteIn: '',
      facts: {},
      write: async (path: string) => (await import('node:fs/promises')).writeFile(path, 'x'),
      open: async () => ({ opened: [engineExport(base, base.program)], missing: [] }),
    }
    const written = writeVerified({
      target,
      to: join(folder, 'model'),
      model,
      displacement,
      system: undefined,
      requireVerified: false,
      date: '2026-01-01',
    })
    await expect(written).rejects.toMatchObject({
      code: 'engine-failed',
      message: expect.stringContaining('ignores the persona'),
    })
    expect(readdirSync(folder)).toEqual([])
  })
})
