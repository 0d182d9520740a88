import { describe, expect, it } from 'vitest'
import { referenceDecoder } from '../../../src/engine/reference-model.ts'
import { parseLlamaConfig } from '../../../src/graph/llama-config.ts'
import { requiredTensors } from '../../../src/graph/weights.ts'
import { configJson } from '../../fixtures/random-model.ts'

/** One layer of hidden size 4 whose weights are zero but for those given. */
function decoderWith(
  weights: Readonly<Record<string, readonly number[]>>,
  overrides: Record<string, unknown> = {},
  residualShift?: Float32Array,
) {
  const config = parseLlamaConfig(
    configJson({
      hidden_size: 4,
      intermediate_size: 2,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      num_key_value_heads: 1,
      vocab_size: 4,
      rms_norm_eps: 1e-12,
      ...overrides,
    }),
  )
  const tensors = new Map(
    [...requiredTensors(config)].map(([name, shape]) => {
      const values = Object.entries(weights).find(([suffix]) => name.endsWith(suffix))?.[1]
      const zero = name.endsWith('norm.weight') ? 1 : 0
      return [name, new Float32Array(values ?? Array(shape.reduce((a, b) => a * b)).fill(zero))]
    }),
  )
  return referenceDecoder({ config, tensor: (name) => tensors.get(name)!, residualShift })
}

const identity = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
/** Token t is 2 in component t: its RMS norm is component t alone, at 2. */
const embedding = identity.map((value) => 2 * value)

describe('referenceDecoder', () => {
  it('gives the normed embedding where attention and feed-forward are zero', async () => {
    const decoder = decoderWith({ 'embed_tokens.weight': embedding, 'lm_head.weight': identity })
    const { logits } = await decoder.forward({ tokens: [3, 1], logitsAt: [1, 0] })
    expect(Array.from(logits)).toEqual([0, 2, 0, 0, 0, 0, 0, 2])
  })

  it('mixes values evenly where keys are zero, for all heads of a group', async () => {
    // v_proj keeps components 0 and 1 of the normed token, so z is their mean over the tokens so far, once for each head.
    const decoder = decoderWith({ 'embed_tokens.weight': embedding, 'v_proj.weight': [1, 0, 0, 0, 0, 1, 0, 0] })
    const { z } = await decoder.forward({ tokens: [0, 1, 1, 1], record: true })
    expect(Array.from(z!)).toEqual([0.5, 1.5, 0.5, 1.5])
  })

  it('sees only the tokens of the window', async () => {
    const mistral = { model_type: 'mistral', architectures: ['MistralForCausalLM'], sliding_window: 2 }
    const decoder = decoderWith({ 'embed_tokens.weight': embedding, 'v_proj.weight': [1, 0, 0, 0, 0, 1, 0, 0] }, mistral)
    const { z } = await decoder.forward({ tokens: [0, 0, 0, 1], record: true })
    expect(Array.from(z!)).toEqual([1, 1, 1, 1])
  })

  it('adds the displacement to the input of o_proj and leaves z as it was', async () => {
    const decoder = decoderWith({ 'embed_tokens.weight': embedding, 'lm_head.weight': identity, 'o_proj.weight': identity })
    const displacement = Float32Array.of(0, 2, 0, 0)
    const { logits, z } = await decoder.forward({ tokens: [0], displacement, logitsAt: [0], record: true })
    expect(Array.from(z!)).toEqual([0, 0, 0, 0])
    // h = (2, 2, 0, 0), of root mean square sqrt 2.
    for (const [i, expected] of [Math.SQRT2, Math.SQRT2, 0, 0].entries()) expect(logits[i]).toBeCloseTo(expected, 6)
  })

  it('adds a shift to the stream behind each layer', async () => {
    const weights = { 'embed_tokens.weight': embedding, 'lm_head.weight': identity }
    const { logits } = await decoderWith(weights, {}, Float32Array.of(0, 2, 0, 0)).forward({ tokens: [0], logitsAt: [0] })
    // h = (2, 2, 0, 0), of root mean square sqrt 2.
    for (const [i, expected] of [Math.SQRT2, Math.SQRT2, 0, 0].entries()) expect(logits[i]).toBeCloseTo(expected, 6)
  })

  it('attends by the rotated distance between query and key', async () => {
    // Queries and keys are all (2, 0): rotated, their product is 4 cos(distance), so weights are softmax(4 cos(d) / sqrt 2).
    const ones = [1, 1, 1, 1, 0, 0, 0, 0]
    const decoder = decoderWith({
      'embed_tokens.weight': embedding,
      'q_proj.weight': [...ones, ...ones],
      'k_proj.weight': ones,
      'v_proj.weight': [1, 0, 0, 0, 0, 1, 0, 0],
    })
    const { z } = await decoder.forward({ tokens: [0, 1], record: true })
    const [far, near] = [Math.exp((4 * Math.cos(1)) / Math.SQRT2), Math.exp(4 / Math.SQRT2)]
    expect(z![0]).toBeCloseTo((2 * far) / (far + near), 6)
    expect(z![1]).toBeCloseTo((2 * near) / (far + near), 6)
  })

  it('passes silu(gate) * up through down', async () => {
    const decoder = decoderWith({
      'embed_tokens.weight': embedding,
      'lm_head.weight': identity,
      'gate_proj.weight': [1, 0, 0, 0, 0, 0, 0, 0],
      'up_proj.weight': [3, 0, 0, 0, 0, 0, 0, 0],
      'down_proj.weight': [0, 0, 1, 0, 0, 0, 0, 0],
    })
    const { logits } = await decoder.forward({ tokens: [0], logitsAt: [0] })
    const added = (2 / (1 + Math.exp(-2))) * 6
    expect(logits[1]! / logits[0]!).toBeCloseTo(added / 2, 5)
  })
})
