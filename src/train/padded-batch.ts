/** @file Rows of tokens as the inputs of a training graph: padded to a static shape, with the positions that count picked out. */
import { PalignError } from '../errors.ts'
import type { Tokens } from '../model/language-model.ts'
import type { PreferencePair, Rollout, TrainingRow } from '../model/trainer.ts'
import {
  ADVANTAGES,
  BETA,
  OLD_LOG_PROBABILITIES,
  PAIR_WEIGHTS,
  REFERENCE_MARGINS,
  RETURNS,
  TOKEN_WEIGHTS,
  VALUE_COEFFICIENT,
} from './losses.ts'
import { IDS, LABELS, SELECTED } from './training-graph.ts'

/** What a graph is fed, by input. */
export type Feeds = Map<string, { readonly values: Float32Array | BigInt64Array | Uint8Array; readonly shape: readonly number[] }>

/** The static shape of a graph. */
export interface BatchShape {
  readonly rows: number
  readonly length: number
  /** Undefined: all positions. */
  readonly selected: number | undefined
}

export interface PaddedBatch {
  readonly shape: BatchShape
  readonly feeds: Feeds
  /** Tokens of the rows, padding left out. */
  readonly tokens: number
  /** Tokens of the longest row. */
  readonly longest: number
}

/** A row and, of each of its tokens from index 1 on, what it weighs in the loss. */
export interface WeightedRow {
  readonly tokens: Tokens
  readonly weights: ArrayLike<number>
}

/** Every new shape opens a session: lengths are rounded up to a few. */
export function paddedLength(longest: number): number {
  const step = longest <= 256 ? 32 : longest <= 1024 ? 64 : 128
  return Math.ceil(longest / step) * step
}

/** -log p, weighted; the weights of a batch are scaled so that they add up to 1. */
export function likelihoodBatch(rows: readonly WeightedRow[]): PaddedBatch {
  const { length, feeds, ...size } = paddedRows(rows.map((row) => row.tokens))
  const counted = rows.flatMap(({ weights }, row) =>
    Array.from({ length: weights.length - 1 }, (_, i) => ({ row, token: i + 1, weight: weights[i + 1]! })).filter(
      ({ weight }) => weight > 0,
    ),
  )
  const total = counted.reduce((sum, { weight }) => sum + weight, 0)
  if (!(total > 0)) throw new PalignError('invalid-input', `batch of ${rows.length} rows has no token that counts in the loss`)
  const positions = rows.length * length
  // An eighth of the positions is fine enough to spare the output layer most of its work, and coarse enough to keep shapes few.
  const step = Math.ceil(positions / 8)
  const rounded = Math.ceil(counted.length / step) * step
  const selected = rounded >= positions ? undefined : rounded
  const weights = new Float32Array(selected ?? positions)
  pick(feeds, rows, length, selected, counted, (slot, { weight }) => {
    weights[slot] = weight / total
  })
  feeds.set(TOKEN_WEIGHTS, { values: weights, shape: [weights.length, 1] })
  return { shape: { rows: rows.length, length, selected }, feeds, ...size }
}

/** The same number of slots for every row's completion; `weights` is 1 for each slot in use. */
export function completionBatch(rows: readonly TrainingRow[]): PaddedBatch & { readonly slots: number } {
  for (const { tokens, completionFrom } of rows) {
    if (!(completionFrom >= 1 && completionFrom < tokens.length)) {
      throw new PalignError(
        'invalid-input',
        `completion begins at token ${completionFrom} of ${tokens.length}, expected one after the first`,
      )
    }
  }
  const { length, feeds, ...size } = paddedRows(rows.map((row) => row.tokens))
  const slots = Math.ceil(Math.max(...rows.map((row) => row.tokens.length - row.completionFrom)) / 4) * 4
  const selected = rows.length * slots
  const counted = rows.flatMap((row, r) =>
    Array.from({ length: row.tokens.length - row.completionFrom }, (_, i) => ({
      row: r,
      token: row.completionFrom + i,
      slot: r * slots + i,
    })),
  )
  const weights = new Float32Array(selected)
  pick(feeds, rows, length, selected, counted, (_, { slot }) => {
    weights[slot] = 1
  })
  feeds.set(TOKEN_WEIGHTS, { values: weights, shape: [rows.length, slots] })
  return { shape: { rows: rows.length, length, selected }, feeds, ...size, slots }
}

