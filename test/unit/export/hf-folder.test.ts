import { describe, expect, it } from 'vitest'
import { commonDtype, hfBiases, hfConfig } from '../../../src/export/hf-folder.ts'
import { parseLlamaConfig } from '../../../src/graph/llama-config.ts'
import { configJson } from '../../fixtures/random-model.ts'

const written = (json: Record<string, unknown>) =>
  hfConfig(json as Parameters<typeof hfConfig>[0], parseLlamaConfig(json), 'float32') as Record<string, unknown>

describe('config of an exported folder', () => {
  it.each([
    ['mistral', { model_type: 'mistral', architectures: ['MistralForCausalLM'], sliding_window: null }],
    ['qwen2', { model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'], use_sliding_window: false, max_window_layers: 2 }],
  ])('writes %s as a llama that declares every bias, and computes the same', (_, fields) => {
    const json = configJson(fields)
    const config = written(json)
    expect(config).toMatchObject({
      model_type: 'llama',
      architectures: ['LlamaForCausalLM'],
      attention_bias: true,
      mlp_bias: false,
      head_dim: 16,
    })
    expect(parseLlamaConfig(config)).toEqual({ ...parseLlamaConfig(json), inputBias: true, outputBias: true })
  })

  it('keeps qwen3, whose norms of heads a llama has not', () => {
    const json = configJson({ model_type: 'qwen3', architectures: ['Qwen3ForCausalLM'], head_dim: 16 })
    expect(parseLlamaConfig(written(json))).toMatchObject({ headNorm: true, outputBias: true })
  })

  it('refuses a window that acts', () => {
    const json = configJson({ model_type: 'mistral', architectures: ['MistralForCausalLM'], sliding_window: 16 })
    expect(() => written(json)).toThrow('sliding window of 16 tokens')
  })

  it('declares exactly the biases that are written', () => {
    const config = parseLlamaConfig(written(configJson()))
    const names = hfBiases(config, []).map(({ name }) => name)
    expect(names).toHaveLength(4 * config.layers)
    expect(names).toContain('model.layers.2.self_attn.o_proj.bias')
  })

  it('names the type that loses nothing of any tensor', () => {
    expect(['BF16', 'F16', 'F32'].map((dtype) => commonDtype([dtype, dtype]))).toEqual(['bfloat16', 'float16', 'float32'])
    expect(commonDtype(['BF16', 'F16'])).toBe('float32')
  })
})
