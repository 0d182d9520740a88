/** @file The weights of a model laid one after the other into a single file, for exports that carry their own. */
import type { Weight, Weights } from './weights.ts'

/** Bytes of a tensor: where they lie now, and where they go. */
export interface MovedBytes {
  readonly file: string
  readonly begin: number
  readonly end: number
  readonly to: number
}

/** A line of a cache; files that are mapped are read best from such places. */
const ALIGNMENT = 64

/** The same weights as they lie in the new file, and what to copy, in order. */
export function relocateWeights(
  weights: Weights,
  file: string,
): { readonly weights: Weights; readonly moved: readonly MovedBytes[]; readonly byteLength: number } {
  const moved: MovedBytes[] = []
  let at = 0
  const move = <T extends { readonly file: string; readonly begin: number; readonly end: number }>(entry: T): T => {
    const to = Math.ceil(at / ALIGNMENT) * ALIGNMENT
    moved.push({ file: entry.file, begin: entry.begin, end: entry.end, to })
    at = to + entry.end - entry.begin
    return { ...entry, file, begin: to, end: at }
  }
  const relocated = new Map<string, Weight>()
  for (const [name, weight] of weights) {
    relocated.set(
      name,
      weight.kind === 'float' ? move(weight) : { ...weight, numbers: move(weight.numbers), scale: move(weight.scale) },
    )
  }
  return { weights: relocated, moved, byteLength: at }
}
