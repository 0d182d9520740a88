/**
 * @file The Llama forward pass in plain TypeScript: the oracle of the engine. Written to be read beside the papers, one
 * token after the other; weights are float32, every intermediate value is a double.
 *
 *     h = embedding[token]
 *     per layer:  z = attention(rmsNorm(h)),   h += W_o (z + displacement),   h += ffn(rmsNorm(h))
 *     logits = W_out rmsNorm(h)
 *
 * With an adapter, every W x of an adapted module is W x + (alpha / rank) B (A x).
 */
import type { LlamaConfig } from '../graph/llama-config.ts'
import { modelShape } from '../graph/llama-config.ts'
import { inverseFrequencies } from '../graph/rope.ts'
import { EMBEDDING, FINAL_NORM, layerPrefix, linearModules, OUTPUT } from '../graph/weights.ts'
import { type Adapter, adapterScale } from '../model/adapter.ts'
import { type ModelShape, zWidth } from '../model/shape.ts'
import type { Decoder, DecoderState, ForwardRequest, ForwardResult } from './decoder.ts'
import { addTo, dot, row } from './reference-matrix.ts'

export interface ReferenceModel {
  readonly config: LlamaConfig
  /** The tensor of that name (Hugging Face names), row-major; linear layers are `[out, in]`. */
  readonly tensor: (name: string) => Float32Array
  readonly contextLength?: number | undefined
  /** `[layers, hidden]`, added to h after each layer: what programs do that move the residual stream. */
  readonly residualShift?: Float32Array | undefined
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
    modules: linearModules(model.config),
    async forward(request: ForwardRequest): Promise<ForwardResult> {
      const { tokens, past = start, displacement, adapter, logitsAt = [], record = false } = request
      let state = past as ReferenceState
      const logits = new Float32Array(logitsAt.length * shape.vocabSize)
      let z = new Float32Array()
      for (let i = 0; i < tokens.length; i++) {
        const step = forwardToken(model, shape, { token: tokens[i]!, past: state, displacement, adapter })
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
  readonly adapter: Adapter | undefined
}

function forwardToken(model: ReferenceModel, shape: ModelShape, { token, past, displacement, adapter }: TokenStep) {
  const { config, tensor } = model
  const width = zWidth(shape)
  const z = new Float32Array(shape.layers * width)
  const layers: LayerCache[] = []
  let hidden = Float64Array.from(row(tensor(EMBEDDING), token, shape.hiddenSize))
  for (let layer = 0; layer < shape.layers; layer++) {
    const prefix = layerPrefix(layer)
    const normed = rmsNorm(hidden, tensor(`${prefix}.input_layernorm.weight`), config.normEpsilon)
    const attentionLinear = (name: string, bias: boolean, input: Float64Array) =>
      linear(model, { name: `${prefix}.self_attn.${name}`, bias, adapter }, input)
    const project = (name: string) => attentionLinear(name, config.inputBias, normed)
    const [query, value] = [headNorm(model, `${prefix}.self_attn.q_norm`, project('q_proj')), project('v_proj')]
    const key = headNorm(model, `${prefix}.self_attn.k_norm`, project('k_proj'))
    rotate(query, config, past.length)
    rotate(key, config, past.length)
    const cache = { keys: [...past.layers[layer]!.keys, key], values: [...past.layers[layer]!.values, value] }
    layers.push(cache)
    const mixed = attention(query, cache, config)
    z.set(mixed, layer * width)
    if (displacement !== undefined) addTo(mixed, row(displacement, layer, width))
    hidden = addTo(hidden, attentionLinear('o_proj', config.outputBias, mixed))
    const inner = rmsNorm(hidden, tensor(`${prefix}.post_attention_layernorm.weight`), config.normEpsilon)
    hidden = addTo(hidden, feedForward(model, { prefix: `${prefix}.mlp`, adapter }, inner))
    if (model.residualShift !== undefined) addTo(hidden, row(model.residualShift, layer, shape.hiddenSize))
  }
  const state: ReferenceState = { length: past.length + 1, layers, release() {} }
  return { hidden, state, z }
}

function outputLogits({ config, tensor }: ReferenceModel, hidden: Float64Array): Float64Array {
  return multiply(tensor(config.tiedEmbeddings ? EMBEDDING : OUTPUT), rmsNorm(hidden, tensor(FINAL_NORM), config.normEpsilon))
}

/** Each head of queries or keys normed by itself, where the model does that. */
function headNorm({ config, tensor }: ReferenceModel, name: string, values: Float64Array): Float64Array {
  if (!config.headNorm) return values
  const { headDim, normEpsilon } = config
  const gain = tensor(`${name}.weight`)
  const out = new Float64Array(values.length)
  for (let head = 0; head < values.length / headDim; head++)
    out.set(rmsNorm(row(values, head, headDim), gain, normEpsilon), head * headDim)
  return out
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

function feedForward(
  model: ReferenceModel,
  { prefix, adapter }: { readonly prefix: string; readonly adapter: Adapter | undefined },
  input: Float64Array,
): Float64Array {
  const apply = (name: string, to: Float64Array) =>
    linear(model, { name: `${prefix}.${name}`, bias: model.config.ffnBias, adapter }, to)
  const [gate, up] = [apply('gate_proj', input), apply('up_proj', input)]
  const inner = gate.map((value, i) => (value / (1 + Math.exp(-value))) * up[i]!)
  return apply('down_proj', inner)
}

interface Linear {
  readonly name: string
  readonly bias: boolean
  readonly adapter: Adapter | undefined
}

function linear({ tensor }: ReferenceModel, { name, bias, adapter }: Linear, input: Float64Array): Float64Array {
  const out = multiply(tensor(`${name}.weight`), input)
  if (bias) addTo(out, tensor(`${name}.bias`))
  const pair = adapter?.pairs.get(name)
  if (adapter === undefined || pair === undefined) return out
  const scale = adapterScale(adapter)
  return addTo(
    out,
    multiply(pair.b, multiply(pair.a, input)).map((value) => scale * value),
  )
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
