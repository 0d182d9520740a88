/**
 * @file Attention of rows that continue one past, which every row reads and none copies. Rows may be padded on the right: a token never
 * sees what comes after it. Present keys and values are those of the new tokens alone.
 */
import { type Attention, type AttentionOptions, declareCache } from './attention.ts'
import { attentionParts, sizeOf } from './attention-decomposed.ts'
import { int, type Value } from './graph-builder.ts'
import { INPUT_IDS, pastName } from './names.ts'

export function sharedPastAttention(options: AttentionOptions): Attention {
  const { builder } = options
  const parts = attentionParts(options)
  const lengths = builder.node('Concat', {
    inputs: [sizeOf(builder, pastName(0, 'key'), 2, [1]), sizeOf(builder, INPUT_IDS, 1, [1])],
    attributes: { axis: int(0) },
  })

  // queries [B, ..] -+-> scores of past keys [1, ..] -.                            .-> mix past values [1, ..] -.
  //                  '-> scores of own keys [B, ..] --+-> concat -> weights -> split -> mix own values [B, ..] --+-> add -> z
  return (layer, { query, key, value }) => {
    const declare = (part: 'key' | 'value', added: Value) => {
      const { past, present } = declareCache(options, layer, part)
      return { past, own: builder.node('Identity', { inputs: [added], outputs: [present] }) }
    }
    const keys = declare('key', parts.key(key))
    const values = declare('value', parts.value(value))
    const queries = parts.query(query)
    const scores = [parts.scores(queries, keys.past), parts.scores(queries, keys.own)]
    const weights = parts.weights(builder.node('Concat', { inputs: scores, attributes: { axis: int(-1) } }))
    const [past, own] = [`weights.${layer}.past`, `weights.${layer}.own`]
    builder.node('Split', { inputs: [weights, lengths], outputs: [past, own], attributes: { axis: int(-1) } })
    const mixed = [parts.mix(past, values.past), parts.mix(own, values.own)]
    return parts.join(builder.node('Add', { inputs: mixed }), layer)
  }
}
