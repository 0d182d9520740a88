import { describe, expect, it } from 'vitest'
import { foreignShape, seesAllTokens } from '../../../src/graph/foreign-config.ts'
import { configJson } from '../../fixtures/random-model.ts'

describe('the config of a graph that others wrote', () => {
  it('gives the shape whatever the architecture is called', () => {
    expect(foreignShape(configJson({ model_type: 'never-heard-of', architectures: undefined }))).toMatchObject({
      layers: 3,
      heads: 4,
      kvHeads: 2,
      headDim: 16,
    })
  })

  it.each([
    { model_type: 'llama' },
    { model_type: 'qwen2', sliding_window: 4096, use_sliding_window: false, max_window_layers: 21 },
    { model_type: 'mistral', sliding_window: null },
    { model_type: 'qwen3', layer_types: ['full_attention', 'full_attention'] },
  ])('says that tokens see all before them: %j', (fields) => {
    expect(seesAllTokens(configJson(fields))).toBe(true)
  })

  it.each([
    { model_type: undefined },
    { model_type: 'mistral' },
    { model_type: 'mistral', sliding_window: 4096 },
    { model_type: 'gemma2', sliding_window: 4096 },
    { model_type: 'qwen2', sliding_window: 4096 },
    { model_type: 'gemma3', layer_types: ['sliding_attention', 'full_attention'] },
    { model_type: 'llama4', attention_chunk_size: 8192 },
    { model_type: 'mpt', attn_config: {}, alibi: true },
    { model_type: 'gpt_neo', attention_types: [], local_attention: 256 },
  ])('does not say so: %j', (fields) => {
    expect(seesAllTokens(configJson(fields))).toBe(false)
  })
})
