/** @file Seeded shuffling, by the algorithm of Fisher and Yates. */

/** The values in random order; the input is left as it is. */
export function shuffled<T>(values: Iterable<T>, random: () => number): T[] {
  const result = [...values]
  for (let last = result.length - 1; last > 0; last--) {
    const pick = Math.floor(random() * (last + 1))
    const moved = result[last] as T
    result[last] = result[pick] as T
    result[pick] = moved
  }
  return result
}
