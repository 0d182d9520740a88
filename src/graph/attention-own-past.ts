/**
 * @file Attention of rows that each continue a past of their own: decoding of many texts in one pass. The past is only read, in a buffer that may be longer
 * than its content; present keys and values are those of the new tokens alone, so that a run hands out little and whoever keeps the buffer writes them
 * behind the past. (onnxruntime-node copies every output: a present that held the past would be copied with every token.)
 */
import { type Attention, type AttentionOptions, activeWindow } from './attention.ts'
import { sizeOf } from './attention-decomposed.ts'
import { type GraphBuilder, int, ints, type Value } from './graph-builder.ts'
import { INPUT_IDS, PAST_LENGTHS, pastName, presentName } from './names.ts'
import { rotaryTables } from './rope.ts'

export function ownPastAttention(options: AttentionOptions): Attention {
  const { builder, config, shape } = options
  const { heads, kvHeads, headDim } = config
  const pastLengths = builder.input(PAST_LENGTHS, 'int64', ['batch', 1])
  const [past, added] = [sizeOf(builder, pastName(0, 'key'), 3), sizeOf(builder, INPUT_IDS, 1)]
  const asList = (scalar: Value) => builder.node('Reshape', { inputs: [scalar, builder.integers([1])] })
  const lengths = builder.node('Concat', { inputs: [asList(past), asList(added)], attributes: { axis: int(0) } })
  const positions = builder.node('Add', { inputs: [pastLengths, range(builder, added)] })
  const mask = rowMask({ builder, pastLengths, past, added, window: activeWindow(config, shape) })

  const tables = rotaryTables(config.rope, headDim, shape.contextLength)
  const table = (name: 'cos' | 'sin') => builder.floats(`rotary.${name}`, [shape.contextLength, headDim / 2], tables[name])
  const angles = [positions, table('cos'), table('sin')]
  const rotate = (value: Value) =>
    builder.node('RotaryEmbedding', { domain: 'com.microsoft', inputs: [value, ...angles], attributes: { interleaved: int(0) } })
  const times = (inputs: readonly Value[], attributes: Record<string, ReturnType<typeof int>> = {}) =>
    builder.node('FusedMatMul', { domain: 'com.microsoft', inputs, attributes })
  const scale = builder.floats('attention.scale', [], Float32Array.of(1 / Math.sqrt(headDim)))

  // Each query head has a product of its own: of one token that is a vector times a matrix, for which the runtime need not pack the past. Keys and values have a
  // dimension for that, `[B, kvHeads, 1, length, headDim]`.
  // queries -+-> scores of past keys [B, kvHeads, group, S, P] -.                                    .-> mix past values -.
  //          '-> scores of own keys [B, kvHeads, group, S, S] --+-> concat -> + mask -> softmax -> split -> mix own values --+-> add -> z
  return (layer, { query, key, value }) => {
    const own = (part: 'key' | 'value', projected: Value) => {
      const before = builder.input(pastName(layer, part), 'float32', ['past rows', kvHeads, 1, 'past', headDim])
      const present = presentName(layer, part)
      builder.output(present, 'float32', ['batch', kvHeads, 1, 'tokens', headDim])
      const split = builder.node('Reshape', { inputs: [projected, builder.integers([0, 0, kvHeads, 1, headDim])] })
      builder.node('Transpose', { inputs: [split], outputs: [present], attributes: { perm: ints(0, 2, 3, 1, 4) } })
      return { before, own: present }
    }
    const turned = builder.node('Mul', { inputs: [rotate(query), scale] })
    const keys = own('key', rotate(key))
    const values = own('value', value)
    const grouped = builder.node('Reshape', {
      inputs: [turned, builder.integers([0, -1, kvHeads, heads / kvHeads, headDim])],
    })
    const queries = builder.node('Transpose', { inputs: [grouped], attributes: { perm: ints(0, 2, 3, 1, 4) } })
    const transposed = { transB: int(1) }
    const scores = builder.node('Concat', {
      inputs: [times([queries, keys.before], transposed), times([queries, keys.own], transposed)],
      attributes: { axis: int(-1) },
    })
    const weights = builder.node('Softmax', {
      inputs: [builder.node('Add', { inputs: [scores, mask] })],
      attributes: { axis: int(-1) },
    })
    const [ofPast, ofOwn] = [`weights.${layer}.past`, `weights.${layer}.own`] as const
    builder.node('Split', { inputs: [weights, lengths], outputs: [ofPast, ofOwn], attributes: { axis: int(-1) } })
    const mixed = builder.node('Add', {
      inputs: [times([ofPast, values.before]), times([ofOwn, values.own])],
    })
    const byToken = builder.node('Transpose', { inputs: [mixed], attributes: { perm: ints(0, 3, 1, 2, 4) } })
    return builder.node('Reshape', { inputs: [byToken, builder.integers([0, 0, heads * headDim])], outputs: [`z.${layer}`] })
  }
}

