/**
 * @file Many texts in one pass, each with its own past and its own displacement. What a text gets does not depend, in any bit, on which others are in the
 * pass: every product is computed row by row in the same order, in a session whose weights are packed (with unpacked ones a single row takes another path).
 */
import type { Tensor, TensorConstructor } from 'onnxruntime-common'
import { PalignError } from '../errors.ts'
import { INPUT_IDS, LOGITS, layerDisplacement, PAST_LENGTHS, POSITIONS } from '../graph/names.ts'
import type { Displacement } from '../model/displacement.ts'
import type { Tokens } from '../model/language-model.ts'
import { type ModelShape, zWidth } from '../model/shape.ts'
import { cacheNames } from './kv-cache.ts'
import { capacityFor, copyRow, type KvPlace, type KvTokens, kvBuffer, rowsOf, writeTokens } from './kv-rows.ts'
import { type OrtSession, runSession } from './ort-decoder.ts'
import { type RowGroup, rowGroup } from './row-group.ts'

/** A text in the making: its keys and values, and the displacement under which they were computed. */
export interface BatchText {
  /** Tokens it holds. */
  readonly length: number
}

/** Keys and values of some tokens of one text, kept apart from it. */
export type KvBlock = KvTokens

export interface BatchDecoder {
  readonly shape: ModelShape
  begin(displacement?: Displacement): BatchText
  /** Adds tokens to one text: their keys and values, and the next-token logits `[vocabSize]` after the last of them. */
  extend(text: BatchText, tokens: Tokens): Promise<{ readonly logits: Float32Array; readonly block: KvBlock }>
  /** Adds what an earlier `extend` gave for the same tokens, after the same ones, under the same displacement. */
  restore(text: BatchText, block: KvBlock): void
  /** Adds one token to each of the texts, all that have stepped before and not ended among them: next-token logits `[vocabSize]` of each. */
  step(texts: readonly BatchText[], tokens: readonly number[]): Promise<readonly Float32Array[]>
  /** Forgets a text. `isBroken` says that its numbers may be none. */
  end(text: BatchText, isBroken?: boolean): void
  dispose(): Promise<void>
}

export interface OrtBatchDecoderOptions {
  /** Over a graph with attention of kind `own-past`. */
  readonly session: OrtSession
  readonly Tensor: TensorConstructor
  readonly shape: ModelShape
}

function doubled(values: Float32Array): Float32Array {
  const wider = new Float32Array(2 * values.length)
  wider.set(values)
  return wider
}

function tokenFor(text: Text, tokens: ReadonlyMap<Text, number>): number {
  const token = tokens.get(text)
  if (token === undefined) throw new PalignError('engine-failed', 'text of a batch got no token in a step that others got one in')
  return token
}

/** Rows of one pass at most: logits are `[rows, vocabSize]`. */
const MOST_ROWS = 64

interface Text extends BatchText {
  length: number
  readonly displacement: Displacement | undefined
  /** Alone until it first steps with others. */
  alone: KvPlace | undefined
  group: Group | undefined
}

interface Group extends RowGroup<Text> {
  /** `[rows, heads * headDim]` of each layer, with room for as many rows as came in. */
  displacements(): readonly Float32Array[]
}

