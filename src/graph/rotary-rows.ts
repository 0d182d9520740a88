/**
 * @file The two orders of the rows of q and k inside a head: Hugging Face turns component i with i + headDim / 2 ("halves"), files of
 * architecture llama turn 2 i with 2 i + 1 ("pairs"). Rows move whole, so that blocks of few bits stay as they are.
 */
import { PalignError } from '../errors.ts'

export type RotaryOrder = 'halves' | 'pairs'

/** Whether a tensor of a Hugging Face name has its rows in the order that the architecture decides. */
export function hasRotaryRows(name: string): boolean {
  return /\.self_attn\.[qk]_proj\.(weight|bias)$/.test(name)
}

/**
 * A copy with the rows in the other order.
 * @param to the order of the copy
 * @param rows of all heads; a bias has rows of one number
 * @throws PalignError `invalid-input` where the rows are not whole heads, or the bytes not whole rows
 */
export function reorderRotaryRows(
  bytes: Uint8Array,
  { rows, headDim, to }: { readonly rows: number; readonly headDim: number; readonly to: RotaryOrder },
): Uint8Array {
  if (headDim % 2 !== 0 || rows % headDim !== 0 || bytes.length % rows !== 0) {
    throw new PalignError('invalid-input', `rows are ${rows} in ${bytes.length} bytes, expected whole heads of ${headDim}`)
  }
  const size = bytes.length / rows
  const out = new Uint8Array(bytes.length)
  for (let head = 0; head < rows; head += headDim) {
    for (let i = 0; i < headDim / 2; i++) {
      for (const half of [0, 1]) {
        const [inHalves, inPairs] = [head + half * (headDim / 2) + i, head + 2 * i + half]
        const [source, target] = to === 'pairs' ? [inHalves, inPairs] : [inPairs, inHalves]
        out.set(bytes.subarray(source * size, (source + 1) * size), target * size)
      }
    }
  }
  return out
}
