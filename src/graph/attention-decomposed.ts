/**
 * @file Attention from plain ONNX operators: any even head dimension, sliding windows, and nothing a gradient could not
 * pass through. Grouped queries are a fifth axis that broadcasts over keys and values, so these are never repeated.
 */
import { type Attention, type AttentionOptions, activeWindow, declareCache } from './attention.ts'
import { type GraphBuilder, int, ints, type Value } from './graph-builder.ts'
import { INPUT_IDS, pastName } from './names.ts'
import { rotaryTables } from './rope.ts'

export function decomposedAttention(options: AttentionOptions, placement?: Placement): Attention {
  const { builder } = options
  const parts = attentionParts(options, placement)

  // query -> split heads -> rotate -> [B, kvHeads, group, S, headDim] --.
  // key   -> split heads -> rotate -> concat past -> transpose ---------+-> MatMul -> * scale -> + mask -> Softmax --.
  // value -> split heads ----------> concat past --------------------------------------------------------------------+-> MatMul -> z
  return (layer, { query, key, value }) => {
    const append = (part: 'key' | 'value', added: Value) => {
      const { past, present } = declareCache(options, layer, part)
      return builder.node('Concat', { inputs: [past, added], outputs: [present], attributes: { axis: int(2) } })
    }
    const keys = append('key', parts.key(key))
    const values = append('value', parts.value(value))
    const weights = parts.weights(parts.scores(parts.query(query), keys))
    return parts.join(parts.mix(weights, values), layer)
  }
}

/** The steps of attention in plain operators. Grouped queries are `[B, kvHeads, group, S, headDim]`, keys and values `[B, kvHeads, T, headDim]`. */
export interface AttentionParts {
  /** Projected queries -> rotated and grouped. */
  query(projected: Value): Value
  /** Projected keys -> rotated heads. */
  key(projected: Value): Value
  value(projected: Value): Value
  /** `[B, kvHeads, group, S, T]`, not scaled yet. */
  scores(grouped: Value, keys: Value): Value
  /** Softmax over all keys that a token may see, of the scores of past and new keys. */
  weights(scores: Value): Value
  /** `[B, kvHeads, group, S, headDim]` */
  mix(weights: Value, values: Value): Value
  /** z of the layer, `[B, S, heads * headDim]`. */
  join(mixed: Value, layer: number): Value
}

/** Where tokens stand and what they see. */
export interface Placement {
  /** Row of a table of all positions -> that of each new token, broadcasting over `[B, heads, S, headDim]`. */
  readonly rowsOf: (table: Value) => Value
  /** Added to scores, broadcasting over `[B, kvHeads, group, S, T]`. */
  readonly mask: Value
}

/** Tokens follow one another and see all before them. */
function sequentialPlacement({ builder, config, shape }: AttentionOptions): Placement {
  const positions = queryPositions(builder)
  return {
    rowsOf: (table) => builder.node('Gather', { inputs: [table, positions.queries] }),
    mask: causalMask(builder, positions, activeWindow(config, shape)),
  }
}

export function attentionParts(
  options: AttentionOptions,
  { rowsOf, mask }: Placement = sequentialPlacement(options),
): AttentionParts {
  const { builder, config } = options
  const { heads, kvHeads, headDim } = config
  const rotate = rotation(options, rowsOf)
  const scale = builder.floats('attention.scale', [], Float32Array.of(1 / Math.sqrt(headDim)))
  const overGroup = (tensor: Value) => builder.node('Unsqueeze', { inputs: [tensor, builder.integers([2])] })
  return {
    query: (projected) =>
      builder.node('Reshape', {
        inputs: [
          rotate(splitHeads(builder, projected, heads, headDim)),
          builder.integers([0, kvHeads, heads / kvHeads, -1, headDim]),
        ],
      }),
    key: (projected) => rotate(splitHeads(builder, projected, kvHeads, headDim)),
    value: (projected) => splitHeads(builder, projected, kvHeads, headDim),
    scores(grouped, keys) {
      const across = builder.node('Transpose', { inputs: [overGroup(keys)], attributes: { perm: ints(0, 1, 2, 4, 3) } })
      return builder.node('MatMul', { inputs: [grouped, across] })
    },
    weights(scores) {
      const scaled = builder.node('Mul', { inputs: [scores, scale] })
      return builder.node('Softmax', {
        inputs: [builder.node('Add', { inputs: [scaled, mask] })],
        attributes: { axis: int(-1) },
      })
    },
    mix: (weights, values) => builder.node('MatMul', { inputs: [weights, overGroup(values)] }),
    join(mixed, layer) {
      const byToken = builder.node('Transpose', { inputs: [mixed], attributes: { perm: ints(0, 3, 1, 2, 4) } })
      return builder.node('Reshape', { inputs: [byToken, builder.integers([0, 0, heads * headDim])], outputs: [`z.${layer}`] })
    },
  }
}

