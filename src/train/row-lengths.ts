/** @file The lengths that rows are padded to: few, so that each has a session that stays open, and chosen so that little is padded. */
import type { DocumentStore } from './document-store.ts'
import { paddedLength } from './padded-batch.ts'

const MOST_LENGTHS = 6

export interface RowLimits {
  /** Longest sequence, tokens. */
  readonly contextLength: number
  /** Length of rows that texts share. */
  readonly packTokens: number
}

/** Ascending; the least padding over all documents that so many lengths allow. Texts that pack count as full rows. */
export function rowLengths(store: DocumentStore, { contextLength, packTokens }: RowLimits): number[] {
  const limit = Math.min(packTokens, contextLength)
  const counts = new Map<number, number>()
  for (let document = 0; document < store.count; document++) {
    const tokens = store.lengthOf(document)
    const isShared = store.packs(document) && tokens < limit
    const length = Math.min(paddedLength(isShared ? limit : tokens), contextLength)
    counts.set(length, (counts.get(length) ?? 0) + (isShared ? tokens / limit : 1))
  }
  const candidates = [...counts].sort(([a], [b]) => a - b)
  /** Padding of rows that are padded to the last of these candidates. */
  const padding = (begin: number, end: number) =>
    candidates.slice(begin, end).reduce((sum, [length, count]) => sum + count * (candidates[end - 1]![0] - length), 0)
  // best[end]: the least padding of the first candidates up to `end`, by dynamic programming over how many lengths are used.
  let best = candidates.map((_, i) => ({ padding: padding(0, i + 1), lengths: [candidates[i]![0]] }))
  for (let used = 2; used <= Math.min(MOST_LENGTHS, candidates.length); used++) {
    best = best.map((without, i) => {
      const options = best.slice(0, i).map((before, j) => ({
        padding: before.padding + padding(j + 1, i + 1),
        lengths: [...before.lengths, candidates[i]![0]],
      }))
      return options.reduce((least, option) => (option.padding < least.padding ? option : least), without)
    })
  }
  return best.at(-1)?.lengths ?? []
}
