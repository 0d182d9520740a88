/**
 * @file Metadata of a GGUF file -> config.json. Every key of the architecture must be known: one that is passed over could be a model
 * silently wrong. Defaults are those of llama.cpp.
 */
import { PalignError } from '../errors.ts'
import type { GgufHeader, GgufMetadata } from '../formats/gguf.ts'
import { countField, realField, textField } from '../formats/gguf-fields.ts'

/** Architecture -> what a Hugging Face config calls it. Files of the Mistral family are of architecture llama too. */
const ARCHITECTURES = {
  llama: { model_type: 'llama', architectures: ['LlamaForCausalLM'] },
  qwen2: { model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'] },
  qwen3: { model_type: 'qwen3', architectures: ['Qwen3ForCausalLM'] },
} as const
export type GgufArchitecture = keyof typeof ARCHITECTURES

/** Keys after `ARCHITECTURE.` that are read below, or say nothing about the computation. */
const KNOWN_KEYS: ReadonlySet<string> = new Set([
  'context_length',
  'embedding_length',
  'block_count',
  'feed_forward_length',
  'vocab_size',
  'tensor_data_layout',
  'expert_count',
  'expert_used_count',
  'attention.head_count',
  'attention.head_count_kv',
  'attention.key_length',
  'attention.value_length',
  'attention.layer_norm_rms_epsilon',
  'attention.sliding_window',
  'rope.dimension_count',
  'rope.freq_base',
  'rope.scale_linear',
  'rope.scaling.type',
  'rope.scaling.factor',
  'rope.scaling.attn_factor',
  'rope.scaling.original_context_length',
  'rope.scaling.finetuned',
])
const DEFAULT_THETA = 10_000

/** @throws PalignError `unsupported-model` for another architecture, an adapter, or a file that is one of several */
export function ggufArchitecture(metadata: GgufMetadata): GgufArchitecture {
  const architecture = textField(metadata, 'general.architecture')
  const type = textField(metadata, 'general.type') ?? 'model'
  if (type !== 'model') throw unsupported(`GGUF file holds a ${type.slice(0, 100)}, expected a model`)
  if ((countField(metadata, 'split.count') ?? 1) > 1) {
    throw unsupported(
      'GGUF file is one of several parts, expected one that holds all',
      'join the parts with llama-gguf-split --merge',
    )
  }
  if (architecture !== undefined && Object.hasOwn(ARCHITECTURES, architecture)) return architecture as GgufArchitecture
  const supported = Object.keys(ARCHITECTURES).join(', ')
  throw unsupported(`GGUF file is of architecture ${(architecture ?? 'none').slice(0, 100)}, supported are ${supported}`)
}

export interface GgufConfigParts extends Pick<GgufHeader, 'metadata' | 'tensors'> {
  /** What `rope_freqs.weight` holds, where the file has it. */
  readonly ropeFactors?: readonly number[] | undefined
}

/**
 * The object of a config.json, with numbers of tokens as `bos_token_id` and `eos_token_id`.
 * @throws PalignError `unsupported-model` naming what we do not run, `malformed-file` for keys that are missing or of another type
 */
export function ggufConfig({ metadata, tensors, ropeFactors }: GgufConfigParts): Record<string, unknown> {
  const architecture = ggufArchitecture(metadata)
  const key = (name: string) => `${architecture}.${name}`
  const count = (name: string) => countField(metadata, key(name))
  const required = (name: string) => count(name) ?? missing(key(name))
  refuseUnknown(metadata, architecture)
  const heads = required('attention.head_count')
  const hiddenSize = required('embedding_length')
  const headDim = count('attention.key_length') ?? hiddenSize / heads
  const has = (pattern: RegExp) => tensors.some(({ name }) => pattern.test(name))
  const config = {
    ...ARCHITECTURES[architecture],
    hidden_size: hiddenSize,
    intermediate_size: required('feed_forward_length'),
    num_hidden_layers: required('block_count'),
    num_attention_heads: heads,
    num_key_value_heads: count('attention.head_count_kv') ?? heads,
    head_dim: headDim,
    vocab_size: tensors.find(({ name }) => name === 'token_embd.weight')?.shape[0] ?? missing('token_embd.weight'),
    max_position_embeddings: required('context_length'),
    rms_norm_eps:
      realField(metadata, key('attention.layer_norm_rms_epsilon')) ?? missing(key('attention.layer_norm_rms_epsilon')),
    hidden_act: 'silu',
    tie_word_embeddings: !has(/^output\.weight$/),
    // A file may have some of the biases; the importer writes zeros for the others.
    ...(architecture !== 'qwen2' && { attention_bias: has(/\.attn_(q|k|v|output)\.bias$/) }),
    ...(architecture === 'llama' && { mlp_bias: has(/\.ffn_(gate|up|down)\.bias$/) }),
    ...(architecture !== 'llama' && { use_sliding_window: false }),
    ...ropeConfig(metadata, { key, headDim, ropeFactors }),
    bos_token_id: countField(metadata, 'tokenizer.ggml.bos_token_id') ?? null,
    eos_token_id: countField(metadata, 'tokenizer.ggml.eos_token_id') ?? null,
  }
  refuseUnsupported(metadata, { key, headDim, context: config.max_position_embeddings })
  return config
}

type Key = (name: string) => string

function ropeConfig(
  metadata: GgufMetadata,
  {
    key,
    headDim,
    ropeFactors,
  }: { readonly key: Key; readonly headDim: number; readonly ropeFactors: readonly number[] | undefined },
): Record<string, unknown> {
  const type = textField(metadata, key('rope.scaling.type')) ?? 'linear'
  if (type !== 'linear' && type !== 'none') {
    throw unsupported(`rotary scaling is ${type.slice(0, 100)}, supported are none, linear and rope_freqs.weight`)
  }
  const stated = realField(metadata, key('rope.scaling.factor')) ?? realField(metadata, key('rope.scale_linear')) ?? 1
  // 0 says "none" there.
  const factor = type === 'none' || stated === 0 ? 1 : stated
  const theta = { rope_theta: realField(metadata, key('rope.freq_base')) ?? DEFAULT_THETA }
  if (ropeFactors === undefined) return factor === 1 ? theta : { ...theta, rope_scaling: { rope_type: 'linear', factor } }
  if (ropeFactors.length !== headDim / 2) {
    throw new PalignError('malformed-file', `rope_freqs.weight has ${ropeFactors.length} numbers, expected ${headDim / 2}`)
  }
  return { ...theta, rope_scaling: { rope_type: 'factors', factors: ropeFactors.map((one) => one * factor) } }
}

function refuseUnknown(metadata: GgufMetadata, architecture: GgufArchitecture): void {
  for (const key of metadata.keys()) {
    if (key.startsWith(`${architecture}.`) && !KNOWN_KEYS.has(key.slice(architecture.length + 1))) {
      throw unsupported(`GGUF metadata ${key.slice(0, 200)} is not part of the computation that we know`)
    }
  }
}

function refuseUnsupported(
  metadata: GgufMetadata,
  { key, headDim, context }: { readonly key: Key; readonly headDim: number; readonly context: number },
): void {
  const experts = countField(metadata, key('expert_count')) ?? 0
  if (experts > 0) throw unsupported(`model has ${experts} experts, supported are models without`)
  const valueDim = countField(metadata, key('attention.value_length')) ?? headDim
  if (valueDim !== headDim)
    throw unsupported(`heads have values of ${valueDim} and keys of ${headDim} numbers, expected the same`)
  const turned = countField(metadata, key('rope.dimension_count')) ?? headDim
  if (turned !== headDim) throw unsupported(`rotary embedding covers ${turned} of ${headDim} numbers of a head, supported is all`)
  const window = countField(metadata, key('attention.sliding_window')) ?? 0
  if (window > 0 && window < context) throw unsupported(`model sees a window of ${window} tokens only, supported is all`)
  const magnitude = realField(metadata, key('rope.scaling.attn_factor')) ?? 1
  if (magnitude !== 1) throw unsupported(`rotary embedding is scaled by ${magnitude}, supported is 1`)
}

function missing(what: string): never {
  throw new PalignError('malformed-file', `GGUF file has no ${what}`, { hint: 'fetch or export the file again' })
}

function unsupported(message: string, hint = 'choose a model of the Llama, Mistral, Qwen2 or Qwen3 family'): PalignError {
  return new PalignError('unsupported-model', message, { hint })
}
