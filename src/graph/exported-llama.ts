/**
 * @file The decoder of the Llama family as other programs expect an exported one: named as transformers.js and ONNX Runtime GenAI name inputs and outputs, of plain
 * operators, with the persona in it, as biases after o_proj or as an input that is zero unless it is fed.
 *
 * Inputs: input_ids and position_ids `[B, S]`, attention_mask `[B, P + S]` (0 for padding, on either side), past keys and values `[B, kvHeads, P, headDim]`; with `input`
 * also displacement `[1 or B, layers, heads * headDim]`. Outputs: logits `[B, S, vocab]`, present keys and values `[B, kvHeads, P + S, headDim]`.
 */
import { type ModelShape, zWidth } from '../model/shape.ts'
import { activeWindow } from './attention.ts'
import { decomposedAttention, type Placement, queryPositions, visibleKeys } from './attention-decomposed.ts'
import { type GraphBuilder, graphBuilder, int, type Value } from './graph-builder.ts'
import { layerParts } from './llama.ts'
import type { LlamaConfig } from './llama-config.ts'
import { DISPLACEMENT, INPUT_IDS, LOGITS, layerDisplacement } from './names.ts'
import { transposedProduct } from './products.ts'
import { EMBEDDING, FINAL_NORM, layerPrefix, OUTPUT, type Weights } from './weights.ts'

export const ATTENTION_MASK = 'attention_mask'
export const POSITION_IDS = 'position_ids'

/** How the persona is in the graph. */
export type ExportedPersona =
  /** One b for each layer, `[hidden]`, added to the output of o_proj. */
  | { readonly kind: 'baked'; readonly biases: readonly Float32Array[] }
  /** `[layers, heads * headDim]`, added before o_proj: with weights in blocks a bias behind it would not be the same, since its inputs are rounded. */
  | { readonly kind: 'constant'; readonly displacement: Float32Array }
  /** `unfed` `[layers, heads * headDim]` acts where nothing is fed; zero unless given. */
  | { readonly kind: 'input'; readonly unfed?: Float32Array | undefined }

export interface ExportedLlamaOptions {
  readonly config: LlamaConfig
  readonly shape: ModelShape
  /** Where they lie in the exported files. */
  readonly weights: Weights
  readonly persona: ExportedPersona
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

export function exportedLlamaGraph({ config, shape, weights, persona, metadata }: ExportedLlamaOptions): Uint8Array {
  const builder = graphBuilder()
  const ids = builder.input(INPUT_IDS, 'int64', ['batch', 'tokens'])
  builder.input(ATTENTION_MASK, 'int64', ['batch', 'present'])
  builder.input(POSITION_IDS, 'int64', ['batch', 'tokens'])
  const options = { builder, config, shape }
  const displacement = displacementOf(builder, shape, persona)
  const attend = decomposedAttention(options, maskedPlacement(options))
  const product = transposedProduct(builder, 'fused')
  const layers = layerParts({ builder, config, weights, updateOf: () => undefined, product, products: 'fused' })

  let { normed, residual } = layers.firstNorm(layers.embed(ids))
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = layerPrefix(layer)
    const project = (name: string) => layers.linear(normed, `${prefix}.self_attn.${name}`, config.inputBias)
    const [query, key] = layers.headNorm(prefix, project('q_proj'), project('k_proj'))
    const z = attend(layer, { query, key, value: project('v_proj') })
    const steered = displacement === undefined ? z : builder.node('Add', { inputs: [z, displacement[layer]!] })
    const plain = layers.linear(steered, `${prefix}.self_attn.o_proj`, config.outputBias)
    const attended = persona.kind === 'baked' ? addBias(builder, plain, layer, persona.biases[layer]!) : plain
    ;({ normed, residual } = layers.addAndNorm(residual, attended, `${prefix}.post_attention_layernorm.weight`))
    const nextNorm = layer === config.layers - 1 ? FINAL_NORM : `${layerPrefix(layer + 1)}.input_layernorm.weight`
    ;({ normed, residual } = layers.addAndNorm(residual, layers.feedForward(normed, `${prefix}.mlp`), nextNorm))
  }
  layers.project(normed, config.tiedEmbeddings ? EMBEDDING : OUTPUT, LOGITS)
  builder.output(LOGITS, 'float32', ['batch', 'tokens', config.vocabSize])
  return builder.bytes(metadata)
}

function addBias(builder: GraphBuilder, value: Value, layer: number, bias: Float32Array): Value {
  return builder.node('Add', { inputs: [value, builder.floats(`palign.bias.${layer}`, [bias.length], bias)] })
}

/** One slice for each layer. An input has a value, too: programs that do not know it run the base model. */
function displacementOf(builder: GraphBuilder, shape: ModelShape, persona: ExportedPersona): readonly Value[] | undefined {
  if (persona.kind === 'baked') return undefined
  // Nothing is added for a constant of zeros: the base model, which can be steered again.
  if (persona.kind === 'constant' && persona.displacement.every((x) => x === 0)) return undefined
  const size = [1, shape.layers, zWidth(shape)]
  const given = persona.kind === 'constant' ? persona.displacement : persona.unfed
  if (persona.kind === 'input') builder.input(DISPLACEMENT, 'float32', ['rows', shape.layers, zWidth(shape)])
  const value = builder.floats(DISPLACEMENT, size, given ?? new Float32Array(shape.layers * zWidth(shape)))
  const slices = Array.from({ length: shape.layers }, (_, layer) => layerDisplacement(layer))
  builder.node('Split', { inputs: [value], outputs: slices, attributes: { axis: int(1), num_outputs: int(shape.layers) } })
  return slices
}

/** Positions as they are given; a token sees those before it that the mask does not hide. */
function maskedPlacement({ builder, config, shape }: Parameters<typeof decomposedAttention>[0]): Placement {
  const visible = visibleKeys(builder, queryPositions(builder), activeWindow(config, shape))
  const shown = builder.node('Cast', { inputs: [ATTENTION_MASK], attributes: { to: int(9) } })
  // [B, T] -> [B, 1, 1, 1, T], against [S, T].
  const byKey = builder.node('Unsqueeze', { inputs: [shown, builder.integers([1, 2, 3])] })
  const both = builder.node('And', { inputs: [byKey, visible] })
  const zero = builder.floats('mask.visible', [], Float32Array.of(0))
  // Finite: a padding token may see nothing at all, and what comes of it must be a number.
  const hidden = builder.floats('mask.hidden', [], Float32Array.of(-1e30))
  return {
    // [B, S, headDim / 2] -> [B, 1, S, headDim / 2]
    rowsOf: (table) =>
      builder.node('Unsqueeze', {
        inputs: [builder.node('Gather', { inputs: [table, POSITION_IDS] }), builder.integers([1])],
      }),
    mask: builder.node('Where', { inputs: [both, zero, hidden] }),
  }
}
