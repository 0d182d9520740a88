/**
 * @file Rows that continue one prefix, many in one pass: what a questionnaire needs, whose questions begin alike and are short. A pass
 * over one short row spends much of its time on starting; keeps nothing of the rows.
 */
import type { Tensor, TensorConstructor } from 'onnxruntime-common'
import { DISPLACEMENT, INPUT_IDS, LOGITS, POSITIONS } from '../graph/names.ts'
import { type Displacement, zeroDisplacement } from '../model/displacement.ts'
import type { Tokens } from '../model/language-model.ts'
import { type ModelShape, zWidth } from '../model/shape.ts'
import { cacheNames } from './kv-cache.ts'
import { type OrtSession, runSession } from './ort-decoder.ts'

export interface RowDecoder {
  readonly shape: ModelShape
  /** Computes the prefix, which may be empty. The displacement acts on it and on every row that continues it. */
  begin(prefix: Tokens, displacement?: Displacement): Promise<RowPrefix>
  dispose(): Promise<void>
}

export interface RowPrefix {
  /** `[rows, vocabSize]`: next-token logits after the last token of each row. Rows have at least one token, and may differ in length. */
  nextLogits(rows: readonly Tokens[]): Promise<Float32Array>
}

export interface OrtRowDecoderOptions {
  /** Over a graph with attention of kind `shared-past`. */
  readonly session: OrtSession
  readonly Tensor: TensorConstructor
  readonly shape: ModelShape
}

export function ortRowDecoder({ session, Tensor, shape }: OrtRowDecoderOptions): RowDecoder {
  const caches = cacheNames(shape)
  const empty = new Tensor('float32', new Float32Array(), [1, shape.kvHeads, 0, shape.headDim])
  const integers = (values: ArrayLike<number>, dimensions: readonly number[]) =>
    new Tensor('int64', BigInt64Array.from(values, BigInt), dimensions)

  return {
    shape,
    async begin(prefix, displacement = zeroDisplacement(shape)) {
      const steering = { [DISPLACEMENT]: new Tensor('float32', displacement, [1, shape.layers, zWidth(shape)]) }
      let past: Record<string, Tensor> = Object.fromEntries(caches.map((cache) => [cache.past, empty]))
      if (prefix.length > 0) {
        const ids = { [INPUT_IDS]: integers(prefix, [1, prefix.length]), [POSITIONS]: integers([], [0]) }
        const fetches = Object.fromEntries(caches.map((cache) => [cache.present, null]))
        const outputs = await runSession(session, { ...past, ...steering, ...ids }, fetches)
        past = Object.fromEntries(caches.map((cache) => [cache.past, outputs[cache.present]!]))
      }
      return {
        async nextLogits(rows) {
          const longest = Math.max(...rows.map((row) => row.length))
          const ids = new Array<number>(rows.length * longest).fill(0)
          rows.forEach((row, r) => {
            for (let i = 0; i < row.length; i++) ids[r * longest + i] = row[i]!
          })
          const last = rows.map((row, r) => r * longest + row.length - 1)
          const feeds = { [INPUT_IDS]: integers(ids, [rows.length, longest]), [POSITIONS]: integers(last, [rows.length]) }
          const outputs = await runSession(session, { ...past, ...steering, ...feeds }, { [LOGITS]: null })
          return outputs[LOGITS]!.data as Float32Array
        },
      }
    },
    dispose: () => session.release(),
  }
}

/** Padded tokens of one pass: enough for products to run at full speed. */
const MOST_TOKENS = 1536
/** Attention scores of one layer, 32 MB as numbers. */
const MOST_SCORES = 1 << 23

/** Rows of like length together, as many as one pass should take: lists of their indices. */
export function rowBatches(rows: readonly Tokens[], prefixLength: number, { heads }: ModelShape): number[][] {
  const ascending = rows.map((_, index) => index).sort((a, b) => rows[a]!.length - rows[b]!.length || a - b)
  const batches: number[][] = []
  let batch: number[] = []
  for (const index of ascending) {
    const { length } = rows[index]!
    const count = batch.length + 1
    const fits = count * length <= MOST_TOKENS && count * heads * length * (prefixLength + length) <= MOST_SCORES
    if (!fits && batch.length > 0) {
      batches.push(batch)
      batch = []
    }
    batch.push(index)
  }
  if (batch.length > 0) batches.push(batch)
  return batches
}
