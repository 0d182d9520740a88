import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { documentStore } from '../../../src/train/document-store.ts'
import { paddedLength } from '../../../src/train/padded-batch.ts'
import { rowLengths } from '../../../src/train/row-lengths.ts'

const LIMITS = { contextLength: 1024, packTokens: 128 }

function lengthsFor(documents: readonly number[], packs = false): number[] {
  const store = documentStore(10)
  for (const length of documents) store.add({ tokens: new Array(length).fill(1), weights: new Array(length).fill(1), packs })
  return rowLengths(store, LIMITS)
}

const paddingOf = (documents: readonly number[], lengths: readonly number[]) =>
  documents.reduce((sum, tokens) => sum + lengths.find((length) => length >= tokens)! - paddedLength(tokens), 0)

/** Every choice of six out of the lengths that occur, the longest among them. */
function* choices(candidates: readonly number[], count: number): Iterable<number[]> {
  if (candidates.length <= count) yield [...candidates]
  else if (count === 1) yield [candidates.at(-1)!]
  else
    for (let last = candidates.length - 2; last >= count - 2; last--)
      for (const rest of choices(candidates.slice(0, last + 1), count - 1)) yield [...rest, candidates.at(-1)!]
}

describe('row lengths', () => {
  it('fit documents of a few lengths without padding', () => {
    expect(lengthsFor([640, 650, 650, 70, 1000])).toEqual([96, 640, 704, 1024])
  })

  it('are at most six and pad no more than any other six', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1, maxLength: 25 }), (documents) => {
        const lengths = lengthsFor(documents)
        expect(lengths.length).toBeLessThanOrEqual(6)
        const candidates = [...new Set(documents.map(paddedLength))].sort((a, b) => a - b)
        const least = Math.min(...[...choices(candidates, 6)].map((choice) => paddingOf(documents, choice)))
        expect(paddingOf(documents, lengths)).toBe(least)
      }),
      { numRuns: 30, seed: 1 },
    )
  })

  it('have one for the rows that texts share', () => {
    expect(lengthsFor([10, 20, 30], true)).toEqual([128])
  })
})