export function ortBatchDecoder({ session, Tensor, shape }: OrtBatchDecoderOptions): BatchDecoder {
  const caches = cacheNames(shape)
  const width = zWidth(shape)
  const nothing = new Tensor('float32', new Float32Array(), [1, shape.kvHeads, 1, 0, shape.headDim])
  const unsteered = Array.from({ length: shape.layers }, () => new Tensor('float32', new Float32Array(width), [1, 1, width]))
  const groups = new Map<number, Group>()
  const integers = (values: ArrayLike<number>, dimensions: readonly number[]) =>
    new Tensor('int64', BigInt64Array.from(values, BigInt), dimensions)
  const displaced = (rows: number, layers: readonly Float32Array[]) =>
    layers.map((values) => new Tensor('float32', values, [rows, 1, width]))
  const layersOf = (displacement: Displacement) =>
    Array.from({ length: shape.layers }, (_, layer) => displacement.subarray(layer * width, (layer + 1) * width))

  interface Pass {
    readonly rows: number
    readonly tokens: ArrayLike<number>
    readonly pastLengths: readonly number[]
    readonly past: readonly Tensor[]
    /** Of each layer. */
    readonly displacement: readonly Tensor[]
  }

  /** Logits after the last token of each row, and the keys and values of the new tokens. */
  async function run({ rows, tokens, pastLengths, past, displacement }: Pass) {
    const count = tokens.length / rows
    const feeds: Record<string, Tensor> = {
      [INPUT_IDS]: integers(tokens, [rows, count]),
      [POSITIONS]: integers(
        Array.from({ length: rows }, (_, row) => (row + 1) * count - 1),
        [rows],
      ),
      [PAST_LENGTHS]: integers(pastLengths, [rows, 1]),
      ...Object.fromEntries(displacement.map((ofLayer, layer) => [layerDisplacement(layer), ofLayer])),
    }
    const fetches: Record<string, null> = { [LOGITS]: null }
    caches.forEach((cache, i) => {
      feeds[cache.past] = past[i]!
      fetches[cache.present] = null
    })
    const outputs = await runSession(session, feeds, fetches)
    const added = caches.map(({ present }) => outputs[present]!.data as Float32Array)
    return { logits: outputs[LOGITS]!.data as Float32Array, added, count }
  }

  function newGroup(capacity: number): Group {
    let displacements: readonly Float32Array[] = Array.from({ length: shape.layers }, () => new Float32Array(width))
    const group = rowGroup<Text>(shape, capacity, ({ displacement }, row) => {
      if (displacements[0]!.length < (row + 1) * width) displacements = displacements.map(doubled)
      for (const [layer, rows] of displacements.entries()) {
        const place = rows.subarray(row * width, (row + 1) * width)
        if (displacement === undefined) place.fill(0)
        else place.set(displacement.subarray(layer * width, (layer + 1) * width))
      }
    })
    return Object.assign(group, { displacements: () => displacements })
  }

  function leave(text: Text, isBroken: boolean): void {
    const { group } = text
    if (group === undefined) return
    group.leave(text, isBroken)
    group.close()
    if (group.texts.length === 0) groups.delete(group.capacity)
    text.group = undefined
  }

  const placeOf = (text: Text): KvPlace | undefined => text.group?.placeOf(text) ?? text.alone

  /** Puts a text where it has room for one token more, beside others of its kind. */
  function place(text: Text): Group {
    const capacity = capacityFor(text.length + 1, shape)
    if (text.group?.capacity === capacity) return text.group
    const from = placeOf(text)
    const group = groups.get(capacity) ?? newGroup(capacity)
    groups.set(capacity, group)
    if (from !== undefined) group.join(text, from)
    leave(text, false)
    text.group = group
    text.alone = undefined
    return group
  }

  /** Room for `count` more tokens of a text that is alone. */
  function room(text: Text, count: number): KvPlace {
    const capacity = capacityFor(text.length + count, shape)
    const { alone } = text
    if (alone !== undefined && alone.buffer.capacity >= capacity) return alone
    const from = placeOf(text)
    const wider: KvPlace = { buffer: kvBuffer(shape, 1, capacity), row: 0 }
    if (from !== undefined) copyRow(from, wider, text.length)
    leave(text, false)
    text.alone = wider
    return wider
  }

  /** One pass over neighbouring rows of a group. */
  async function stepRows(group: Group, from: number, to: number, tokenOf: (text: Text) => number) {
    const texts = group.texts.slice(from, to)
    const isSteered = texts.some(({ displacement }) => displacement !== undefined)
    const { buffer } = group
    const { logits, added } = await run({
      rows: texts.length,
      tokens: texts.map(tokenOf),
      pastLengths: texts.map(({ length }) => length),
      past: buffer.arrays.map(
        (array) =>
          new Tensor('float32', rowsOf(buffer, array, from, to), [
            texts.length,
            shape.kvHeads,
            1,
            buffer.capacity,
            shape.headDim,
          ]),
      ),
      displacement: isSteered
        ? displaced(
            texts.length,
            group.displacements().map((rows) => rows.subarray(from * width, to * width)),
          )
        : unsteered,
    })
    texts.forEach((text, row) => {
      writeTokens({ buffer, row: from + row }, text.length, { arrays: added, row, count: 1, stride: 1 })
      text.length++
    })
    return { texts, logits }
  }

  return {
    shape,
    begin: (displacement): Text => ({ length: 0, displacement, alone: undefined, group: undefined }),

    async extend(given, tokens) {
      const text = given as Text
      const { buffer, row } = room(text, tokens.length)
      const { logits, added, count } = await run({
        rows: 1,
        tokens,
        pastLengths: [text.length],
        past:
          text.length === 0
            ? caches.map(() => nothing)
            : buffer.arrays.map((array) => new Tensor('float32', array, [1, shape.kvHeads, 1, buffer.capacity, shape.headDim])),
        displacement: text.displacement === undefined ? unsteered : displaced(1, layersOf(text.displacement)),
      })
      const block: KvBlock = { arrays: added, row: 0, count, stride: count }
      writeTokens({ buffer, row }, text.length, block)
      text.length += count
      return { logits, block }
    },

    restore(given, block) {
      const text = given as Text
      writeTokens(room(text, block.count), text.length, block)
      text.length += block.count
    },

    async step(given, tokens) {
      const texts = given as readonly Text[]
      const tokenOf = new Map(texts.map((text, index) => [text, tokens[index]!]))
      const found = new Map<Text, Float32Array>()
      for (const group of new Set(texts.map(place))) {
        for (let from = 0; from < group.texts.length; from += MOST_ROWS) {
          const to = Math.min(from + MOST_ROWS, group.texts.length)
          const passed = await stepRows(group, from, to, (text) => tokenFor(text, tokenOf))
          passed.texts.forEach((text, row) => {
            found.set(text, passed.logits.subarray(row * shape.vocabSize, (row + 1) * shape.vocabSize))
          })
        }
      }
      return texts.map((text) => found.get(text)!)
    },

    end(given, isBroken = false) {
      const text = given as Text
      leave(text, isBroken)
      text.alone = undefined
    },

    dispose: () => session.release(),
  }
}
