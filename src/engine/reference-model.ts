/**
 * @file The Llama forward pass in plain TypeScript: the oracle of the engine. Written to be read beside the papers, one
 * token after the other; weights are float32, every intermediate value is a double.
 *
 *     h = embedding[token]
 *     per layer:  z = attention(rmsNorm(h)),   h += W_o (z + displacement),   h += ffn(rmsNorm(h))
 *     logits = W_out rmsNorm(h)
 */
import type { LlamaConfig } from '../graph/llama-config.ts'
import { modelShape } from '../graph/llama-config.ts'
import { inverseFrequencies } from '../graph/rope.ts'
import { EMBEDDING, FINAL_NORM, layerPrefix, OUTPUT } from '../graph/weights.ts'
import { type ModelShape, zWidth } from '../model/shape.ts'
import type { Decoder, DecoderState, ForwardRequest, ForwardResult } from './decoder.ts'

export interface ReferenceModel {
  readonly config: LlamaConfig
  /** The tensor of that name (Hugging Face names), row-major; linear layers are `[out, in]`. */
  readonly tensor: (name: string) => Float32Array
  readonly contextLength?: number | undefined
}

/** Keys and values of one layer: one row `[kvHeads * headDim]` per token. */
interface LayerCache {
  readonly keys: readonly Float64Array[]
  readonly values: readonly Float64Array[]
}

interface ReferenceState extends DecoderState {
  readonly layers: readonly LayerCache[]
}

export function referenceDecoder(model: ReferenceModel): Decoder {
  const shape = modelShape(model.config, model)
  const start: ReferenceState = {
    length: 0,
    layers: Array.from({ length: shape.layers }, () => ({ keys: [], values: [] })),
    release() {},
  }
  return {
    shape,
    async forward({ tokens, past = start, displacement, logitsAt = [], record = false }: ForwardRequest): Promise<ForwardResult> {
      let state = past as ReferenceState
      const logits = new Float32Array(logitsAt.length * shape.vocabSize)
      let z = new Float32Array()
      for (let i = 0; i < tokens.length; i++) {
        const step = forwardToken(model, shape, { token: tokens[i]!, past: state, displacement })
        logitsAt.forEach((position, row) => {
          if (position === i) logits.set(outputLogits(model, step.hidden), row * shape.vocabSize)
        })
        state = step.state
        z = step.z
      }
      return record ? { logits, state, z } : { logits, state }
    },
    async dispose() {},
  }
}

interface TokenStep {
  readonly token: number
  readonly past: ReferenceState
  readonly displacement: Float32Array | undefined
}

function forwardToken(model: ReferenceModel, shape: ModelShape, { token, past, displacement }: TokenStep) {
  const { config, tensor } = model
  const width = zWidth(shape)
  const z = new Float32Array(shape.layers * width)
  const layers: LayerCache[] = []
  let hidden = Float64Array.from(row(tensor(EMBEDDING), token, shape.hiddenSize))
  for (let layer = 0; layer < shape.layers; layer++) {
    const prefix = layerPrefix(layer)
    const normed = rmsNorm(hidden, tensor(`${prefix}.input_layernorm.weight`), config.normEpsilon)
    const project = (name: string) => linear(model, `${prefix}.self_attn.${name}`, normed, config.attentionBias)
    const [query, key, value] = [project('q_proj'), project('k_proj'), project('v_proj')]
    rotate(query, config, past.length)
    rotate(key, config, past.length)
    const cache = { keys: [...past.layers[layer]!.keys, key], values: [...past.layers[layer]!.values, value] }
    layers.push(cache)
    const mixed = attention(query, cache, config)
    z.set(mixed, layer * width)
    if (displacement !== undefined) addTo(mixed, row(displacement, layer, width))
    hidden = addTo(hidden, linear(model, `${prefix}.self_attn.o_proj`, mixed, config.attentionBias))
    const inner = rmsNorm(hidden, tensor(`${prefix}.post_attention_layernorm.weight`), config.normEpsilon)
    hidden = addTo(hidden, feedForward(model, `${prefix}.mlp`, inner))
  }
  const state: ReferenceState = { length: past.length + 1, layers, release() {} }
  return { hidden, state, z }
}

