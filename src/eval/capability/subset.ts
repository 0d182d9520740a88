/**
 * @file Which documents of a set are asked: those whose ids have the smallest hashes, so that every run and every arm draws the same ones and a
 * smaller draw is no accident of the file's order. Groups have shares as in the whole set.
 */

import { groupBy } from '../../math/group-by.ts'
import { largestRemainders } from '../../math/largest-remainders.ts'
import { inHashOrder } from '../hash-order.ts'
import type { BenchDocument } from './documents.ts'

/** Group by group, in each in the order of the hashes. */
export async function drawDocuments<D extends BenchDocument>(documents: readonly D[], count: number): Promise<D[]> {
  const hashed = await inHashOrder(documents, ({ id }) => id)
  const groups = [...groupBy(hashed, ({ group }) => group ?? '')].sort(([a], [b]) => (a < b ? -1 : 1))
  const shares = largestRemainders(
    groups.map(([, members]) => members.length),
    Math.min(count, documents.length),
  )
  return groups.flatMap(([, members], i) => members.slice(0, shares[i]!))
}
