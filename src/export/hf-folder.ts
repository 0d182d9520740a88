/**
 * @file A persona in a Hugging Face folder: `o_proj.bias` = W_o d of every layer beside zero biases of q, k and v, declared by `attention_bias` of model_type llama. Loaders
 * that build the model from its config drop biases that it does not declare, without a word; so Mistral and Qwen2 are written as llama, which declares them all.
 */
import { PalignError } from '../errors.ts'
import type { JsonValue } from '../formats/strict-json.ts'
import type { LlamaConfig } from '../graph/llama-config.ts'
import { layerPrefix } from '../graph/weights.ts'

type JsonRecord = { readonly [key: string]: JsonValue }

/** Fields that say nothing to a llama, or something else. */
const OF_OTHER_FAMILIES: ReadonlySet<string> = new Set([
  'sliding_window',
  'use_sliding_window',
  'max_window_layers',
  'layer_types',
  'quantization_config',
])

/**
 * config.json of the export: the same computation as a llama with biases in its attention.
 * @param dtype name of the element type that all weights fit in, as `torch_dtype` has it
 * @throws PalignError `unsupported-model` where a llama cannot compute the same
 */
export function hfConfig(json: JsonRecord, config: LlamaConfig, dtype: string): JsonRecord {
  if (config.slidingWindow !== undefined && config.slidingWindow < config.maxPositions) {
    throw new PalignError(
      'unsupported-model',
      `model has a sliding window of ${config.slidingWindow} tokens, a llama with attention biases has none`,
      { hint: 'export to onnx, which keeps the window' },
    )
  }
  const kept = Object.entries(json).filter(([name]) => !OF_OTHER_FAMILIES.has(name))
  return {
    ...Object.fromEntries(kept),
    // Norms of the heads of q and k are what a llama has not; that family declares the same biases by the same flag.
    architectures: [config.headNorm ? 'Qwen3ForCausalLM' : 'LlamaForCausalLM'],
    model_type: config.headNorm ? 'qwen3' : 'llama',
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    rms_norm_eps: config.normEpsilon,
    attention_bias: true,
    mlp_bias: config.ffnBias,
    tie_word_embeddings: config.tiedEmbeddings,
    torch_dtype: dtype,
    ...(Object.hasOwn(json, 'dtype') && { dtype }),
  }
}

/** Every bias of the attention: its tensor's name, its length, and what is added to what the model has there, if anything. */
export interface AttentionBias {
  readonly name: string
  readonly length: number
  readonly added: Float64Array | undefined
}

export function hfBiases(config: LlamaConfig, outputBiases: readonly Float64Array[]): readonly AttentionBias[] {
  const { layers, heads, kvHeads, headDim, hiddenSize } = config
  return Array.from({ length: layers }, (_, layer) => {
    const bias = (projection: string, length: number, added?: Float64Array): AttentionBias => ({
      name: `${layerPrefix(layer)}.self_attn.${projection}.bias`,
      length,
      added,
    })
    return [
      bias('q_proj', heads * headDim),
      bias('k_proj', kvHeads * headDim),
      bias('v_proj', kvHeads * headDim),
      bias('o_proj', hiddenSize, outputBiases[layer]),
    ]
  }).flat()
}

const TORCH_DTYPES = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const

/** The type that loses nothing of any tensor. */
export function commonDtype(dtypes: Iterable<string>): (typeof TORCH_DTYPES)[keyof typeof TORCH_DTYPES] {
  const distinct = [...new Set(dtypes)]
  const [only] = distinct
  return distinct.length === 1 && (only === 'F16' || only === 'BF16') ? TORCH_DTYPES[only] : TORCH_DTYPES.F32
}
