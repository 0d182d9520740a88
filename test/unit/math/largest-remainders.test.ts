import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { largestRemainders } from '../../../src/math/largest-remainders.ts'

describe('largest remainders', () => {
  it('give whole numbers that add up, none further than one from its share', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 12 }), fc.nat(500), (sizes, total) => {
        const seats = largestRemainders(sizes, total)
        const all = sizes.reduce((sum, size) => sum + size, 0)
        expect(seats.reduce((sum, seat) => sum + seat, 0)).toBe(total)
        seats.forEach((seat, i) => {
          expect(Math.abs(seat - (sizes[i]! * total) / all)).toBeLessThan(1)
        })
      }),
    )
  })

  it('go to the larger remainder, of equal ones to the earlier', () => {
    expect(largestRemainders([1, 1, 2], 3)).toEqual([1, 1, 1])
    expect(largestRemainders([1, 1], 1)).toEqual([1, 0])
    expect(largestRemainders([50, 30, 20], 7)).toEqual([4, 2, 1])
    expect(largestRemainders([], 0)).toEqual([])
  })
})
