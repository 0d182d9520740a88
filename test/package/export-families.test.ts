import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportPersona, loadModel, type SteeringPersona } from 'palign'
import { afterAll, describe, expect, it } from 'vitest'
import { loadLlama } from '../../src/node/verify-llama.ts'
import { byteTokenizerJson } from '../fixtures/byte-tokenizer.ts'
import { configJson, randomModel } from '../fixtures/random-model.ts'
import { randomPersonas } from '../fixtures/random-personas.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-test-'))
afterAll(() => rmSync(scratch, { recursive: true }))
const hasLlama = (await loadLlama()) !== undefined

const FAMILIES = {
  llama: { json: {} },
  'llama with scaled rotation': {
    json: {
      rope_scaling: {
        rope_type: 'llama3',
        factor: 8,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 32,
      },
    },
  },
  'llama in float16': { json: { tie_word_embeddings: true }, dtype: 'F16' },
  mistral: { json: { model_type: 'mistral', architectures: ['MistralForCausalLM'], sliding_window: null } },
  qwen2: { json: { model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'], use_sliding_window: false } },
  qwen3: { json: { model_type: 'qwen3', architectures: ['Qwen3ForCausalLM'], head_dim: 32 } },
} as const

/** One displacement for both heads of every group, which a bias of the values can carry. */
function tied(persona: SteeringPersona): SteeringPersona {
  const interventions = persona.interventions.flatMap((one) => [0, 1].map((head) => ({ ...one, head })))
  return { ...persona, interventions }
}

describe.each(Object.entries(FAMILIES))('export of a random %s', (name, family) => {
  const folder = join(scratch, name)
  const tokenizer = byteTokenizerJson()
  const model = randomModel({
    json: configJson({ vocab_size: 300, ...family.json }),
    dtype: 'dtype' in family ? family.dtype : 'F32',
  })
  mkdirSync(folder)
  for (const [file, bytes] of model.files) writeFileSync(join(folder, file), bytes)
  writeFileSync(join(folder, 'config.json'), JSON.stringify(model.json))
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))

  const run = async (target: 'hf' | 'onnx' | 'gguf') => {
    const loaded = await loadModel(folder, { threads: 1 })
    const [persona] = randomPersonas({ model: loaded, count: 1, alpha: 1 })
    await loaded.dispose()
    const to = join(scratch, `${name}-${target}`)
    return exportPersona({ persona: tied(persona!), model: folder, target, to, withoutTokenizer: true, requireVerified: true })
  }

  it.each(['hf', 'onnx'] as const)('to %s is verified', async (target) => {
    expect((await run(target)).verification.kind).toBe('verified')
  })

  it.skipIf(!hasLlama)('to GGUF is verified in llama.cpp, by the bias that its architecture has', async () => {
    const { verification, carrier } = await run('gguf')
    expect(verification.kind).toBe('verified')
    expect(carrier).toMatchObject(
      name === 'qwen3'
        ? { architecture: 'qwen3', carrier: 'attn_v.bias' }
        : { architecture: 'llama', carrier: 'attn_output.bias' },
    )
  })
})
