import { describe, expect, it } from 'vitest'
import { PalignError, type PalignErrorCode } from '../../../src/errors.ts'
import { modelShape, parseLlamaConfig } from '../../../src/graph/llama-config.ts'
import { configJson, QWEN2, QWEN3 } from '../../fixtures/random-model.ts'

const parse = (overrides: Record<string, unknown> = {}) => parseLlamaConfig(configJson(overrides))
const mistral = { model_type: 'mistral', architectures: ['MistralForCausalLM'] }

describe('parseLlamaConfig', () => {
  it('takes the head dimension from the config where it is given', () => {
    expect(parse({ head_dim: 40 }).headDim).toBe(40)
    expect(parse({ head_dim: null }).headDim).toBe(16)
  })

  it('has as many key heads as heads where the config does not say', () => {
    expect(parse({ num_key_value_heads: undefined }).kvHeads).toBe(4)
  })

  it('reads flags as false where they are absent', () => {
    const config = parse({ tie_word_embeddings: undefined })
    expect(config).toMatchObject({ tiedEmbeddings: false, inputBias: false, outputBias: false, ffnBias: false })
    expect(parse({ tie_word_embeddings: true, attention_bias: true, mlp_bias: true })).toMatchObject({
      tiedEmbeddings: true,
      inputBias: true,
      outputBias: true,
      ffnBias: true,
    })
  })

  it('knows where the Qwen families have biases and norms of heads', () => {
    expect(parse(QWEN2)).toMatchObject({ inputBias: true, outputBias: false, headNorm: false, headDim: 16 })
    expect(parse(QWEN3)).toMatchObject({ inputBias: false, outputBias: false, headNorm: true, headDim: 16 })
    expect(parse({ ...QWEN3, head_dim: undefined })).toMatchObject({ headDim: 128 })
    expect(parse({ ...QWEN3, attention_bias: true })).toMatchObject({ inputBias: true, outputBias: true })
  })

  it.each([QWEN2, QWEN3])('refuses $model_type where some layers see a window, and takes one that is switched off', (family) => {
    const window = { sliding_window: 32, max_window_layers: 1 }
    expect(parse({ ...family, ...window, use_sliding_window: false }).slidingWindow).toBeUndefined()
    expectError(() => parse({ ...family, ...window, use_sliding_window: true }), 'unsupported-model', 'sliding window')
    const layer_types = ['full_attention', 'sliding_attention', 'full_attention']
    expectError(() => parse({ ...family, layer_types }), 'unsupported-model', 'sliding window')
  })

  it('has a window for mistral only, of 4096 where the config does not mention it', () => {
    expect(parse({ sliding_window: 64 }).slidingWindow).toBeUndefined()
    expect(parse({ ...mistral, sliding_window: 64 }).slidingWindow).toBe(64)
    expect(parse({ ...mistral, sliding_window: null }).slidingWindow).toBeUndefined()
    expect(parse(mistral).slidingWindow).toBe(4096)
  })

  const llama3 = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 }
  it.each([
    ['the oldest', { rope_theta: 500, rope_scaling: { type: 'llama3', ...llama3 } }],
    ['the old', { rope_theta: 500, rope_scaling: { rope_type: 'llama3', ...llama3 } }],
    ['the new', { rope_theta: undefined, rope_parameters: { rope_theta: 500, rope_type: 'llama3', ...llama3 } }],
  ])('reads rope scaling in %s spelling', (_, overrides) => {
    expect(parse(overrides).rope).toEqual({
      theta: 500,
      scaling: { kind: 'llama3', factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 64 },
    })
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['another architecture', { model_type: 'qwen2' }, 'architecture is qwen2'],
    ['a task other than generation', { architectures: ['LlamaForSequenceClassification'] }, 'LlamaForSequenceClassification'],
    ['another activation', { hidden_act: 'gelu' }, 'activation is gelu'],
    ['an unknown rope scaling', { rope_scaling: { rope_type: 'yarn', factor: 4 } }, 'rope scaling is yarn'],
    ['a rope scaling without a name', { rope_scaling: { factor: 4 } }, 'rope scaling is not named'],
    ['partial rotation', { partial_rotary_factor: 0.5 }, 'part of a head'],
    ['quantised weights', { quantization_config: { bits: 4 } }, 'quantised'],
    ['a mistral with biases', { ...mistral, attention_bias: true }, 'mistral model declares attention_bias'],
  ])('refuses %s as unsupported', (_, overrides, message) => {
    expectError(() => parse(overrides), 'unsupported-model', message)
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['a missing size', { hidden_size: undefined }, 'hidden_size'],
    ['NaN', { rms_norm_eps: Number.NaN }, 'rms_norm_eps'],
    ['a size of zero', { num_hidden_layers: 0 }, 'num_hidden_layers'],
    ['a fraction', { vocab_size: 10.5 }, 'vocab_size'],
    ['an absurd size', { vocab_size: 2 ** 40 }, 'vocab_size'],
    ['text for a number', { intermediate_size: '96' }, 'intermediate_size'],
    ['a rope factor of zero', { rope_scaling: { type: 'linear', factor: 0 } }, 'factor'],
    ['heads that key heads do not divide', { num_key_value_heads: 3 }, 'expected a multiple'],
    ['an odd head dimension', { head_dim: 15 }, 'expected an even number'],
    ['a hidden size that heads do not divide', { hidden_size: 66 }, 'expected an even number'],
  ])('refuses %s as malformed', (_, overrides, message) => {
    expectError(() => parse(overrides), 'malformed-file', message)
  })

  it.each([null, [], 'llama', 3, {}])('refuses %j as malformed', (json) => {
    expectError(() => parseLlamaConfig(json), 'malformed-file', 'model_type')
  })
})

describe('modelShape', () => {
  it('has the context the model was made for, at most 8192 by default', () => {
    expect(modelShape(parse({ max_position_embeddings: 512 })).contextLength).toBe(512)
    const long = parse({ max_position_embeddings: 131_072 })
    expect(modelShape(long).contextLength).toBe(8192)
    expect(modelShape(long, { contextLength: 100_000 }).contextLength).toBe(100_000)
  })

  it.each([0, 129, 1.5])('refuses a context of %d tokens', (contextLength) => {
    expectError(() => modelShape(parse(), { contextLength }), 'invalid-input', 'expected 1 to 128')
  })
})

function expectError(run: () => unknown, code: PalignErrorCode, message: string): void {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(PalignError)
    expect((error as PalignError).code).toBe(code)
    expect((error as PalignError).message).toContain(message)
    return
  }
  expect.fail('nothing was thrown')
}
