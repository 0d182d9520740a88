/** @file One random model of the shape of SmolLM-135M in the same blocks of 4 bits, as a GGUF file for llama.cpp and palign. Its vocabulary is made up. */
import { writeFileSync } from 'node:fs'
import { quantiseQ4_0 } from '../src/formats/ggml-blocks.ts'
import { type GgufTensorBytes, type GgufValue, writeGguf } from '../src/formats/gguf.ts'
import { parseLlamaConfig } from '../src/graph/llama-config.ts'
import { requiredTensors } from '../src/graph/weights.ts'
import { seededRandom } from '../src/math/random.ts'
import { json135m } from './model-135m.ts'

export const VOCABULARY = 49_152
const FIRST_WORD = 259

/** Rows of q and k are random in any order: none is turned. */
const NAMES: Readonly<Record<string, string>> = {
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
  input_layernorm: 'attn_norm',
  post_attention_layernorm: 'ffn_norm',
}

function nameOf(tensor: string): string {
  if (tensor === 'model.embed_tokens.weight') return 'token_embd.weight'
  if (tensor === 'model.norm.weight') return 'output_norm.weight'
  const [, layer, part] = /^model\.layers\.(\d+)\.(.*)\.weight$/.exec(tensor)!
  return `blk.${layer}.${NAMES[part!]}.weight`
}

export function writeQuantisedModel(path: string): void {
  const config = parseLlamaConfig(json135m({ vocab_size: VOCABULARY }))
  const random = seededRandom(1)
  const tensors = [...requiredTensors(config)].map(([name, shape]): GgufTensorBytes => {
    const length = shape.reduce((product, size) => product * size, 1)
    if (shape.length === 1) {
      const values = Float32Array.from({ length }, () => 0.9 + 0.2 * random())
      return { name: nameOf(name), type: 'F32', shape, data: new Uint8Array(values.buffer) }
    }
    const deviation = 1 / Math.sqrt(shape[1]!)
    const values = Float32Array.from({ length }, () => deviation * (random() - 0.5) * Math.sqrt(12))
    return { name: nameOf(name), type: 'Q4_0', shape, data: quantiseQ4_0(values) }
  })
  writeFileSync(path, writeGguf({ metadata: metadata(config.layers), tensors }))
}

function metadata(layers: number): Map<string, GgufValue> {
  const count = (value: number): GgufValue => ({ kind: 'uint32', value })
  const text = (value: string): GgufValue => ({ kind: 'string', value })
  const isByte = (i: number) => i >= 3 && i < FIRST_WORD
  const pieces = Array.from({ length: VOCABULARY }, (_, i) => {
    if (i < 3) return ['<unk>', '<s>', '</s>'][i]!
    return isByte(i) ? `<0x${(i - 3).toString(16).toUpperCase().padStart(2, '0')}>` : `\u2581t${i}`
  })
  const kinds = pieces.map((_, i) => (i === 0 ? 2 : i < 3 ? 3 : isByte(i) ? 6 : 1))
  return new Map<string, GgufValue>([
    ['general.architecture', text('llama')],
    ['llama.context_length', count(2048)],
    ['llama.embedding_length', count(576)],
    ['llama.block_count', count(layers)],
    ['llama.feed_forward_length', count(1536)],
    ['llama.attention.head_count', count(9)],
    ['llama.attention.head_count_kv', count(3)],
    ['llama.rope.dimension_count', count(64)],
    ['llama.rope.freq_base', { kind: 'float32', value: 10_000 }],
    ['llama.attention.layer_norm_rms_epsilon', { kind: 'float32', value: 1e-5 }],
    ['llama.vocab_size', count(VOCABULARY)],
    ['tokenizer.ggml.model', text('llama')],
    ['tokenizer.ggml.tokens', { kind: 'array', of: 'string', values: pieces }],
    ['tokenizer.ggml.scores', { kind: 'array', of: 'float32', values: pieces.map((_, i) => -i) }],
    ['tokenizer.ggml.token_type', { kind: 'array', of: 'int32', values: kinds }],
    ['tokenizer.ggml.bos_token_id', count(1)],
    ['tokenizer.ggml.eos_token_id', count(2)],
  ] as [string, GgufValue][])
}