export interface Positions {
  /** Positions of the new tokens `[S]`. */
  readonly queries: Value
  /** Positions of all tokens `[T]`. */
  readonly keys: Value
}

/** Past length and token count come from the shapes of the inputs: queries = past .. past + S - 1, keys = 0 .. past + S - 1. */
export function queryPositions(builder: GraphBuilder): Positions {
  const past = sizeOf(builder, pastName(0, 'key'), 2)
  const end = builder.node('Add', { inputs: [past, sizeOf(builder, INPUT_IDS, 1)] })
  const [zero, one] = [builder.integers([0], []), builder.integers([1], [])]
  return {
    queries: builder.node('Range', { inputs: [past, end, one] }),
    keys: builder.node('Range', { inputs: [zero, end, one] }),
  }
}

/** The length of one axis: a scalar, or `[1]`. */
export function sizeOf(builder: GraphBuilder, value: Value, axis: number, shape: readonly number[] = []): Value {
  return builder.node('Gather', { inputs: [builder.node('Shape', { inputs: [value] }), builder.integers([axis], shape)] })
}

/** `[S, T]`: 0 where `0 <= query - key < window`, minus infinity elsewhere. A query always sees itself, so no row is empty. */
function causalMask(builder: GraphBuilder, positions: Positions, window: number | undefined): Value {
  const zero = builder.floats('mask.visible', [], Float32Array.of(0))
  const hidden = builder.floats('mask.hidden', [], Float32Array.of(Number.NEGATIVE_INFINITY))
  return builder.node('Where', { inputs: [visibleKeys(builder, positions, window), zero, hidden] })
}

/** `[S, T]`, whether `0 <= query - key < window`. */
export function visibleKeys(builder: GraphBuilder, { queries, keys }: Positions, window: number | undefined): Value {
  const column = builder.node('Unsqueeze', { inputs: [queries, builder.integers([1])] })
  const distance = builder.node('Sub', { inputs: [column, keys] })
  const causal = builder.node('GreaterOrEqual', { inputs: [distance, builder.integers([0], [])] })
  return window === undefined
    ? causal
    : builder.node('And', { inputs: [causal, builder.node('Less', { inputs: [distance, builder.integers([window], [])] })] })
}

/** `[B, S, count * headDim]` -> `[B, count, S, headDim]`. */
function splitHeads(builder: GraphBuilder, value: Value, count: number, headDim: number): Value {
  const split = builder.node('Reshape', { inputs: [value, builder.integers([0, 0, count, headDim])] })
  return builder.node('Transpose', { inputs: [split], attributes: { perm: ints(0, 2, 1, 3) } })
}

/**
 * Rotates `[B, heads, S, headDim]` by the angles of the tokens' positions:
 *
 *     x1, x2 = halves of x;  out = concat(x1 cos - x2 sin, x2 cos + x1 sin)
 */
function rotation({ builder, config, shape }: AttentionOptions, rowsOf: Placement['rowsOf']): (value: Value) => Value {
  const tables = rotaryTables(config.rope, config.headDim, shape.contextLength)
  const row = (name: 'cos' | 'sin') => {
    const table = builder.floats(`rotary.${name}`, [shape.contextLength, config.headDim / 2], tables[name])
    return rowsOf(table)
  }
  const [cos, sin] = [row('cos'), row('sin')]
  const times = (a: Value, b: Value) => builder.node('Mul', { inputs: [a, b] })

  return (value) => {
    const [first, second] = [`${value}.first`, `${value}.second`] as const
    builder.node('Split', { inputs: [value], outputs: [first, second], attributes: { axis: int(-1), num_outputs: int(2) } })
    return builder.node('Concat', {
      inputs: [
        builder.node('Sub', { inputs: [times(first, cos), times(second, sin)] }),
        builder.node('Add', { inputs: [times(second, cos), times(first, sin)] }),
      ],
      attributes: { axis: int(-1) },
    })
  }
}
