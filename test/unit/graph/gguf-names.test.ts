import { describe, expect, it } from 'vitest'
import { ggufName, huggingFaceName } from '../../../src/graph/gguf-names.ts'
import { parseLlamaConfig } from '../../../src/graph/llama-config.ts'
import { reorderRotaryRows } from '../../../src/graph/rotary-rows.ts'
import { requiredTensors } from '../../../src/graph/weights.ts'
import { configJson, QWEN3 } from '../../fixtures/random-model.ts'

describe('names of tensors in GGUF', () => {
  it('go there and back for every tensor of a model', () => {
    for (const json of [configJson({ attention_bias: true, mlp_bias: true }), configJson(QWEN3)]) {
      for (const name of requiredTensors(parseLlamaConfig(json)).keys()) expect(huggingFaceName(ggufName(name)!)).toBe(name)
    }
  })

  it('are unknown for what is no part of the computation', () => {
    for (const name of ['blk.0.ffn_gate_inp.weight', 'blk.00.attn_q.weight', 'rope_freqs.weight', 'token_embd.bias']) {
      expect(huggingFaceName(name)).toBeUndefined()
    }
    expect(ggufName('model.layers.0.self_attn.rotary_emb.inv_freq')).toBeUndefined()
  })
})

describe('rows of q and k', () => {
  const rows = Uint8Array.from({ length: 16 }, (_, i) => i)

  it('in halves become pairs inside each head', () => {
    const pairs = reorderRotaryRows(rows, { rows: 8, headDim: 4, to: 'pairs' })
    expect(Array.from(pairs)).toEqual([0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15])
  })

  it('come back as they were', () => {
    const there = reorderRotaryRows(rows, { rows: 16, headDim: 8, to: 'pairs' })
    expect(there).not.toEqual(rows)
    expect(reorderRotaryRows(there, { rows: 16, headDim: 8, to: 'halves' })).toEqual(rows)
  })

  it('are refused where they are not whole heads', () => {
    expect(() => reorderRotaryRows(rows, { rows: 8, headDim: 6, to: 'pairs' })).toThrow('whole heads of 6')
  })
})
