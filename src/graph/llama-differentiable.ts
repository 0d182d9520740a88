/**
 * @file The decoder of the Llama family over whole sequences, made of steps that have gradients: the other lowering of the
 * computation in `llama.ts`. No cache, static shapes, every token of a batch at once; hidden states are `[batch * length, hidden]`.
 */
import type { ModelShape } from '../model/shape.ts'
import { activeWindow } from './attention.ts'
import type { LlamaConfig } from './llama-config.ts'
import { rotaryTables } from './rope.ts'
import type { ShapedGraph, Tensor } from './shaped-graph.ts'
import { EMBEDDING, FINAL_NORM, layerPrefix, OUTPUT, requiredTensors } from './weights.ts'

/** The low-rank pair of one linear layer, and what scales it. */
export interface AdapterTensors {
  /** `[rank, in]` */
  readonly a: Tensor
  /** `[out, rank]` */
  readonly b: Tensor
  /** A scalar: 0 is the base model. */
  readonly scale: Tensor
  /** `[batch * length, in]`, true where an input of the pair is kept, with the share that is kept; default all are. */
  readonly dropout?: { readonly kept: Tensor; readonly share: number } | undefined
}

export interface DifferentiableLlamaOptions {
  readonly graph: ShapedGraph
  readonly config: LlamaConfig
  readonly shape: ModelShape
  /** int64 `[batch, length]`. Rows shorter than `length` are padded at the end, where causal attention keeps padding from acting; padding may pass the model's context. */
  readonly ids: Tensor
  /** Which of the batch * length positions get logits: int64 `[selected]`; default all, in order. */
  readonly positions?: Tensor | undefined
  readonly weight: (name: string) => Tensor
  /** By module name; a linear layer without one is as it is. */
  readonly adapter?: ((module: string) => AdapterTensors | undefined) | undefined
  /** Whether the backward pass computes each layer again instead of keeping what is inside; default false. */
  readonly checkpointing?: boolean | undefined
}

export interface DifferentiableLlama {
  /** `[selected, vocab]` */
  readonly logits: Tensor
  /** `[selected, hidden]`: what the output layer reads. */
  readonly hidden: Tensor
}

export function differentiableLlama(options: DifferentiableLlamaOptions): DifferentiableLlama {
  const { graph, config, ids, positions, weight, checkpointing = false } = options
  const [batch, length] = ids.shape as [number, number]
  const embedded = graph.gather(weight(EMBEDDING), graph.reshape(ids, [batch * length]))
  const attend = groupedAttention(options, batch, length)

  let residual = embedded
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `${layerPrefix(layer)}.`
    const inside = [...requiredTensors(config).keys()].filter((name) => name.startsWith(prefix))
    if (!checkpointing) {
      residual = decoderLayer(options, attend, prefix, residual)
      continue
    }
    // Whatever may need a gradient enters the layer as an input of the checkpoint, and is found there under its own name.
    const weights = inside.map((name) => [name, weight(name)] as const)
    const pairs = inside.flatMap((name) => {
      const module = name.replace(/\.weight$/, '')
      const pair = options.adapter?.(module)
      return pair === undefined ? [] : [[module, pair] as const]
    })
    const given = [residual, ...weights.map(([, tensor]) => tensor), ...pairs.flatMap(([, { a, b }]) => [a, b])]
    residual = graph.checkpoint(([input, ...parts]) => {
      const byName = new Map(weights.map(([name], i) => [name, parts[i]!]))
      const byModule = new Map(
        pairs.map(([module, pair], i) => {
          const at = weights.length + 2 * i
          return [module, { ...pair, a: parts[at]!, b: parts[at + 1]! }] as const
        }),
      )
      const inner = {
        ...options,
        weight: (name: string) => byName.get(name)!,
        adapter: (module: string) => byModule.get(module),
      }
      return decoderLayer(inner, attend, prefix, input!)
    }, given)
  }
  const last = positions === undefined ? residual : graph.gather(residual, positions)
  const hidden = graph.rmsNorm(last, weight(FINAL_NORM), config.normEpsilon)
  const logits = graph.gemm(hidden, weight(config.tiedEmbeddings ? EMBEDDING : OUTPUT), { transposeB: true })
  return { logits, hidden }
}

type Attend = (query: Tensor, key: Tensor, value: Tensor) => Tensor

