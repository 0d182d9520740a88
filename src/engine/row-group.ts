/** @file Texts of one capacity side by side in one buffer, without gaps when a pass begins. */
import type { ModelShape } from '../model/shape.ts'
import { clearRow, copyRow, type KvBuffer, type KvPlace, kvBuffer } from './kv-rows.ts'

/** What a group needs to know of a text. */
export interface GroupedText {
  readonly length: number
}

export interface RowGroup<T extends GroupedText> {
  readonly capacity: number
  readonly buffer: KvBuffer
  /** Texts by row, after `close`. */
  readonly texts: readonly T[]
  /** Copies a text in, from where it was. */
  join(text: T, from: KvPlace): void
  /** Frees the text's row. `isBroken` says that its numbers must not stay. */
  leave(text: T, isBroken: boolean): void
  placeOf(text: T): KvPlace
  /** Moves the last texts into the gaps that others left. */
  close(): void
}

/** An empty group; `onMove` hears of texts whose row changed or that came in, after it happened. */
export function rowGroup<T extends GroupedText>(
  shape: ModelShape,
  capacity: number,
  onMove: (text: T, row: number) => void = () => undefined,
): RowGroup<T> {
  let buffer = kvBuffer(shape, 1, capacity)
  const rows: (T | undefined)[] = []

  const rowOf = (text: T) => rows.indexOf(text)
  const resize = (count: number) => {
    const wider = kvBuffer(shape, count, capacity)
    rows.forEach((text, row) => {
      if (text !== undefined) copyRow({ buffer, row }, { buffer: wider, row }, text.length)
    })
    buffer = wider
  }

  return {
    capacity,
    get buffer() {
      return buffer
    },
    get texts() {
      return rows as readonly T[]
    },
    join(text, from) {
      const gap = rows.indexOf(undefined)
      const row = gap < 0 ? rows.length : gap
      if (row === buffer.rows) resize(2 * buffer.rows)
      copyRow(from, { buffer, row }, text.length)
      rows[row] = text
      onMove(text, row)
    },
    leave(text, isBroken) {
      const row = rowOf(text)
      if (isBroken) clearRow({ buffer, row })
      rows[row] = undefined
    },
    placeOf: (text) => ({ buffer, row: rowOf(text) }),
    close() {
      for (let gap = rows.indexOf(undefined); gap >= 0; gap = rows.indexOf(undefined)) {
        const last = rows.pop()
        if (last === undefined || gap === rows.length) continue
        copyRow({ buffer, row: rows.length }, { buffer, row: gap }, last.length)
        rows[gap] = last
        onMove(last, gap)
      }
      if (buffer.rows > 1 && rows.length <= buffer.rows / 4) resize(buffer.rows / 2)
    },
  }
}