function outputLogits({ config, tensor }: ReferenceModel, hidden: Float64Array): Float64Array {
  return multiply(tensor(config.tiedEmbeddings ? EMBEDDING : OUTPUT), rmsNorm(hidden, tensor(FINAL_NORM), config.normEpsilon))
}

/** Scaled dot-product attention of one token; head h reads key/value head floor(h / group). Gives z `[heads * headDim]`. */
function attention(query: Float64Array, { keys, values }: LayerCache, config: LlamaConfig): Float64Array {
  const { heads, kvHeads, headDim, slidingWindow = Number.POSITIVE_INFINITY } = config
  const first = Math.max(0, keys.length - slidingWindow)
  const z = new Float64Array(heads * headDim)
  for (let head = 0; head < heads; head++) {
    const kvHead = Math.floor((head * kvHeads) / heads)
    const own = row(query, head, headDim)
    const scores = keys.slice(first).map((key) => dot(own, row(key, kvHead, headDim)) / Math.sqrt(headDim))
    softmax(scores).forEach((weight, i) => {
      const value = row(values[first + i]!, kvHead, headDim)
      for (let d = 0; d < headDim; d++) z[head * headDim + d]! += weight * value[d]!
    })
  }
  return z
}

/** Turns the pair (i, i + headDim / 2) of every head by position * frequency, in place. */
function rotate(heads: Float64Array, { rope, headDim }: LlamaConfig, position: number): void {
  const half = headDim / 2
  inverseFrequencies(rope, headDim).forEach((frequency, i) => {
    const [cos, sin] = [Math.cos(position * frequency), Math.sin(position * frequency)]
    for (let start = 0; start < heads.length; start += headDim) {
      const [a, b] = [heads[start + i]!, heads[start + i + half]!]
      heads[start + i] = a * cos - b * sin
      heads[start + i + half] = b * cos + a * sin
    }
  })
}

function feedForward(model: ReferenceModel, prefix: string, input: Float64Array): Float64Array {
  const { ffnBias } = model.config
  const gate = linear(model, `${prefix}.gate_proj`, input, ffnBias)
  const up = linear(model, `${prefix}.up_proj`, input, ffnBias)
  const inner = gate.map((value, i) => (value / (1 + Math.exp(-value))) * up[i]!)
  return linear(model, `${prefix}.down_proj`, inner, ffnBias)
}

function linear({ tensor }: ReferenceModel, name: string, input: Float64Array, bias: boolean): Float64Array {
  const out = multiply(tensor(`${name}.weight`), input)
  return bias ? addTo(out, tensor(`${name}.bias`)) : out
}

/** matrix `[out, in]` times vector `[in]`. */
function multiply(matrix: Float32Array, vector: Float64Array): Float64Array {
  return Float64Array.from({ length: matrix.length / vector.length }, (_, i) => dot(row(matrix, i, vector.length), vector))
}

function rmsNorm(values: Float64Array, gain: Float32Array, epsilon: number): Float64Array {
  const inverse = 1 / Math.sqrt(dot(values, values) / values.length + epsilon)
  return values.map((value, i) => value * inverse * gain[i]!)
}

function softmax(scores: readonly number[]): number[] {
  const most = Math.max(...scores)
  const powers = scores.map((score) => Math.exp(score - most))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** Adds in place and gives the target back. */
function addTo<T extends Float64Array>(target: T, added: ArrayLike<number>): T {
  for (let i = 0; i < target.length; i++) target[i]! += added[i]!
  return target
}

/** Row `index` of a matrix with rows of `width`: a view. */
function row<T extends Float32Array | Float64Array>(matrix: T, index: number, width: number): T {
  return matrix.subarray(index * width, (index + 1) * width) as T
}
