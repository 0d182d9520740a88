/** @file Names of tensors: GGUF <-> Hugging Face, for architectures llama, qwen2 and qwen3. */
import { EMBEDDING, FINAL_NORM, layerPrefix, OUTPUT } from './weights.ts'

/** Outside the layers. */
const OUTER = [
  ['token_embd.weight', EMBEDDING],
  ['output_norm.weight', FINAL_NORM],
  ['output.weight', OUTPUT],
] as const

/** Inside a layer, without `.weight` and `.bias`. */
const INNER = [
  ['attn_norm', 'input_layernorm'],
  ['attn_q', 'self_attn.q_proj'],
  ['attn_k', 'self_attn.k_proj'],
  ['attn_v', 'self_attn.v_proj'],
  ['attn_output', 'self_attn.o_proj'],
  ['attn_q_norm', 'self_attn.q_norm'],
  ['attn_k_norm', 'self_attn.k_norm'],
  ['ffn_norm', 'post_attention_layernorm'],
  ['ffn_gate', 'mlp.gate_proj'],
  ['ffn_up', 'mlp.up_proj'],
  ['ffn_down', 'mlp.down_proj'],
] as const

/** Divisors of the rotary frequencies, a part of the configuration and no weight. */
export const ROPE_FACTORS = 'rope_freqs.weight'

/** `undefined` for a tensor that is no part of the computation we know. */
export function huggingFaceName(name: string): string | undefined {
  const outer = OUTER.find(([gguf]) => gguf === name)
  if (outer !== undefined) return outer[1]
  const [, layer, part, kind] = /^blk\.(0|[1-9]\d{0,3})\.([a-z_]+)\.(weight|bias)$/.exec(name) ?? []
  const inner = INNER.find(([gguf]) => gguf === part)
  return inner === undefined ? undefined : `${layerPrefix(Number(layer))}.${inner[1]}.${kind}`
}

/** `undefined` for a tensor that GGUF has no name for. */
export function ggufName(name: string): string | undefined {
  const outer = OUTER.find(([, huggingFace]) => huggingFace === name)
  if (outer !== undefined) return outer[0]
  const [, layer, part, kind] = /^model\.layers\.(0|[1-9]\d{0,3})\.([a-z_.]+)\.(weight|bias)$/.exec(name) ?? []
  const inner = INNER.find(([, huggingFace]) => huggingFace === part)
  return inner === undefined ? undefined : `blk.${Number(layer)}.${inner[0]}.${kind}`
}
