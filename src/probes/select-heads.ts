/** @file Which heads are steered: the best probes by a rank function. */
import { PalignError } from '../errors.ts'
import type { Probe } from './fit-probes.ts'

/** Higher is better. */
export type RankProbe = (probe: Probe) => number

/** Our rank: what the probe knows about items it has not seen. */
export const byValidationAccuracy: RankProbe = (probe) => probe.validationAccuracy

/** As published: training accuracy counts as much as validation accuracy. */
export const byMeanAccuracy: RankProbe = (probe) => (probe.trainAccuracy + probe.validationAccuracy) / 2

export interface SelectHeadsOptions {
  readonly count: number
  /** Default `byValidationAccuracy`. */
  readonly rank?: RankProbe | undefined
}

/**
 * The `count` best probes, best first. Accuracies are shares of a few dozen rows and often tie: then the lower validation loss
 * is better, then the lower layer, then the lower head.
 * @throws PalignError `invalid-input` unless count is an integer from 1 to the number of probes.
 */
export function selectHeads(probes: readonly Probe[], { count, rank = byValidationAccuracy }: SelectHeadsOptions): Probe[] {
  if (!(Number.isInteger(count) && count >= 1 && count <= probes.length)) {
    throw new PalignError('invalid-input', `count of heads is ${count}, expected an integer from 1 to ${probes.length}`)
  }
  const better = (a: Probe, b: Probe) =>
    rank(b) - rank(a) || a.validationLoss - b.validationLoss || a.layer - b.layer || a.head - b.head
  return probes.toSorted(better).slice(0, count)
}