interface RowMaskOptions {
  readonly builder: GraphBuilder
  /** `[B, 1]` */
  readonly pastLengths: Value
  /** Length of the buffers of the past, a scalar. */
  readonly past: Value
  /** New tokens of each row, a scalar. */
  readonly added: Value
  /** How far back a token sees, itself included; undefined for everything. */
  readonly window: number | undefined
}

/** `[B, 1, 1, S, P + S]`: 0 for keys of the row's own past and new tokens up to the query's own, inside the window; minus infinity elsewhere. */
function rowMask({ builder, pastLengths, past, added, window }: RowMaskOptions): Value {
  const zero = builder.floats('mask.visible', [], Float32Array.of(0))
  const hidden = builder.floats('mask.hidden', [], Float32Array.of(Number.NEGATIVE_INFINITY))
  const unsqueeze = (value: Value, axes: readonly number[]) =>
    builder.node('Unsqueeze', { inputs: [value, builder.integers(axes)] })
  const minus = (a: Value, b: Value) => builder.node('Sub', { inputs: [a, b] })
  const isBelow = (a: Value, b: Value) => builder.node('Less', { inputs: [a, b] })
  const insideWindow = (visible: Value, distance: Value) =>
    window === undefined ? visible : builder.node('And', { inputs: [visible, isBelow(distance, builder.integers([window], []))] })
  const asMask = (visible: Value) => builder.node('Where', { inputs: [visible, zero, hidden] })

  const steps = unsqueeze(range(builder, added), [1])

  const pastKeys = range(builder, past)
  const rowLengths = unsqueeze(pastLengths, [1, 2, 3])
  const ofPast = insideWindow(
    isBelow(pastKeys, rowLengths),
    minus(builder.node('Add', { inputs: [rowLengths, steps] }), pastKeys),
  )

  const ownKeys = range(builder, added)
  const distance = minus(steps, ownKeys)
  const ofOwn = insideWindow(isBelow(ownKeys, builder.node('Add', { inputs: [steps, builder.integers([1], [])] })), distance)

  const batch = sizeOf(builder, INPUT_IDS, 0, [1])
  const asList = (scalar: Value) => builder.node('Reshape', { inputs: [scalar, builder.integers([1])] })
  const expanded = (mask: Value, keys: Value) => {
    const size = builder.node('Concat', {
      inputs: [batch, builder.integers([1, 1]), asList(added), asList(keys)],
      attributes: { axis: int(0) },
    })
    return builder.node('Expand', { inputs: [mask, size] })
  }
  return builder.node('Concat', {
    inputs: [expanded(asMask(ofPast), past), expanded(asMask(ofOwn), added)],
    attributes: { axis: int(-1) },
  })
}

/** 0, 1, .. below a scalar. */
function range(builder: GraphBuilder, end: Value): Value {
  return builder.node('Range', { inputs: [builder.integers([0], []), end, builder.integers([1], [])] })
}
