/** @file Ranks of numbers, ties sharing the mean of their ranks. */

export interface Ranking {
  /** From 1, in the order of the values. */
  readonly ranks: Float64Array
  /** Size of each group of equal values, where larger than one. */
  readonly ties: readonly number[]
}

export function rank(values: ArrayLike<number>): Ranking {
  const order = Array.from(values, (_, index) => index).sort((i, j) => values[i]! - values[j]!)
  const ranks = new Float64Array(values.length)
  const ties: number[] = []
  for (let first = 0, end = 0; first < order.length; first = end) {
    for (end = first + 1; end < order.length && values[order[end]!] === values[order[first]!]; ) end++
    for (let place = first; place < end; place++) ranks[order[place]!] = (first + 1 + end) / 2
    if (end - first > 1) ties.push(end - first)
  }
  return { ranks, ties }
}
