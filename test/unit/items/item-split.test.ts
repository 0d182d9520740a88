import { describe, expect, it } from 'vitest'
import { foldOf, splitItems, tuningFolds } from '../../../src/items/item-split.ts'
import { sd3FoldOf, splitSd3Items } from '../../../src/items/sd3.ts'
import { hasSharedData, sharedJson } from '../../shared-data.ts'

const { known, heldOut } = splitItems()
const numbers = (items: readonly { itemNumber: number }[]) => items.map(({ itemNumber }) => itemNumber)

describe('item split', () => {
  it('knows 120 items, holds 180 out, and shares none', () => {
    expect(known.items).toHaveLength(120)
    expect(heldOut.items).toHaveLength(180)
    expect(new Set([...numbers(known.items), ...numbers(heldOut.items)]).size).toBe(300)
  })

  it('has 4 known and 6 held-out items in each of 30 facets', () => {
    const perFacet = (items: readonly { facet?: string | undefined }[]) => {
      const counts = new Map<string, number>()
      for (const { facet } of items) counts.set(facet!, (counts.get(facet!) ?? 0) + 1)
      return counts
    }
    expect([...perFacet(known.items).values()]).toEqual(new Array(30).fill(4))
    expect([...perFacet(heldOut.items).values()]).toEqual(new Array(30).fill(6))
  })

  it('tunes on five folds of 24 items of 24 facets, 4 or 5 of each domain, and fits on the others', () => {
    const folds = tuningFolds(known)
    expect(folds).toHaveLength(5)
    expect(new Set(folds.flatMap(({ tuning }) => numbers(tuning.items))).size).toBe(120)
    for (const { known: fitted, tuning } of folds) {
      expect(new Set(tuning.items.map(({ facet }) => facet)).size).toBe(24)
      for (const domain of ['A', 'C', 'E', 'N', 'O'])
        expect([4, 5]).toContain(tuning.items.filter((item) => item.domain === domain).length)
      expect(numbers(fitted.items).filter((itemNumber) => numbers(tuning.items).includes(itemNumber))).toEqual([])
      expect(fitted.items).toHaveLength(96)
    }
  })

  it('tunes on folds of another questionnaire: every known item of the Short Dark Triad once, some of each scale to fit on', () => {
    const sd3 = splitSd3Items().known
    const folds = tuningFolds(sd3, sd3FoldOf)
    expect(folds.map(({ tuning }) => tuning.items.length)).toEqual([6, 3, 3, 3, 3])
    expect(new Set(folds.flatMap(({ tuning }) => numbers(tuning.items)))).toEqual(new Set(numbers(sd3.items)))
    for (const { known: fitted, tuning } of folds) {
      expect(fitted.items.length + tuning.items.length).toBe(18)
      for (const scale of ['M', 'N', 'P'])
        expect(fitted.items.filter(({ domain }) => domain === scale).length).toBeGreaterThanOrEqual(4)
    }
  })

  it('has no fold for a held-out item', () => {
    expect(() => foldOf(heldOut.items[0]!.itemNumber)).toThrow(RangeError)
  })

  it.skipIf(!hasSharedData)('is the split of the data set, known items in the same order (needs shared data)', () => {
    const { train_index, test_index } = sharedJson('papi/mpi_300_split.json') as { train_index: number[]; test_index: number[] }
    expect(numbers(known.items)).toEqual(train_index)
    expect(numbers(heldOut.items)).toEqual([...test_index].sort((a, b) => a - b))
  })
})
