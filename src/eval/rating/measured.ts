/** @file Numbers of a result as JSON can hold them, null where there is none. */
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
