/** @file Names of the inputs and outputs of a graph: what the graph declares and the engine feeds. */

export const INPUT_IDS = 'input_ids'
/** Which tokens of this call get logits, counted over all rows. */
export const POSITIONS = 'positions'
/** `[1 or batch, layers, heads * headDim]`, added to z. */
export const DISPLACEMENT = 'displacement'
/** That of one layer, `[1 or batch, 1, heads * headDim]`. */
export const layerDisplacement = (layer: number) => `${DISPLACEMENT}.${layer}`
/** Adapted graphs only: a number, alpha / rank. */
export const ADAPTER_SCALE = 'adapter_scale'
/** Fused attention only: past and new tokens together, less one, per row. */
export const LAST_POSITION = 'seqlens_k'
/** Fused attention only: past and new tokens together. */
export const TOTAL_LENGTH = 'total_sequence_length'
/** Tokens of each row's past, `[batch, 1]`. */
export const PAST_LENGTHS = 'past_lengths'
export const LOGITS = 'logits'
/** z of the last token, `[batch, layers, heads * headDim]`; recording graphs only. */
export const Z = 'z'

/** Adapted graphs only: the matrices of one module, a `[rank, in]` and b `[out, rank]`. */
export function adapterInput(module: string, matrix: 'a' | 'b'): string {
  return `adapter.${module}.${matrix}`
}

export type CachePart = 'key' | 'value'
export const CACHE_PARTS: readonly CachePart[] = ['key', 'value']

export function pastName(layer: number, part: CachePart): string {
  return `past_key_values.${layer}.${part}`
}

export function presentName(layer: number, part: CachePart): string {
  return `present.${layer}.${part}`
}
