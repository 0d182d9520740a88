/**
 * @file Attention as one `com.microsoft.GroupQueryAttention`: rotation, cache, mask and softmax in one kernel. Past and
 * present may be the same buffer, longer than its content.
 */
import { type Attention, type AttentionOptions, declareCache } from './attention.ts'
import { float, int } from './graph-builder.ts'
import { LAST_POSITION, TOTAL_LENGTH } from './names.ts'
import { rotaryTables } from './rope.ts'

export function fusedAttention(options: AttentionOptions): Attention {
  const { builder, config, shape } = options
  const lastPosition = builder.input(LAST_POSITION, 'int32', ['batch'])
  const totalLength = builder.input(TOTAL_LENGTH, 'int32', [])
  const tables = rotaryTables(config.rope, config.headDim, shape.contextLength)
  const tableShape = [shape.contextLength, config.headDim / 2]
  const cos = builder.floats('rotary.cos', tableShape, tables.cos)
  const sin = builder.floats('rotary.sin', tableShape, tables.sin)

  return (layer, { query, key, value }) => {
    const keys = declareCache(options, layer, 'key')
    const values = declareCache(options, layer, 'value')
    return builder.node('GroupQueryAttention', {
      domain: 'com.microsoft',
      inputs: [query, key, value, keys.past, values.past, lastPosition, totalLength, cos, sin],
      outputs: [`z.${layer}`, keys.present, values.present],
      attributes: {
        num_heads: int(config.heads),
        kv_num_heads: int(config.kvHeads),
        scale: float(1 / Math.sqrt(config.headDim)),
        do_rotary: int(1),
        rotary_interleaved: int(0),
      },
    })
  }
}
