import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/math/random.ts'
import { batchSource, type DataPlace, planEpoch, trainingBatch } from '../../../src/train/batches.ts'
import { type DocumentStore, documentStore } from '../../../src/train/document-store.ts'
import { rowLengths } from '../../../src/train/row-lengths.ts'

const SHAPES = { batchTokens: 512, contextLength: 300, packTokens: 128 }

/** Document i holds token i + 1 only, so that a row shows what it is made of. */
function store(packs: (document: number) => boolean = () => false): DocumentStore {
  const random = seededRandom(3)
  const documents = documentStore(1000)
  for (let i = 0; i < 60; i++) {
    const length = 2 + Math.floor(random() * 298)
    documents.add({ tokens: new Array(length).fill(i + 1), weights: new Array(length).fill(0.5), packs: packs(i) })
  }
  return documents
}

const documentsOf = (batches: ReturnType<typeof planEpoch>) => batches.flatMap(({ rows }) => rows.flat()).sort((a, b) => a - b)

describe('an epoch', () => {
  it('holds every document once', () => {
    expect(
      documentsOf(
        planEpoch(
          store((i) => i % 2 === 0),
          SHAPES,
          5,
        ),
      ),
    ).toEqual(Array.from({ length: 60 }, (_, i) => i))
  })

  it('has another order for another seed and the same for the same', () => {
    expect(planEpoch(store(), SHAPES, 5)).toEqual(planEpoch(store(), SHAPES, 5))
    expect(planEpoch(store(), SHAPES, 5)).not.toEqual(planEpoch(store(), SHAPES, 6))
  })

  it('has few row lengths, each as long as its longest row needs and within the token budget', () => {
    const lengths = rowLengths(store(), SHAPES)
    for (const { length, rowCount, rows } of planEpoch(store(), SHAPES, 5)) {
      const longest = Math.max(...rows.flat().map((document) => store().lengthOf(document)))
      expect(length).toBe(lengths.find((known) => known >= longest))
      expect(rowCount).toBe(Math.floor(512 / length))
      expect(rows.length).toBeLessThanOrEqual(rowCount)
    }
  })

  it('puts only texts that pack into one row, within the limit', () => {
    const documents = store((i) => i % 2 === 0)
    const shared = planEpoch(documents, SHAPES, 5).flatMap(({ rows }) => rows.filter((row) => row.length > 1))
    expect(shared.length).toBeGreaterThan(0)
    for (const row of shared) {
      expect(row.every((document) => document % 2 === 0)).toBe(true)
      expect(row.reduce((sum, document) => sum + documents.lengthOf(document), 0)).toBeLessThanOrEqual(128)
    }
  })
})

describe('a batch', () => {
  it('has its full shape; padding and the first token of every document weigh nothing', () => {
    const documents = documentStore(1000)
    documents.add({ tokens: [7, 8, 9], weights: [1, 1, 0.25], packs: true })
    documents.add({ tokens: [4, 5], weights: [1, 1], packs: true })
    const batch = trainingBatch(documents, { length: 8, rowCount: 2, rows: [[0, 1]] })
    if (batch.kind !== 'likelihood') throw new Error('not a batch of texts')
    expect(batch.rows.map(({ tokens }) => Array.from(tokens))).toEqual([
      [7, 8, 9, 4, 5, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 0, 0],
    ])
    expect(batch.rows.map(({ weights }) => Array.from(weights))).toEqual([
      [0, 1, 0.25, 0, 1, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 0, 0],
    ])
  })
})

describe('a batch source', () => {
  const takeAll = (start: DataPlace, steps: number) => {
    const source = batchSource(store(), SHAPES, { seed: 2 })
    let place = start
    const taken = []
    for (let i = 0; i < steps; i++) {
      const { batches, next } = source.take(place, 3)
      taken.push({ batches, next })
      place = next
    }
    return taken
  }

  it('goes on from any place as if it had never stopped, over the end of an epoch too', () => {
    const whole = takeAll({ epoch: 0, batch: 0 }, 40)
    expect(whole.at(-1)!.next.epoch).toBeGreaterThan(1)
    for (const from of [1, 7, 13, 31]) expect(takeAll(whole[from - 1]!.next, 40 - from)).toEqual(whole.slice(from))
  })

  it('ends after its epochs with every document taken that often', () => {
    const source = batchSource(store(), SHAPES, { seed: 2, epochs: 2 })
    const { batches, next } = source.take({ epoch: 0, batch: 0 }, 10_000)
    expect(documentsOf([...batches])).toEqual(Array.from({ length: 120 }, (_, i) => Math.floor(i / 2)))
    expect(source.take(next, 1).batches).toEqual([])
  })
})