/** residual -> norm -> q, k, v -> attention -> o -> + -> norm -> down(silu(gate) * up) -> + */
function decoderLayer(options: DifferentiableLlamaOptions, attend: Attend, prefix: string, residual: Tensor): Tensor {
  const { graph, config, weight } = options
  const linear = linearLayers(options)
  const norm = (x: Tensor, name: string) => graph.rmsNorm(x, weight(`${prefix}${name}.weight`), config.normEpsilon)
  const project = (x: Tensor, name: string) => linear(x, `${prefix}self_attn.${name}`, config.inputBias)
  const headNorm = (x: Tensor, name: string) => {
    if (!config.headNorm) return x
    const byHead = graph.reshape(x, [x.shape.reduce((a, b) => a * b, 1) / config.headDim, config.headDim])
    return graph.reshape(norm(byHead, `self_attn.${name}`), x.shape)
  }
  const feedForward = (x: Tensor, name: string) => linear(x, `${prefix}mlp.${name}`, config.ffnBias)

  const x = norm(residual, 'input_layernorm')
  const [query, key] = [headNorm(project(x, 'q_proj'), 'q_norm'), headNorm(project(x, 'k_proj'), 'k_norm')]
  const z = attend(query, key, project(x, 'v_proj'))
  const attended = graph.pairwise('Add', residual, linear(z, `${prefix}self_attn.o_proj`, config.outputBias))
  const y = norm(attended, 'post_attention_layernorm')
  const gate = graph.silu(feedForward(y, 'gate_proj'))
  const down = feedForward(graph.pairwise('Mul', gate, feedForward(y, 'up_proj')), 'down_proj')
  return graph.pairwise('Add', attended, down)
}

/** x W^T (+ bias) (+ scale (dropout(x) A^T) B^T), for W `[out, in]` as the files have it: transposing a constant would copy it at load. */
function linearLayers({ graph, weight, adapter }: DifferentiableLlamaOptions) {
  return (x: Tensor, module: string, hasBias: boolean): Tensor => {
    const product = graph.gemm(x, weight(`${module}.weight`), { transposeB: true })
    const base = hasBias ? graph.pairwise('Add', product, weight(`${module}.bias`)) : product
    const pair = adapter?.(module)
    if (pair === undefined) return base
    const { a, b, scale, dropout } = pair
    const kept =
      dropout === undefined
        ? x
        : graph.where(dropout.kept, graph.pairwise('Mul', x, graph.scalar(1 / dropout.share)), graph.scalar(0))
    const low = graph.gemm(kept, a, { transposeB: true })
    return graph.gemm(graph.pairwise('Mul', low, scale), b, { transposeB: true }, base)
  }
}

/** Far below every score, and still finite in both precisions. */
const HIDDEN = -1e9

/**
 * The heads of a group lie one under the other, so that keys and values are never repeated and their gradients sum over the group by
 * the product itself:
 *
 *     q [B, kv, group * T, d] x k^T [B, kv, d, T] -> scores [B, kv, group * T, T] -> (+ mask) softmax -> x v [B, kv, T, d]
 */
function groupedAttention(
  { graph, config, shape }: Pick<DifferentiableLlamaOptions, 'graph' | 'config' | 'shape'>,
  batch: number,
  length: number,
): Attend {
  const { heads, kvHeads, headDim } = config
  const group = heads / kvHeads
  const rotate = rotation(graph, config, length)
  const mask = causalMask(graph, length, activeWindow(config, shape))
  const split = (x: Tensor, count: number) => graph.reshape(x, [batch, length, count, headDim])

  return (query, key, value) => {
    const byToken = graph.reshape(rotate(split(query, heads)), [batch, length, kvHeads, group, headDim])
    const queries = graph.reshape(graph.transpose(byToken, [0, 2, 3, 1, 4]), [batch, kvHeads, group * length, headDim])
    const keys = graph.transpose(rotate(split(key, kvHeads)), [0, 2, 1, 3])
    const values = graph.transpose(split(value, kvHeads), [0, 2, 1, 3])
    const scores = graph.matMul(queries, keys, { transposeB: true, scale: 1 / Math.sqrt(headDim) })
    const byHead = graph.reshape(scores, [batch, kvHeads, group, length, length])
    const attention = graph.reshape(graph.softmax(graph.pairwise('Add', byHead, mask)), scores.shape)
    const mixed = graph.reshape(graph.matMul(attention, values), [batch, kvHeads, group, length, headDim])
    return graph.reshape(graph.transpose(mixed, [0, 3, 1, 2, 4]), [batch * length, heads * headDim])
  }
}

/** `[T, T]`: 0 where a query sees a key, `HIDDEN` elsewhere. */
function causalMask(graph: ShapedGraph, length: number, window = length): Tensor {
  const mask = new Float32Array(length * length)
  for (let query = 0; query < length; query++) {
    for (let key = 0; key < length; key++) {
      if (key > query || query - key >= window) mask[query * length + key] = HIDDEN
    }
  }
  return graph.constant('attention.mask', [length, length], mask)
}

/** Rotates `[B, T, heads, headDim]`: x1, x2 = halves of x; out = concat(x1 cos - x2 sin, x2 cos + x1 sin). */
function rotation(graph: ShapedGraph, { rope, headDim }: LlamaConfig, length: number): (x: Tensor) => Tensor {
  const half = headDim / 2
  const tables = rotaryTables(rope, headDim, length)
  const cos = graph.constant('rotary.cos', [length, 1, half], tables.cos)
  const sin = graph.constant('rotary.sin', [length, 1, half], tables.sin)
  const times = (a: Tensor, b: Tensor) => graph.pairwise('Mul', a, b)
  return (x) => {
    const [first, second] = graph.split(x, 3, [half, half]) as [Tensor, Tensor]
    const turned = graph.pairwise('Sub', times(first, cos), times(second, sin))
    return graph.concat([turned, graph.pairwise('Add', times(second, cos), times(first, sin))], 3)
  }
}
