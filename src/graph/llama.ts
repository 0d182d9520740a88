/**
 * @file The decoder of the Llama family as an ONNX graph. Weights stay where they are: every tensor of the graph points
 * into the model's own .safetensors files. z, the input of o_proj, can be displaced (`steering`) and read (`record`), and linear
 * layers can be adapted (`adapt`).
 *
 * Inputs: input_ids `[B, S]`, positions `[N]` (which of the B * S tokens get logits), past keys and values
 * `[B, kvHeads, P, headDim]` (`[1, ..]` for all rows with a shared past), displacement `[1 or B, layers, heads * headDim]` (one of each layer where rows have their own past); fused attention also the lengths; adapted
 * graphs the scale and, for every adapted module, a `[rank, in]` and b `[out, rank]`, of whatever rank.
 * Outputs: logits `[N, vocab]`, present keys and values, and z `[B, layers, heads * headDim]` of the last token.
 */
import { type LinearLayer, linearLayerOf } from '../model/adapter.ts'
import type { ModelShape } from '../model/shape.ts'
import { zWidth } from '../model/shape.ts'
import { type AttentionKind, chooseAttention } from './attention.ts'
import { decomposedAttention } from './attention-decomposed.ts'
import { fusedAttention } from './attention-fused.ts'
import { ownPastAttention } from './attention-own-past.ts'
import { sharedPastAttention } from './attention-shared-past.ts'
import { blockProduct, blockRows } from './block-products.ts'
import { float, type GraphBuilder, graphBuilder, int, type Value } from './graph-builder.ts'
import type { LlamaConfig } from './llama-config.ts'
import { ADAPTER_SCALE, adapterInput, DISPLACEMENT, INPUT_IDS, LOGITS, layerDisplacement, POSITIONS, Z } from './names.ts'
import { type ProductKind, type TransposedProduct, transposedProduct } from './products.ts'
import { assertFloat, EMBEDDING, FINAL_NORM, layerPrefix, OUTPUT, storedTensor, type Weights } from './weights.ts'

export interface LlamaGraphOptions {
  readonly config: LlamaConfig
  readonly shape: ModelShape
  readonly weights: Weights
  /** Default: fused where the operator can compute the model. */
  readonly attention?: AttentionKind | undefined
  /** Default: fused, which ONNX Runtime has for its CPU. */
  readonly products?: ProductKind | undefined
  /** Whether there is a displacement input; default true. Without it there is nothing to compare the cost of steering with. */
  readonly steering?: boolean | undefined
  /** Whether z is an output; default false, since the taps cost time in every call. */
  readonly record?: boolean | undefined
  /** Linear layers that take an adapter; default none, since one costs two small products a layer. */
  readonly adapt?: readonly LinearLayer[] | undefined
}

const ATTENTION = {
  fused: fusedAttention,
  decomposed: decomposedAttention,
  'shared-past': sharedPastAttention,
  'own-past': ownPastAttention,
} as const

