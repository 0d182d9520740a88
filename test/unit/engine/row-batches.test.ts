import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rowBatches } from '../../../src/engine/row-decoder.ts'

const shape = { layers: 1, heads: 4, kvHeads: 4, headDim: 8, hiddenSize: 32, vocabSize: 10, contextLength: 2048 }
const rowsOf = (lengths: readonly number[]) => lengths.map((length) => new Array<number>(length).fill(1))

describe('batches of rows', () => {
  it('hold every row once, however long the prefix', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 80 }),
        fc.integer({ min: 0, max: 5000 }),
        (lengths, prefix) => {
          const batches = rowBatches(rowsOf(lengths), prefix, shape)
          expect(batches.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i))
          expect(batches.every((batch) => batch.length > 0)).toBe(true)
        },
      ),
    )
  })

  it('put rows of like length together and stay within the tokens of a pass', () => {
    const lengths = Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? 10 : 300))
    for (const batch of rowBatches(rowsOf(lengths), 0, shape)) {
      const longest = Math.max(...batch.map((index) => lengths[index]!))
      expect(batch.length * longest).toBeLessThanOrEqual(1536)
    }
    expect(rowBatches(rowsOf(lengths.filter((length) => length === 10)), 0, shape)).toHaveLength(1)
  })

  it('take fewer rows after a long prefix, and one that is larger than any bound alone', () => {
    const rows = rowsOf(new Array(48).fill(31))
    expect(rowBatches(rows, 9, shape)).toHaveLength(1)
    expect(rowBatches(rows, 4000, shape).length).toBeGreaterThan(1)
    expect(rowBatches(rowsOf([100_000]), 0, shape)).toEqual([[0]])
  })
})
