/** @file Numbers of a result as JSON can hold them, null where there is none, and lists by a key. */
import type { Interval } from '../../math/bootstrap.ts'

export interface Measured {
  readonly value: number | null
  readonly interval: readonly [number | null, number | null]
}

export const UNKNOWN: Measured = { value: null, interval: [null, null] }

export const known = (value: number): number | null => (Number.isFinite(value) ? value : null)

export function measured(value: number, interval: Interval | undefined): Measured {
  return { value: known(value), interval: interval === undefined ? [null, null] : [known(interval[0]), known(interval[1])] }
}

/** Keys in the order in which they come first. */
export function groupBy<T, K>(values: Iterable<T>, keyOf: (value: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const value of values) {
    const key = keyOf(value)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [value])
    else group.push(value)
  }
  return groups
}