/** The serialised model. Place it in the folder of the weight files: it refers to them by name. */
export function llamaGraph(options: LlamaGraphOptions): Uint8Array {
  const { config, shape, weights, products = 'fused', steering = true, record = false, adapt = [] } = options
  const builder = graphBuilder()
  const ids = builder.input(INPUT_IDS, 'int64', ['batch', 'tokens'])
  const positions = builder.input(POSITIONS, 'int64', ['selected'])
  const lowering = chooseAttention(config, shape, options.attention)
  // Many rows have many numbers: each layer gets its own from outside, and none are copied out of one input.
  const declareDisplacement = lowering === 'own-past' ? displacementsByLayer : splitDisplacement
  const displacement = steering ? declareDisplacement(builder, shape) : undefined
  const attend = ATTENTION[lowering]({ builder, config, shape })
  const product = transposedProduct(builder, products)
  const updateOf = adapterUpdate({ builder, weights, adapt, product })
  const layers = layerParts({ builder, config, weights, updateOf, product, products })

  // After its attention the last layer goes on with the selected tokens alone: nothing else is read of it.
  const select = (value: Value, width: number) => {
    const byToken = builder.node('Reshape', { inputs: [value, builder.integers([-1, width])] })
    return builder.node('Gather', { inputs: [byToken, positions], attributes: { axis: int(0) } })
  }

  // ids -> embedding -> norm -> [ q, k, v -> attention -> z (-> tap) (-> + displacement) -> o_proj -> + -> norm -> ffn -> + -> norm ] x layers
  //                                                         in the last layer: -> select -> ..                      -> output layer -> logits
  const taps: Value[] = []
  let { normed, residual } = layers.firstNorm(layers.embed(ids))
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = layerPrefix(layer)
    const project = (name: string) => layers.linear(normed, `${prefix}.self_attn.${name}`, config.inputBias)
    const [query, key] = layers.headNorm(prefix, project('q_proj'), project('k_proj'))
    const z = attend(layer, { query, key, value: project('v_proj') })
    if (record) taps.push(builder.node('Gather', { inputs: [z, builder.integers([-1])], attributes: { axis: int(1) } }))
    let steered = displacement === undefined ? z : builder.node('Add', { inputs: [z, displacement[layer]!] })
    const isLast = layer === config.layers - 1
    if (isLast) {
      steered = select(steered, zWidth(shape))
      residual = select(residual, config.hiddenSize)
    }
    const attended = layers.linear(steered, `${prefix}.self_attn.o_proj`, config.outputBias)
    ;({ normed, residual } = layers.addAndNorm(residual, attended, `${prefix}.post_attention_layernorm.weight`))
    const nextNorm = isLast ? FINAL_NORM : `${layerPrefix(layer + 1)}.input_layernorm.weight`
    ;({ normed, residual } = layers.addAndNorm(residual, layers.feedForward(normed, `${prefix}.mlp`), nextNorm))
  }
  layers.project(normed, config.tiedEmbeddings ? EMBEDDING : OUTPUT, LOGITS)
  builder.output(LOGITS, 'float32', ['selected', config.vocabSize])
  if (record) {
    builder.node('Concat', { inputs: taps, outputs: [Z], attributes: { axis: int(1) } })
    builder.output(Z, 'float32', ['batch', config.layers, zWidth(shape)])
  }
  return builder.bytes()
}

/** One slice `[1 or B, 1, heads * headDim]` for each layer, by one node rather than one a layer. */
function splitDisplacement(builder: GraphBuilder, shape: ModelShape): readonly Value[] {
  const displacement = builder.input(DISPLACEMENT, 'float32', ['rows', shape.layers, zWidth(shape)])
  const slices = Array.from({ length: shape.layers }, (_, layer) => layerDisplacement(layer))
  builder.node('Split', { inputs: [displacement], outputs: slices, attributes: { axis: int(1), num_outputs: int(shape.layers) } })
  return slices
}

/** An input `[1 or B, 1, heads * headDim]` for each layer. */
function displacementsByLayer(builder: GraphBuilder, shape: ModelShape): readonly Value[] {
  return Array.from({ length: shape.layers }, (_, layer) =>
    builder.input(layerDisplacement(layer), 'float32', ['rows', 1, zWidth(shape)]),
  )
}

/** What a module's adapter adds to its output, scale (x A^T) B^T; undefined for a module that is not adapted. */
type AdapterUpdate = (input: Value, module: string) => Value | undefined

interface AdapterUpdateOptions {
  readonly builder: GraphBuilder
  readonly weights: Weights
  readonly adapt: readonly LinearLayer[]
  readonly product: TransposedProduct
}

function adapterUpdate({ builder, weights, adapt, product }: AdapterUpdateOptions): AdapterUpdate {
  if (adapt.length === 0) return () => undefined
  const scale = builder.input(ADAPTER_SCALE, 'float32', [])
  return (input, module) => {
    const layer = linearLayerOf(module)
    if (layer === undefined || !adapt.includes(layer)) return undefined
    const [out, width] = weights.get(`${module}.weight`)!.shape as [number, number]
    const a = builder.input(adapterInput(module, 'a'), 'float32', ['rank', width])
    const b = builder.input(adapterInput(module, 'b'), 'float32', [out, 'rank'])
    // Scaled where it is narrowest.
    return product(builder.node('Mul', { inputs: [product(input, a), scale] }), b)
  }
}

interface Residual {
  readonly normed: Value
  /** The sum that was normalised: what the next block adds to. */
  readonly residual: Value
}

