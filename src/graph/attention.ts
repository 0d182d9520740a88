/** @file What the two lowerings of attention have in common, and which of them a model can use. */
import { PalignError } from '../errors.ts'
import type { ModelShape } from '../model/shape.ts'
import type { GraphBuilder, Value } from './graph-builder.ts'
import type { LlamaConfig } from './llama-config.ts'
import { type CachePart, pastName, presentName } from './names.ts'

/**
 * `fused` is one operator of ONNX Runtime; `decomposed` is made of plain ONNX operators. Both compute the same. In `shared-past`, also of
 * plain operators, all rows of a batch continue the same past; in `own-past` each its own, which the graph reads and does not give back.
 */
export type AttentionKind = 'fused' | 'decomposed' | 'shared-past' | 'own-past'

/** Of all new tokens, before positions are known: query `[batch, tokens, heads * headDim]`, key and value `[.., kvHeads * headDim]`. */
export interface Projections {
  readonly query: Value
  readonly key: Value
  readonly value: Value
}

/** Adds the attention of one layer, its cache included, and gives z `[batch, tokens, heads * headDim]`. */
export type Attention = (layer: number, projections: Projections) => Value

export interface AttentionOptions {
  readonly builder: GraphBuilder
  readonly config: LlamaConfig
  readonly shape: ModelShape
}

/** The window, where it is shorter than what fits the context. */
export function activeWindow(config: LlamaConfig, shape: ModelShape): number | undefined {
  return config.slidingWindow !== undefined && config.slidingWindow < shape.contextLength ? config.slidingWindow : undefined
}

/** Fused where the operator can compute the model; `wanted` asks for a kind and is refused where it cannot. */
export function chooseAttention(config: LlamaConfig, shape: ModelShape, wanted?: AttentionKind): AttentionKind {
  // GroupQueryAttention rotates heads of a multiple of 16 only.
  const canFuse = config.headDim % 16 === 0 && activeWindow(config, shape) === undefined
  if (wanted === 'fused' && !canFuse) {
    throw new PalignError(
      'unsupported-model',
      `fused attention needs a head dimension that is a multiple of 16 (here ${config.headDim}) and no sliding window`,
      {
        hint: 'leave the kind of attention to palign',
      },
    )
  }
  return wanted ?? (canFuse ? 'fused' : 'decomposed')
}

/** Declares past and present of one layer: `[batch, kvHeads, length, headDim]`. */
export function declareCache(
  { builder, config }: AttentionOptions,
  layer: number,
  part: CachePart,
): { past: Value; present: Value } {
  const past = builder.input(pastName(layer, part), 'float32', ['past rows', config.kvHeads, 'past', config.headDim])
  const present = presentName(layer, part)
  builder.output(present, 'float32', ['batch', config.kvHeads, 'present', config.headDim])
  return { past, present }
}
