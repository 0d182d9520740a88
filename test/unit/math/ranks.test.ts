import { describe, expect, it } from 'vitest'
import { rank } from '../../../src/math/ranks.ts'

describe('ranks', () => {
  it('of ties are the mean of the places they share, in the order of the values', () => {
    expect(Array.from(rank([30, 10, 20, 10, 10]).ranks)).toEqual([5, 2, 4, 2, 2])
    expect(rank([30, 10, 20, 10, 10, 30]).ties).toEqual([3, 2])
  })

  it('sum to n (n + 1) / 2, whatever ties', () => {
    const { ranks } = rank([1, 1, 2, 3, 3, 3, 0, -1])
    expect(ranks.reduce((sum, value) => sum + value, 0)).toBe(36)
  })

  it('of nothing are none', () => {
    expect(rank([])).toEqual({ ranks: new Float64Array(0), ties: [] })
  })
})
