/** @file Personas baked into models whose weights are in blocks of few bits. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ExportPersonaOptions, exportPersona, loadModel } from 'palign'
import { afterAll, describe, expect, it } from 'vitest'
import { bytesSource } from '../../src/formats/byte-source.ts'
import { readGgufHeader } from '../../src/formats/gguf.ts'
import { ggufModel } from '../fixtures/gguf-model.ts'
import { llamaCpp } from '../fixtures/llama-cpp.ts'
import { useCache } from '../fixtures/own-cache.ts'
import { randomPersonas } from '../fixtures/random-personas.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-test-'))
afterAll(() => rmSync(scratch, { recursive: true }))
useCache(join(scratch, 'cache'))
const folder = new URL('../../../shared/models/babyllama-tok361/', import.meta.url).pathname
const noLlama = (await llamaCpp()) === undefined

async function exported(model: string, options: Pick<ExportPersonaOptions, 'target' | 'dtype'>) {
  const loaded = await loadModel(model, { threads: 1, dtype: options.dtype })
  const persona = randomPersonas({ model: loaded, count: 1, alpha: 1 })[0]!
  await loaded.dispose()
  const result = await exportPersona({ persona, model, to: join(scratch, `out-${options.target}`), ...options })
  if (result.verification.kind === 'unverified') throw new Error(result.verification.reason)
  return { carrier: result.carrier, ...result.verification.compared }
}

describe('a persona in a model of blocks', () => {
  it('is a constant before o_proj in an ONNX file, and answers as the engine does to rounding', async () => {
    const found = await exported('models/respondent', { target: 'onnx', dtype: 'q8' })
    expect(found.carrier.carrier).toContain('before o_proj')
    expect(found.exportToSteered.meanTotalVariation).toBeLessThan(0.1 * found.steeredToBase.meanTotalVariation)
    expect(found.steeredToBase.meanTotalVariation).toBeGreaterThan(0.02)
  })

  it.skipIf(noLlama || !existsSync(folder))(
    'is a bias in a GGUF file of Q4_0, which llama.cpp applies (needs node-llama-cpp and ../shared/models)',
    async () => {
      const { metadata } = await readGgufHeader(bytesSource(readFileSync(join(folder, 'babyllama-tok361-f32.gguf'))))
      const path = join(scratch, 'baby-q4_0.gguf')
      const file = await ggufModel({
        json: JSON.parse(readFileSync(join(folder, 'hf/config.json'), 'utf8')) as Record<string, unknown>,
        weights: new Uint8Array(readFileSync(join(folder, 'hf/model.safetensors'))),
        tokenizer: new Map([...metadata].filter(([key]) => key.startsWith('tokenizer.'))),
        type: 'Q4_0',
      })
      writeFileSync(path, file)
      const { exportToSteered, exportToBase, steeredToBase } = await exported(path, { target: 'gguf' })
      // Both engines round the inputs of products to 8 bits, each in its way: .012 where steering does .26.
      expect(exportToSteered.meanTotalVariation).toBeLessThan(0.15 * steeredToBase.meanTotalVariation)
      expect(exportToBase.meanTotalVariation).toBeGreaterThan(0.5 * steeredToBase.meanTotalVariation)
    },
  )
})
