import { describe, expect, it } from 'vitest'
import { capacityFor, kvBuffer, writeTokens } from '../../../src/engine/kv-rows.ts'
import { rowGroup } from '../../../src/engine/row-group.ts'

const shape = { layers: 1, heads: 2, kvHeads: 2, headDim: 2, hiddenSize: 4, vocabSize: 9, contextLength: 1000 }

interface Text {
  readonly name: number
  readonly length: number
}

/** A place of its own that holds the text's name at every position. */
function placed({ name, length }: Text) {
  const place = { buffer: kvBuffer(shape, 1, 128), row: 0 }
  const arrays = place.buffer.arrays.map(() => new Float32Array(2 * length * 2).fill(name))
  writeTokens(place, 0, { arrays, row: 0, count: length, stride: length })
  return place
}

/** What a row holds: the first tokens of every head of every array. */
function contentOf(group: ReturnType<typeof rowGroup<Text>>, text: Text): Set<number> {
  const { buffer, row } = group.placeOf(text)
  return new Set(
    buffer.arrays.flatMap((array) =>
      [0, 1].flatMap((head) => {
        const start = (row * 2 + head) * buffer.capacity * 2
        return [...array.subarray(start, start + text.length * 2)]
      }),
    ),
  )
}

const texts = Array.from({ length: 9 }, (_, i): Text => ({ name: i + 1, length: 3 + i }))
const filled = (moves: string[] = []) => {
  const group = rowGroup<Text>(shape, 128, ({ name }, row) => moves.push(`${name}:${row}`))
  for (const text of texts) group.join(text, placed(text))
  return group
}

describe('row group', () => {
  it('holds every text whole while it grows', () => {
    const group = filled()
    for (const text of texts) expect(contentOf(group, text)).toEqual(new Set([text.name]))
    expect(group.buffer.rows).toBe(16)
  })

  it('moves the last texts into gaps, tells of it, and shrinks when most have left', () => {
    const moves: string[] = []
    const group = filled(moves)
    moves.length = 0
    for (const left of [0, 3]) group.leave(texts[left]!, false)
    group.close()
    expect(moves).toEqual(['9:0', '8:3'])
    expect(group.texts.map(({ name }) => name)).toEqual([9, 2, 3, 8, 5, 6, 7])
    for (const left of [1, 2, 4]) group.leave(texts[left]!, false)
    group.close()
    expect(group.buffer.rows).toBe(8)
    for (const text of group.texts) expect(contentOf(group, text)).toEqual(new Set([text.name]))
  })

  it('fills a gap with who comes before anybody is moved', () => {
    const group = filled()
    group.leave(texts[4]!, false)
    const next: Text = { name: 50, length: 5 }
    group.join(next, placed(next))
    expect(group.placeOf(next).row).toBe(4)
  })

  it('zeroes the row of a text whose numbers broke', () => {
    const group = filled()
    const { buffer, row } = group.placeOf(texts[2]!)
    buffer.arrays[0]!.fill(Number.NaN, row * 2 * 128 * 2, (row + 1) * 2 * 128 * 2)
    group.leave(texts[2]!, true)
    expect(group.buffer.arrays.every((array) => array.every(Number.isFinite))).toBe(true)
  })
})

describe('capacities', () => {
  it('double, end at the context, and are multiples of 64', () => {
    expect([1, 128, 129, 300, 600, 1000].map((tokens) => capacityFor(tokens, shape))).toEqual([128, 128, 256, 512, 1024, 1024])
    expect(capacityFor(100, { ...shape, contextLength: 100 })).toBe(128)
    expect(capacityFor(700, { ...shape, contextLength: 700 })).toBe(704)
  })
})
