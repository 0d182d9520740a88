/**
 * @file Documents -> batches of fixed shape, in an order that the seed decides: an epoch is planned whole from the lengths alone, so a
 * resumed run plans the same epoch again and goes on at its place.
 */
import { PalignError } from '../errors.ts'
import { seededRandom } from '../math/random.ts'
import { shuffled } from '../math/shuffle.ts'
import type { TrainingBatch } from '../model/trainer.ts'
import type { DocumentStore } from './document-store.ts'
import { rowLengths } from './row-lengths.ts'

/** Documents by number, row for row; `length` is what every row is padded to, `rowCount` how many rows the batch has when full. */
export interface PlannedBatch {
  readonly length: number
  readonly rowCount: number
  readonly rows: readonly (readonly number[])[]
}

export interface BatchShapes {
  /** Padded tokens of a batch; a longer document is a batch of one row. */
  readonly batchTokens: number
  /** Longest sequence, tokens. */
  readonly contextLength: number
  /** Texts are put behind each other in rows of this many tokens; 0 leaves each in a row of its own. */
  readonly packTokens: number
}

/**
 * The batches of one epoch: every document once. Rows of a batch have one length; batches of different lengths are mixed, as the shuffled
 * documents fill them. Texts that pack share rows with their neighbours of the shuffled order (they attend to each other).
 */
export function planEpoch(
  store: DocumentStore,
  { batchTokens, contextLength, packTokens }: BatchShapes,
  seed: number,
): PlannedBatch[] {
  const random = seededRandom(seed)
  const lengths = rowLengths(store, { contextLength, packTokens })
  const open = new Map<number, number[][]>()
  const batches: PlannedBatch[] = []
  const rowCountOf = (length: number) => Math.max(1, Math.floor(batchTokens / length))
  const addRow = (row: number[], tokens: number) => {
    const length = lengths.find((known) => known >= tokens) ?? contextLength
    const rows = open.get(length) ?? []
    rows.push(row)
    open.set(length, rows)
    if (rows.length < rowCountOf(length)) return
    batches.push({ length, rowCount: rowCountOf(length), rows })
    open.delete(length)
  }
  const limit = Math.min(packTokens, contextLength)
  let packed: number[] = []
  let packedTokens = 0
  const closePacked = () => {
    if (packed.length > 0) addRow(packed, packedTokens)
    packed = []
    packedTokens = 0
  }
  for (const document of shuffled(
    Array.from({ length: store.count }, (_, i) => i),
    random,
  )) {
    const tokens = store.lengthOf(document)
    if (!store.packs(document) || tokens >= limit) {
      addRow([document], tokens)
      continue
    }
    if (packedTokens + tokens > limit) closePacked()
    packed.push(document)
    packedTokens += tokens
  }
  closePacked()
  for (const [length, rows] of open) batches.push({ length, rowCount: rowCountOf(length), rows })
  // What is left at the end of the walk is not to be the end of every epoch.
  return shuffled(batches, random)
}

/** Padded with token 0 at weight 0: causal attention never looks at what comes after. The first token of a packed text counts as 0 too. */
export function trainingBatch(store: DocumentStore, { length, rowCount, rows }: PlannedBatch): TrainingBatch {
  return {
    kind: 'likelihood',
    rows: Array.from({ length: rowCount }, (_, i) => {
      const tokens = new Int32Array(length)
      const weights = new Float32Array(length)
      let at = 0
      for (const document of rows[i] ?? []) {
        tokens.set(store.tokensOf(document), at)
        weights.set(store.weightsOf(document), at)
        weights[at] = 0
        at += store.lengthOf(document)
      }
      return { tokens, weights }
    }),
  }
}

/** Another seed for every epoch of every stage (a round of the murmur3 finaliser over each number). */
export function derivedSeed(seed: number, ...numbers: readonly number[]): number {
  return numbers.reduce((mixed, number) => {
    let value = Math.imul(mixed ^ Math.imul(number + 1, 0xcc9e2d51), 0x85ebca6b)
    value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
    return (value ^ (value >>> 16)) >>> 0
  }, seed >>> 0)
}

/** Where a run stands in its data: the next batch to be taken. */
export interface DataPlace {
  readonly epoch: number
  readonly batch: number
}

export interface BatchSource {
  /** Up to `count` batches from a place on, over epochs if need be; fewer (or none) where `epochs` are used up. */
  take(place: DataPlace, count: number): { readonly batches: readonly PlannedBatch[]; readonly next: DataPlace }
}

/** @param epochs endless where undefined */
export function batchSource(
  store: DocumentStore,
  shapes: BatchShapes,
  { seed, epochs = Number.POSITIVE_INFINITY }: { readonly seed: number; readonly epochs?: number | undefined },
): BatchSource {
  if (store.count === 0) throw new PalignError('invalid-input', 'training data hold no document')
  let planned: { readonly epoch: number; readonly batches: readonly PlannedBatch[] } | undefined
  const plan = (epoch: number) => {
    if (planned?.epoch !== epoch) planned = { epoch, batches: planEpoch(store, shapes, derivedSeed(seed, epoch)) }
    return planned.batches
  }
  return {
    take({ epoch, batch }, count) {
      const batches: PlannedBatch[] = []
      let next = { epoch, batch }
      while (batches.length < count && next.epoch < epochs) {
        const all = plan(next.epoch)
        const some = all.slice(next.batch, next.batch + count - batches.length)
        batches.push(...some)
        const isOver = next.batch + some.length >= all.length
        next = isOver ? { epoch: next.epoch + 1, batch: 0 } : { epoch: next.epoch, batch: next.batch + some.length }
      }
      return { batches, next }
    },
  }
}
