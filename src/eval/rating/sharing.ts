/** @file How comparisons are dealt out to raters, so that a share of them is seen by several. */
import { shuffled } from '../../math/shuffle.ts'

/** As many raters see a shared comparison; agreement needs them. */
const RATERS_OF_SHARED = 3

export interface Sharing {
  /** The first so many of those available are used. */
  readonly comparisons: number
  /** Comparisons of each rater, every one as many, none twice. */
  readonly byRater: readonly (readonly number[])[]
  /** Share of the comparisons that three raters see, or all raters where there are fewer. */
  readonly shared: number
}

export interface SharingOptions {
  readonly available: number
  readonly raters: number
  /** For each rater; at most `available`. */
  readonly pairs: number
  readonly overlap: number
  readonly random: () => number
}

/** As many different comparisons as the overlap leaves room for; where fewer are available, more raters see each. */
export function shareComparisons({ available, raters, pairs, overlap, random }: SharingOptions): Sharing {
  const several = Math.min(RATERS_OF_SHARED, raters)
  const votes = raters * pairs
  const sharedOf = (comparisons: number) => Math.ceil(overlap * comparisons - 1e-9)
  let comparisons = Math.min(available, votes)
  while (comparisons + sharedOf(comparisons) * (several - 1) > votes) comparisons--

  const times = Array.from({ length: comparisons }, (_, place) => (place < sharedOf(comparisons) ? several : 1))
  let spare = votes - times.reduce((sum, count) => sum + count, 0)
  for (let level = 1; spare > 0; level++) {
    for (let place = 0; place < comparisons && spare > 0; place++) {
      if (times[place] !== level) continue
      times[place] = level + 1
      spare--
    }
  }
  return {
    comparisons,
    byRater: deal(times, raters, random),
    shared: times.filter((count) => count >= several).length / comparisons,
  }
}

/** The most wanted first, each to the raters with the most room: that never gets stuck (Gale and Ryser). */
function deal(times: readonly number[], raters: number, random: () => number): number[][] {
  const byRater = Array.from({ length: raters }, (): number[] => [])
  const wanted = [...times.keys()].sort((a, b) => times[b]! - times[a]!)
  for (const comparison of wanted) {
    const free = shuffled(byRater, random).sort((a, b) => a.length - b.length)
    for (const list of free.slice(0, times[comparison])) list.push(comparison)
  }
  return byRater
}
