/** @file Which rows of a larger sample are evaluated: all, a plain random draw, or one that keeps the shares of sexes and ages. */
import { PalignError } from '../errors.ts'
import { groupBy } from '../math/group-by.ts'
import { largestRemainders } from '../math/largest-remainders.ts'
import { seededRandom } from '../math/random.ts'
import { shuffled } from '../math/shuffle.ts'
import type { Sample } from './sample.ts'

export const DRAWS = ['random', 'stratified'] as const
export type Draw = (typeof DRAWS)[number]

export interface DrawOptions {
  readonly count: number
  readonly seed: number
  readonly draw: Draw
}

/** Bands of age that the published tables of the project use. */
const AGE_BANDS = [0, 1, 21, 41, 61] as const

/**
 * Rows in ascending order; the same seed gives the same rows. Stratified: by sex and age band, each stratum with its share of the draw by largest
 * remainders, at random inside.
 * @throws PalignError `invalid-input` for more rows than there are, or none
 */
export function drawRows({ sex, age }: Pick<Sample, 'sex' | 'age'>, { count, seed, draw }: DrawOptions): number[] {
  const rows = Array.from({ length: sex.length }, (_, row) => row)
  if (count < 1 || count > rows.length) {
    throw new PalignError('invalid-input', `file has ${rows.length} respondents, ${count} were asked for`)
  }
  if (count === rows.length) return rows
  const random = seededRandom(seed)
  const mixed = shuffled(rows, random)
  if (draw === 'random') return mixed.slice(0, count).sort((a, b) => a - b)
  const strata = groupBy(mixed, (row) => `${sex[row]} ${AGE_BANDS.findLastIndex((from) => age[row]! >= from)}`)
  const names = [...strata.keys()].sort()
  const seats = largestRemainders(
    names.map((name) => strata.get(name)!.length),
    count,
  )
  return names.flatMap((name, i) => strata.get(name)!.slice(0, seats[i]!)).sort((a, b) => a - b)
}
