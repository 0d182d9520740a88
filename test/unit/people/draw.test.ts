import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { drawRows } from '../../../src/people/draw.ts'

/** 60 women under 21, 30 men of 41 to 60, 10 of whom nothing is stated. */
const sample = {
  sex: Uint8Array.from({ length: 100 }, (_, row) => (row < 60 ? 2 : row < 90 ? 1 : 0)),
  age: Uint8Array.from({ length: 100 }, (_, row) => (row < 60 ? 18 : row < 90 ? 50 : 0)),
}

describe('draw of rows', () => {
  it.each(['random', 'stratified'] as const)('is the same for a seed, another for another, without repetition: %s', (draw) => {
    const rows = (seed: number) => drawRows(sample, { count: 20, seed, draw })
    expect(rows(1)).toEqual(rows(1))
    expect(rows(1)).not.toEqual(rows(2))
    expect(new Set(rows(1)).size).toBe(20)
    expect(rows(1)).toEqual(rows(1).toSorted((a, b) => a - b))
  })

  it('keeps the shares of sexes and ages', () => {
    fc.assert(
      fc.property(fc.nat(1000), (seed) => {
        const rows = drawRows(sample, { count: 20, seed, draw: 'stratified' })
        expect(rows.filter((row) => row < 60)).toHaveLength(12)
        expect(rows.filter((row) => row >= 60 && row < 90)).toHaveLength(6)
      }),
    )
  })

  it('is everybody where everybody is wanted', () => {
    expect(drawRows(sample, { count: 100, seed: 1, draw: 'stratified' })).toEqual(Array.from({ length: 100 }, (_, row) => row))
  })

  it.each([0, 101])('refuses %d of 100', (count) => {
    expect(() => drawRows(sample, { count, seed: 1, draw: 'random' })).toThrow(/file has 100 respondents/)
  })
})
