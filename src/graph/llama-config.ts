/**
 * @file config.json of the Llama family (model_type llama, mistral, qwen2 and qwen3) -> the numbers that decide the computation.
 * What we could not run exactly is refused by name: a field ignored here would be a model silently wrong.
 */
import { z } from 'zod'
import { PalignError } from '../errors.ts'
import type { ModelShape } from '../model/shape.ts'
import { type RopeConfig, readRope } from './rope-config.ts'

export interface LlamaConfig {
  readonly layers: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly hiddenSize: number
  /** Width of the feed-forward part. */
  readonly ffnSize: number
  readonly vocabSize: number
  /** Longest sequence the model was made for, in tokens. */
  readonly maxPositions: number
  readonly normEpsilon: number
  readonly rope: RopeConfig
  /** Biases of q, k and v. */
  readonly inputBias: boolean
  /** Bias of o. */
  readonly outputBias: boolean
  /** Whether every head of q and k is normed before it is turned. */
  readonly headNorm: boolean
  readonly ffnBias: boolean
  /** Whether the output layer is the embedding matrix. */
  readonly tiedEmbeddings: boolean
  /** A token sees itself and the `slidingWindow - 1` tokens before it; undefined is all. */
  readonly slidingWindow: number | undefined
}

/** What a Qwen3 config means that does not say. */
const QWEN3_HEAD_DIM = 128

/** A default context keeps the rotary tables and the key/value cache of models made for 128k tokens within reason. */
export const DEFAULT_CONTEXT = 8192

const SUPPORTED = {
  llama: 'LlamaForCausalLM',
  mistral: 'MistralForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
  qwen3: 'Qwen3ForCausalLM',
} as const
type ModelType = keyof typeof SUPPORTED

/** Sizes of the largest models seen, times eight at least: what is above is a damaged or hostile file. */
const size = (most: number) => z.number().int().min(1).max(most)

/** The fields of any config.json that give the shape of a model. */
export const SHAPE_FIELDS = {
  hidden_size: size(2 ** 17),
  num_hidden_layers: size(1024),
  num_attention_heads: size(2048),
  num_key_value_heads: size(2048).nullish(),
  head_dim: size(1024).nullish(),
  vocab_size: size(2 ** 22),
  max_position_embeddings: size(2 ** 26),
}

const flag = z.boolean().nullish()

const schema = z.object({
  ...SHAPE_FIELDS,
  intermediate_size: size(2 ** 20),
  rms_norm_eps: z.number().positive().max(0.1).default(1e-6),
  hidden_act: z.string().default('silu'),
  attention_bias: flag,
  mlp_bias: flag,
  tie_word_embeddings: flag,
  sliding_window: size(2 ** 26).nullish(),
  use_sliding_window: flag,
  layer_types: z.array(z.string().max(64)).max(1024).nullish(),
  quantization_config: z.unknown().optional(),
})

/**
 * Throws `unsupported-model` for what we do not run (the message says what was found and what is supported) and
 * `malformed-file` for fields that are missing or absurd.
 */
export function parseLlamaConfig(json: unknown): LlamaConfig {
  const modelType = readModelType(json)
  const fields = readFields(json)
  refuseUnsupported(fields, modelType)
  const heads = fields.num_attention_heads
  const config: LlamaConfig = {
    layers: fields.num_hidden_layers,
    heads,
    kvHeads: fields.num_key_value_heads ?? heads,
    headDim: fields.head_dim ?? (modelType === 'qwen3' ? QWEN3_HEAD_DIM : fields.hidden_size / heads),
    hiddenSize: fields.hidden_size,
    ffnSize: fields.intermediate_size,
    vocabSize: fields.vocab_size,
    maxPositions: fields.max_position_embeddings,
    normEpsilon: fields.rms_norm_eps,
    rope: readRope(json),
    inputBias: modelType === 'qwen2' || (fields.attention_bias ?? false),
    outputBias: modelType !== 'qwen2' && (fields.attention_bias ?? false),
    headNorm: modelType === 'qwen3',
    ffnBias: fields.mlp_bias ?? false,
    tiedEmbeddings: fields.tie_word_embeddings ?? false,
    slidingWindow: modelType === 'mistral' ? mistralWindow(fields.sliding_window) : undefined,
  }
  checkHeads(config)
  return config
}