export function preferenceBatch(pairs: readonly PreferencePair[], beta: number): PaddedBatch {
  const batch = completionBatch([...pairs.map(({ chosen }) => chosen), ...pairs.map(({ rejected }) => rejected)])
  const column = [pairs.length, 1]
  batch.feeds.set(REFERENCE_MARGINS, { values: Float32Array.from(pairs, (pair) => pair.referenceMargin), shape: column })
  batch.feeds.set(PAIR_WEIGHTS, { values: new Float32Array(pairs.length).fill(1 / pairs.length), shape: column })
  batch.feeds.set(BETA, { values: Float32Array.of(beta), shape: [] })
  return batch
}

export function policyBatch(rollouts: readonly Rollout[], valueCoefficient: number): PaddedBatch {
  const batch = completionBatch(rollouts.map(({ row }) => row))
  const { slots } = batch
  const column = [rollouts.length * slots, 1]
  const count = rollouts.reduce((sum, { advantages }) => sum + advantages.length, 0)
  const spread = (numbers: (rollout: Rollout) => Float32Array) => {
    const values = new Float32Array(rollouts.length * slots)
    rollouts.forEach((rollout, row) => {
      values.set(numbers(rollout), row * slots)
    })
    return { values, shape: column }
  }
  batch.feeds.set(
    OLD_LOG_PROBABILITIES,
    spread((rollout) => rollout.logProbabilities),
  )
  batch.feeds.set(
    ADVANTAGES,
    spread((rollout) => rollout.advantages),
  )
  batch.feeds.set(
    RETURNS,
    spread((rollout) => rollout.returns),
  )
  batch.feeds.set(
    TOKEN_WEIGHTS,
    spread(({ advantages }) => new Float32Array(advantages.length).fill(1 / count)),
  )
  batch.feeds.set(VALUE_COEFFICIENT, { values: Float32Array.of(valueCoefficient), shape: [] })
  return batch
}

function paddedRows(rows: readonly Tokens[]): { length: number; feeds: Feeds; tokens: number; longest: number } {
  const longest = rows.reduce((most, row) => Math.max(most, row.length), 1)
  const length = paddedLength(longest)
  const ids = new BigInt64Array(rows.length * length)
  rows.forEach((tokens, row) => {
    for (let i = 0; i < tokens.length; i++) ids[row * length + i] = BigInt(tokens[i]!)
  })
  const feeds: Feeds = new Map([[IDS, { values: ids, shape: [rows.length, length] }]])
  return { length, feeds, tokens: rows.reduce((sum, row) => sum + row.length, 0), longest }
}

interface Counted {
  readonly row: number
  /** Index of the token in its row; it is predicted one position earlier. */
  readonly token: number
  /** Where it is put among the selected; default the next one. */
  readonly slot?: number
}

/** Feeds the positions and labels of the tokens that count, and tells where each was put. Slots left over repeat position 0. */
function pick<C extends Counted>(
  feeds: Feeds,
  rows: readonly { readonly tokens: Tokens }[],
  length: number,
  selected: number | undefined,
  counted: readonly C[],
  onPlaced: (slot: number, counted: C) => void,
): void {
  const count = selected ?? rows.length * length
  const labels = new BigInt64Array(count)
  const positions = new BigInt64Array(count)
  counted.forEach((entry, next) => {
    const position = entry.row * length + entry.token - 1
    const slot = selected === undefined ? position : (entry.slot ?? next)
    positions[slot] = BigInt(position)
    labels[slot] = BigInt(rows[entry.row]!.tokens[entry.token]!)
    onPlaced(slot, entry)
  })
  feeds.set(LABELS, { values: labels, shape: [count, 1] })
  if (selected !== undefined) feeds.set(SELECTED, { values: positions, shape: [count] })
}