interface LayerPartsOptions {
  readonly builder: GraphBuilder
  readonly config: LlamaConfig
  readonly weights: Weights
  readonly updateOf: AdapterUpdate
  readonly product: TransposedProduct
  readonly products: ProductKind
}

/** The parts a layer is made of, over the weights of one model. */
export function layerParts({ builder, config, weights, updateOf, product, products }: LayerPartsOptions) {
  const epsilon = float(config.normEpsilon)

  /** The weight as float32: narrower ones are cast by a node that the runtime folds at load. */
  const weight = (name: string): Value => {
    const found = assertFloat(weights.get(name)!)
    const stored = builder.tensor(storedTensor(found))
    return found.dtype === 'F32' ? stored : castToFloat(builder, stored)
  }

  /** x W^T, for W `[out, in]` as the files have it. */
  const project = (input: Value, name: string, output?: Value): Value => {
    const found = weights.get(name)!
    const outputs = output === undefined ? {} : { outputs: [output] }
    if (found.kind === 'blocks') return blockProduct(builder, input, found, { ...outputs, products })
    return product(input, weight(name), outputs)
  }

  const rmsNorm = (input: Value, name: string): Value =>
    builder.node('SimplifiedLayerNormalization', {
      inputs: [input, weight(name)],
      attributes: { axis: int(-1), epsilon, stash_type: int(1) },
    })

  const linear = (input: Value, name: string, bias: boolean): Value => {
    const projected = project(input, `${name}.weight`)
    const plain = bias ? builder.node('Add', { inputs: [projected, weight(`${name}.bias`)] }) : projected
    const update = updateOf(input, name)
    return update === undefined ? plain : builder.node('Add', { inputs: [plain, update] })
  }

  return {
    project,
    linear,

    /** Rows are gathered before they are widened, so that a narrow embedding stays narrow in memory. */
    embed(ids: Value): Value {
      const found = weights.get(EMBEDDING)!
      if (found.kind === 'blocks') return blockRows(builder, found, ids)
      // Not every device has narrow floats.
      if (products === 'plain') return builder.node('Gather', { inputs: [weight(EMBEDDING), ids] })
      const rows = builder.node('Gather', { inputs: [builder.tensor(storedTensor(found)), ids] })
      return found.dtype === 'F32' ? rows : castToFloat(builder, rows)
    },

    /** Every head of queries and keys normed by itself, where the model does that. */
    headNorm(prefix: string, query: Value, key: Value): readonly [Value, Value] {
      if (!config.headNorm) return [query, key]
      // [B, S, heads * headDim] -> [B, S * heads, headDim] -> norm -> back
      const normed = (value: Value, name: string, heads: number) => {
        const split = builder.node('Reshape', { inputs: [value, builder.integers([0, -1, config.headDim])] })
        const inner = rmsNorm(split, `${prefix}.self_attn.${name}.weight`)
        return builder.node('Reshape', { inputs: [inner, builder.integers([0, -1, heads * config.headDim])] })
      }
      return [normed(query, 'q_norm', config.heads), normed(key, 'k_norm', config.kvHeads)]
    },

    firstNorm(residual: Value): Residual {
      return { normed: rmsNorm(residual, `${layerPrefix(0)}.input_layernorm.weight`), residual }
    },

    /** residual + update, and its RMS norm. */
    addAndNorm(residual: Value, update: Value, name: string): Residual {
      const sum = `${name}.sum`
      const normed = builder.node('SkipSimplifiedLayerNormalization', {
        domain: 'com.microsoft',
        inputs: [update, residual, weight(name)],
        outputs: [`${name}.normed`, '', '', sum],
        attributes: { epsilon },
      })
      return { normed, residual: sum }
    },

    /** down(silu(gate(x)) * up(x)). */
    feedForward(input: Value, prefix: string): Value {
      const gate = linear(input, `${prefix}.gate_proj`, config.ffnBias)
      const up = linear(input, `${prefix}.up_proj`, config.ffnBias)
      const silu = builder.node('Mul', { inputs: [gate, builder.node('Sigmoid', { inputs: [gate] })] })
      return linear(builder.node('Mul', { inputs: [silu, up] }), `${prefix}.down_proj`, config.ffnBias)
    },
  }
}

function castToFloat(builder: GraphBuilder, value: Value): Value {
  return builder.node('Cast', { inputs: [value], attributes: { to: int(1) } })
}