/** The shape of a loaded model; `contextLength` defaults to what the model was made for, at most 8192 tokens. */
export function modelShape(
  config: LlamaConfig,
  { contextLength = Math.min(config.maxPositions, DEFAULT_CONTEXT) }: { readonly contextLength?: number | undefined } = {},
): ModelShape {
  if (!Number.isInteger(contextLength) || contextLength < 1 || contextLength > config.maxPositions) {
    throw new PalignError('invalid-input', `context length is ${contextLength}, expected 1 to ${config.maxPositions}`, {
      hint: 'the model was made for sequences of that length at most',
    })
  }
  const { layers, heads, kvHeads, headDim, hiddenSize, vocabSize } = config
  return { layers, heads, kvHeads, headDim, hiddenSize, vocabSize, contextLength }
}

function readModelType(json: unknown): ModelType {
  const head = z.object({ model_type: z.string(), architectures: z.array(z.string()).nullish() }).safeParse(json)
  if (!head.success) {
    throw new PalignError('malformed-file', 'config has no model_type, expected the config.json of a Hugging Face model')
  }
  const { model_type: modelType, architectures } = head.data
  if (!isSupported(modelType) || (architectures && !architectures.includes(SUPPORTED[modelType]))) {
    const found = [modelType, ...(architectures ?? [])].map((name) => name.slice(0, 100)).join(' / ')
    throw unsupported(`architecture is ${found}, supported are ${Object.entries(SUPPORTED).flat().join(', ')}`)
  }
  return modelType
}

function isSupported(modelType: string): modelType is ModelType {
  return Object.hasOwn(SUPPORTED, modelType)
}

function readFields(json: unknown): z.infer<typeof schema> {
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new PalignError('malformed-file', `config field ${issue?.path.join('.')} is wrong: ${issue?.message}`, {
    hint: 'fetch the config.json of the model again',
  })
}

function refuseUnsupported(fields: z.infer<typeof schema>, modelType: ModelType): void {
  if (fields.hidden_act !== 'silu') throw unsupported(`activation is ${fields.hidden_act.slice(0, 100)}, supported is silu`)
  if (fields.quantization_config != null) throw unsupported('weights are quantised, supported are F32, F16 and BF16')
  // The classes of these families ignore what their configs do not have.
  if ((modelType === 'mistral' || modelType === 'qwen2') && fields.attention_bias) {
    throw unsupported(`${modelType} model declares attention_bias, supported for llama and qwen3 only`)
  }
  if (modelType !== 'llama' && fields.mlp_bias)
    throw unsupported(`${modelType} model declares mlp_bias, supported for llama only`)
  if (
    modelType.startsWith('qwen') &&
    (fields.use_sliding_window || fields.layer_types?.some((type) => type !== 'full_attention'))
  ) {
    throw unsupported('some layers see a sliding window only, supported for whole models of the Mistral family')
  }
}

/** The window is 4096 where a Mistral config does not mention it; null is none. */
function mistralWindow(window: number | null | undefined): number | undefined {
  return window === undefined ? 4096 : (window ?? undefined)
}

function checkHeads({ heads, kvHeads, headDim, rope: { scaling } }: LlamaConfig): void {
  if (heads % kvHeads !== 0) {
    throw new PalignError('malformed-file', `config has ${heads} heads and ${kvHeads} key/value heads, expected a multiple`)
  }
  if (headDim % 2 !== 0) {
    throw new PalignError('malformed-file', `config has head dimension ${headDim}, expected an even number for rotary embedding`)
  }
  if (scaling.kind === 'factors' && scaling.factors.length !== headDim / 2) {
    throw new PalignError('malformed-file', `config has ${scaling.factors.length} rotary factors, expected ${headDim / 2}`)
  }
}

function unsupported(message: string): PalignError {
  return new PalignError('unsupported-model', message, { hint: 'choose a model of the Llama, Mistral, Qwen2 or Qwen3 family' })
}
