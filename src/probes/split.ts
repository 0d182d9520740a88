/** @file How labelled rows are divided into those that fit a probe and those that validate it. */
import { PalignError } from '../errors.ts'
import { seededRandom } from '../math/random.ts'
import { shuffled } from '../math/shuffle.ts'
import type { LabelledContrasts } from './labels.ts'

/** Row numbers of the labelled contrasts, each in at most one of the two. */
export interface RowSplit {
  readonly train: readonly number[]
  readonly validation: readonly number[]
}

export type SplitRows = (labelled: LabelledContrasts) => RowSplit

export interface SplitOptions {
  readonly seed: number
  /** Share of the items (or rows) that fit; default .6. */
  readonly trainShare?: number | undefined
}

/** All rows of an item fall on the same side, so validation measures what carries over to other items. */
export function splitByItem({ seed, trainShare = 0.6 }: SplitOptions): SplitRows {
  return ({ itemNumbers }) => {
    const items = shuffled(new Set(itemNumbers), seededRandom(seed))
    const train = new Set(items.slice(0, trainCount(items.length, trainShare, 'items')))
    const rows = [...itemNumbers.keys()]
    const isTrain = (row: number) => train.has(itemNumbers[row]!)
    return { train: rows.filter(isTrain), validation: rows.filter((row) => !isTrain(row)) }
  }
}

/** As published: rows are drawn one by one. Rows of an item may fall on both sides, so validation does not measure what carries over. */
export function splitByRow({ seed, trainShare = 0.6 }: SplitOptions): SplitRows {
  return ({ samples }) => {
    const rows = shuffled(samples.keys(), seededRandom(seed))
    const count = trainCount(rows.length, trainShare, 'rows')
    return { train: rows.slice(0, count), validation: rows.slice(count) }
  }
}

function trainCount(total: number, share: number, what: string): number {
  const count = Math.round(total * share)
  if (count > 0 && count < total) return count
  throw new PalignError('too-few-answers', `split of ${total} ${what} at a share of ${share} leaves one side empty`, {
    hint: 'more answers other than 3 are needed',
  })
}
