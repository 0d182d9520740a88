/** @file An adapter made part of the weights: the merged model needs no adapter and costs no more than the base model. */
import { type AdapterConfig, adapterScale, type LowRankPair } from '../model/adapter.ts'

/** W + (alpha / rank) B A, `[out, in]`: summed in double precision, rounded once to float32. The weight is left as it is. */
export function mergeLinear(
  weight: Float32Array,
  { a, b }: LowRankPair,
  config: Pick<AdapterConfig, 'rank' | 'alpha'>,
): Float32Array {
  const { rank } = config
  const scale = adapterScale(config)
  const width = a.length / rank
  const merged = new Float32Array(weight.length)
  const row = new Float64Array(width)
  for (let out = 0; out < b.length / rank; out++) {
    row.set(weight.subarray(out * width, (out + 1) * width))
    for (let r = 0; r < rank; r++) {
      const factor = scale * b[out * rank + r]!
      for (let i = 0; i < width; i++) row[i]! += factor * a[r * width + i]!
    }
    merged.set(row, out * width)
  }
  return merged
}
