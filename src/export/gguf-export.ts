/**
 * @file A model with a persona as a GGUF file: which tensors, in which order, made of what. From a GGUF file all tensors stay as they are, byte for byte, and biases are appended or added to
 * those that are there; from a Hugging Face folder they are renamed, and the rows of q and k put into the order of the architecture.
 */
import { PalignError } from '../errors.ts'
import type { FloatDtype } from '../formats/float-tensor.ts'
import type { GgufHeader, GgufTensorEntry, GgufValue } from '../formats/gguf.ts'
import { ggufName, ROPE_FACTORS } from '../graph/gguf-names.ts'
import type { LlamaConfig } from '../graph/llama-config.ts'
import { inverseFrequencies } from '../graph/rope.ts'
import { hasRotaryRows } from '../graph/rotary-rows.ts'
import { assertFloat, type FloatWeight, type Weights } from '../graph/weights.ts'
import type { Carrier } from './bias.ts'

/** Where the numbers of a tensor come from; `add` are biases, in the order of the file. */
export type GgufPiece =
  | { readonly kind: 'copy'; readonly from: GgufTensorEntry }
  | { readonly kind: 'add'; readonly to: GgufTensorEntry; readonly values: Float64Array }
  /** With `headDim`, rows go into the order of pairs. */
  | {
      readonly kind: 'weight'
      readonly weight: FloatWeight
      readonly headDim: number | undefined
      readonly add: Float64Array | undefined
    }
  | { readonly kind: 'values'; readonly values: Float32Array }

export interface PlannedTensor {
  readonly name: string
  readonly type: FloatDtype | GgufTensorEntry['type']
  readonly shape: readonly number[]
  readonly piece: GgufPiece
}

const BIAS_NAMES = { 'o-bias': 'attn_output.bias', 'v-bias': 'attn_v.bias' } as const satisfies Record<Carrier, string>

export const biasName = (carrier: Carrier, layer: number) => `blk.${layer}.${BIAS_NAMES[carrier]}`

/**
 * @param biases one of each layer
 * @throws PalignError `unsupported-model` for a bias in the source that is no F32
 */
export function planFromGguf(header: GgufHeader, carrier: Carrier, biases: readonly Float64Array[]): readonly PlannedTensor[] {
  const added = new Map(biases.map((bias, layer) => [biasName(carrier, layer), bias]))
  const kept = header.tensors.map((entry): PlannedTensor => {
    const { name, type, shape } = entry
    const values = added.get(name)
    if (values === undefined) return { name, type, shape, piece: { kind: 'copy', from: entry } }
    added.delete(name)
    if (type !== 'F32' || String(shape) !== String([values.length])) {
      throw new PalignError('unsupported-model', `tensor ${name} is ${type} [${shape}], expected F32 [${values.length}]`)
    }
    return { name, type, shape, piece: { kind: 'add', to: entry, values } }
  })
  return [...kept, ...[...added].map(([name, values]) => biasTensor(name, values))]
}

/** @throws PalignError `unsupported-model` for weights in blocks of few bits */
export function planFromWeights(
  { config, weights, architecture }: { readonly config: LlamaConfig; readonly weights: Weights; readonly architecture: string },
  carrier: Carrier,
  biases: readonly Float64Array[],
): readonly PlannedTensor[] {
  const added = new Map(biases.map((bias, layer) => [biasName(carrier, layer), bias]))
  const kept = [...weights.values()].map((stored): PlannedTensor => {
    const weight = assertFloat(stored)
    const name = ggufName(weight.name)
    if (name === undefined) throw new PalignError('unsupported-model', `tensor ${weight.name} has no name in GGUF`)
    const add = added.get(name)
    added.delete(name)
    // llama.cpp computes with vectors in float32 only.
    const type = weight.shape.length === 1 ? 'F32' : weight.dtype
    const headDim = architecture === 'llama' && hasRotaryRows(weight.name) ? config.headDim : undefined
    return { name, type, shape: weight.shape, piece: { kind: 'weight', weight, headDim, add } }
  })
  return [...kept, ...ropeFactors(config), ...[...added].map(([name, values]) => biasTensor(name, values))]
}

function biasTensor(name: string, values: Float64Array): PlannedTensor {
  return { name, type: 'F32', shape: [values.length], piece: { kind: 'values', values: Float32Array.from(values) } }
}

/** Divisors of the frequencies, where the scaling is more than one number. */
function ropeFactors({ rope, headDim }: LlamaConfig): PlannedTensor[] {
  if (rope.scaling.kind === 'default' || rope.scaling.kind === 'linear') return []
  const plain = inverseFrequencies({ theta: rope.theta, scaling: { kind: 'default' } }, headDim)
  const scaled = inverseFrequencies(rope, headDim)
  const values = Float32Array.from(plain, (frequency, i) => frequency / scaled[i]!)
  return [{ name: ROPE_FACTORS, type: 'F32', shape: [values.length], piece: { kind: 'values', values } }]
}

/** llama for all but models with norms on the heads of q and k: it has a place for every bias. */
export function ggufArchitectureOf(config: LlamaConfig): 'llama' | 'qwen3' {
  if (config.slidingWindow !== undefined && config.slidingWindow < config.maxPositions) {
    throw new PalignError(
      'unsupported-model',
      `model has a sliding window of ${config.slidingWindow} tokens, llama.cpp gives its architecture none`,
      { hint: 'export to onnx, which keeps the window' },
    )
  }
  return config.headNorm ? 'qwen3' : 'llama'
}

/** Number of the types of most tensors, as `general.file_type` counts. */
const FILE_TYPES: Readonly<Record<FloatDtype, number>> = { F32: 0, F16: 1, BF16: 32 }

/** Keys of the architecture, without those of the tokenizer. */
export function modelMetadata(config: LlamaConfig, architecture: string, dtype: FloatDtype): ReadonlyMap<string, GgufValue> {
  const count = (value: number): GgufValue => ({ kind: 'uint32', value })
  const real = (value: number): GgufValue => ({ kind: 'float32', value })
  const { scaling, theta } = config.rope
  const keys: Record<string, GgufValue> = {
    context_length: count(config.maxPositions),
    embedding_length: count(config.hiddenSize),
    block_count: count(config.layers),
    feed_forward_length: count(config.ffnSize),
    vocab_size: count(config.vocabSize),
    'attention.head_count': count(config.heads),
    'attention.head_count_kv': count(config.kvHeads),
    'attention.key_length': count(config.headDim),
    'attention.value_length': count(config.headDim),
    'attention.layer_norm_rms_epsilon': real(config.normEpsilon),
    'rope.dimension_count': count(config.headDim),
    'rope.freq_base': real(theta),
    ...(scaling.kind === 'linear' && {
      'rope.scaling.type': { kind: 'string', value: 'linear' },
      'rope.scaling.factor': real(scaling.factor),
    }),
  }
  return new Map<string, GgufValue>([
    ['general.architecture', { kind: 'string', value: architecture }],
    ['general.type', { kind: 'string', value: 'model' }],
    ['general.file_type', count(FILE_TYPES[dtype])],
    ...Object.entries(keys).map(([key, value]): [string, GgufValue] => [`${architecture}.${key}`, value]),
  ])
}
