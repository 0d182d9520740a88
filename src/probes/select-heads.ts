/** @file Which heads to move: the best by a ranking of their probes. */
import { PalignError } from '../errors.ts'
import type { Probe } from './fit-probes.ts'

/** Higher is better. */
export type RankHeads = (probe: Probe) => number

export const byValidationAccuracy: RankHeads = (probe) => probe.validationAccuracy

/** As published: accuracy on the rows that the probe was fitted on counts half. */
export const byMeanAccuracy: RankHeads = (probe) => (probe.trainAccuracy + probe.validationAccuracy) / 2

/** The `count` best heads, best first. Equal ranks: smaller validation loss first, then lower layer and head. */
export function selectHeads(
  probes: readonly Probe[],
  { count, rank }: { readonly count: number; readonly rank: RankHeads },
): Probe[] {
  if (!Number.isInteger(count) || count < 1 || count > probes.length) {
    throw new PalignError('invalid-input', `head count is ${count}, expected 1 to ${probes.length}`)
  }
  const order = (a: Probe, b: Probe) =>
    rank(b) - rank(a) || a.validationLoss - b.validationLoss || a.layer - b.layer || a.head - b.head
  return [...probes].sort(order).slice(0, count)
}
