/**
 * @file Which documents of a set are asked: those whose ids have the smallest hashes, so that every run and every arm draws the same ones and a
 * smaller draw is no accident of the file's order. Groups have shares as in the whole set.
 */

import { groupBy } from '../../math/group-by.ts'
import { sha256 } from '../units.ts'
import type { BenchDocument } from './documents.ts'

/** Group by group, in each in the order of the hashes. */
export async function drawDocuments<D extends BenchDocument>(documents: readonly D[], count: number): Promise<D[]> {
  const hashed = await Promise.all(documents.map(async (document) => ({ document, hash: await sha256(document.id) })))
  // Equal ids keep the order of the file: sorting is stable.
  hashed.sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0))
  const groups = [...groupBy(hashed, ({ document }) => document.group ?? '')].sort(([a], [b]) => (a < b ? -1 : 1))
  const shares = proportionalShares(
    groups.map(([, members]) => members.length),
    Math.min(count, documents.length),
  )
  return groups.flatMap(([, members], i) => members.slice(0, shares[i]!).map(({ document }) => document))
}

/** Whole shares of `total` in proportion to the sizes: rounded down, then one more for the largest remainders, of equals the first. */
export function proportionalShares(sizes: readonly number[], total: number): number[] {
  const sum = sizes.reduce((all, size) => all + size, 0)
  const exact = sizes.map((size) => (sum === 0 ? 0 : (total * size) / sum))
  const shares = exact.map(Math.floor)
  const left = total - shares.reduce((all, share) => all + share, 0)
  const byRemainder = exact.map((value, i) => ({ i, remainder: value - shares[i]! })).sort((a, b) => b.remainder - a.remainder)
  for (const { i } of byRemainder.slice(0, left)) shares[i]! += 1
  return shares
}
