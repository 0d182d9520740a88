/** @file GGUF models: made a folder once, and computed as llama.cpp computes the same file. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadModel } from 'palign'
import { afterAll, describe, expect, it } from 'vitest'
import { bytesSource } from '../../src/formats/byte-source.ts'
import { readGgufHeader } from '../../src/formats/gguf.ts'
import { logSoftmax } from '../../src/math/log-softmax.ts'
import {
  byteLevelMetadata,
  type GgufModelOptions,
  ggufModel,
  type Metadata,
  real,
  smallByteLevelTokenizer,
  text,
} from '../fixtures/gguf-model.ts'
import { llamaCpp, openLlamaCpp } from '../fixtures/llama-cpp.ts'
import { useCache } from '../fixtures/own-cache.ts'
import { configJson, QWEN2, QWEN3, randomModel } from '../fixtures/random-model.ts'

const shared = new URL('../../../shared/models/', import.meta.url).pathname
const hasShared = existsSync(`${shared}stories260K`)
const noLlama = (await llamaCpp()) === undefined
const scratch = mkdtempSync(join(tmpdir(), 'palign-gguf-'))
afterAll(() => rmSync(scratch, { recursive: true }))
useCache(join(scratch, 'cache'))

const demoTokenizer = () => byteLevelMetadata(JSON.parse(readFileSync('models/respondent/tokenizer.json', 'utf8')), 'gpt-2')
const demoJson = () => JSON.parse(readFileSync('models/respondent/config.json', 'utf8'))
const demoWeights = () => new Uint8Array(readFileSync('models/respondent/model.safetensors'))

let written = 0
async function fileOf(options: GgufModelOptions): Promise<string> {
  const path = join(scratch, `model-${written++}.gguf`)
  writeFileSync(path, await ggufModel(options))
  return path
}

async function logProbabilitiesOf(path: string, tokens: readonly number[]): Promise<Float64Array> {
  const model = await loadModel(path, { threads: 1 })
  try {
    return Float64Array.from(logSoftmax(await model.logits({ tokens })))
  } finally {
    await model.dispose()
  }
}

/** The largest difference of log-probabilities, among those that a float32 probability still shows. */
async function differenceFromLlama(path: string, tokens: readonly number[]): Promise<number> {
  const ours = await logProbabilitiesOf(path, tokens)
  const llama = await openLlamaCpp(path)
  const theirs = await llama.logProbabilities(tokens)
  await llama.dispose()
  expect(theirs).toHaveLength(ours.length)
  return theirs.reduce((most, value, i) => (value < -60 ? most : Math.max(most, Math.abs(value - ours[i]!))), 0)
}

const TOKENS = [5, 80, 200, 17, 244, 9, 150, 77, 42, 101, 200, 80]
/** Summation in another order; 2e-5 was the most seen. */
const FLOATS = 2e-4

describe.skipIf(noLlama)('a GGUF file of the demo model (needs node-llama-cpp)', () => {
  // llama.cpp rounds what goes into a product: to float16 (.012 seen) or, with blocks, to 8 bits, as we do (.10 and .11 seen).
  it.each([
    ['F32', FLOATS],
    ['F16', 0.05],
    ['Q8_0', 0.3],
    ['Q4_0', 0.3],
  ] as const)('in %s gives the log-probabilities of llama.cpp', async (type, most) => {
    const path = await fileOf({ json: demoJson(), weights: demoWeights(), tokenizer: demoTokenizer(), type })
    expect(await differenceFromLlama(path, TOKENS)).toBeLessThan(most)
  })
})

describe.skipIf(noLlama || !hasShared)('a published GGUF file (needs node-llama-cpp and ../shared/models)', () => {
  const parts = async (name: string) => {
    const path = `${shared}${name}/${name}-f32.gguf`
    const { metadata } = await readGgufHeader(bytesSource(readFileSync(path)))
    const options: GgufModelOptions = {
      json: JSON.parse(readFileSync(`${shared}${name}/hf/config.json`, 'utf8')),
      weights: new Uint8Array(readFileSync(`${shared}${name}/hf/model.safetensors`)),
      tokenizer: new Map([...metadata].filter(([key]) => key.startsWith('tokenizer.'))),
    }
    return { path, options }
  }
  const STORY = [1, 403, 407, 261, 378, 432, 383, 286]
  const BABY = [1, 259, 290, 265, 278, 260, 281, 259, 300, 270]

  it.each([
    ['stories260K', STORY],
    ['babyllama-tok361', BABY],
  ] as const)('of %s gives the log-probabilities of llama.cpp', async (name, tokens) => {
    const { path } = await parts(name)
    expect(await differenceFromLlama(path, tokens)).toBeLessThan(FLOATS)
  })

  // A width of 172 stays in floats; .19 and .25 seen.
  it.each([
    ['stories260K', 'Q8_0', STORY],
    ['babyllama-tok361', 'Q4_0', BABY],
  ] as const)('of %s made %s is within the rounding of both engines', async (name, type, tokens) => {
    const { options } = await parts(name)
    expect(await differenceFromLlama(await fileOf({ ...options, type }), tokens)).toBeLessThan(0.5)
  })
})

const tokenizer = byteLevelMetadata(smallByteLevelTokenizer(), 'gpt-2')
const vocabSize = (tokenizer.get('tokenizer.ggml.tokens') as { readonly values: readonly string[] }).values.length
const small = (overrides: Record<string, unknown>, more: Partial<GgufModelOptions> = {}): GgufModelOptions => {
  const json = configJson({ hidden_size: 256, intermediate_size: 512, num_hidden_layers: 2, vocab_size: vocabSize, ...overrides })
  return { json, weights: randomModel({ json, seed: 11 }).files.get('model.safetensors')!, tokenizer, ...more }
}
const linear: Metadata = new Map([
  ['llama.rope.scaling.type', text('linear')],
  ['llama.rope.scaling.factor', real(4)],
])

describe.skipIf(noLlama)('a random GGUF model (needs node-llama-cpp)', () => {
  it.each<[string, GgufModelOptions, number]>([
    ['with biases', small({ attention_bias: true }), FLOATS],
    ['of qwen2, tied', small({ ...QWEN2, tie_word_embeddings: true }), FLOATS],
    ['of qwen3', small({ ...QWEN3, head_dim: 64 }), FLOATS],
    ['with rotary positions divided', small({ rope_scaling: { rope_type: 'linear', factor: 4 } }, { more: linear }), FLOATS],
    ['with rotary factors', small({}, { ropeFactors: Array.from({ length: 32 }, (_, i) => 1 + i / 4) }), FLOATS],
    // What is left is that llama.cpp rounds the other factor to 8 bits; .033, .015 and .087 seen.
    ['in Q4_K', small({}, { type: 'Q4_K' }), 0.2],
    ['in Q5_K', small({}, { type: 'Q5_K' }), 0.2],
    ['in Q6_K', small({}, { type: 'Q6_K' }), 0.2],
  ])('%s gives the log-probabilities of llama.cpp', async (_, options, most) => {
    expect(await differenceFromLlama(await fileOf(options), TOKENS)).toBeLessThan(most)
  })
})

describe('a GGUF model', () => {
  it('gives the logits of the folder that it was made of, bit for bit', async () => {
    const path = await fileOf({ json: demoJson(), weights: demoWeights(), tokenizer: demoTokenizer() })
    expect(await logProbabilitiesOf(path, TOKENS)).toEqual(await logProbabilitiesOf('models/respondent', TOKENS))
  })
})
