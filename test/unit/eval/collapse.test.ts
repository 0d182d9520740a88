import { describe, expect, it } from 'vitest'
import { collapsedRows, isCollapsed } from '../../../src/eval/collapse.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import { papi300 } from '../../fixtures/papi-300.ts'
import { hasSharedData } from '../../shared-data.ts'

/** 100 answers, so many of each. */
const answers = (...counts: number[]) => counts.flatMap((count, k) => new Array<number>(count).fill(k + 1))

describe('collapse detector', () => {
  it.each([1, 2, 3, 4, 5])('finds the constant %d', (answer) => {
    expect(isCollapsed(new Int8Array(180).fill(answer))).toBe(true)
  })

  it('allows a share of 80 % and no more, however varied the rest', () => {
    expect(isCollapsed(answers(5, 5, 80, 5, 5))).toBe(false)
    expect(isCollapsed(answers(5, 5, 81, 5, 4))).toBe(true)
  })

  it('finds two answers so uneven that their entropy is below .60, at less than 80 % each', () => {
    expect(isCollapsed(answers(0, 0, 72, 28, 0))).toBe(true)
    expect(isCollapsed(answers(0, 0, 71, 29, 0))).toBe(false)
  })

  it('counts the rows that have collapsed', () => {
    expect(collapsedRows(Float32Array.from([...answers(0, 0, 100, 0, 0), ...answers(20, 20, 20, 20, 20)]), 100)).toBe(1)
  })

  it.skipIf(!hasSharedData)('spares all 300 PAPI test persons (needs shared data)', () => {
    const { items } = splitItems().heldOut
    const rows = papi300().map(({ answers: { byItem } }) => items.flatMap(({ itemNumber }) => byItem.get(itemNumber) ?? []))
    expect(rows.filter(isCollapsed)).toEqual([])
  })
})
