import { describe, expect, it } from 'vitest'
import type { KvBlock } from '../../../src/engine/batch-decoder.ts'
import { prefixCache } from '../../../src/engine/prefix-cache.ts'

/** A block of 8 bytes that can be told from others. */
const block = (name: number): KvBlock => ({ arrays: [Float32Array.of(name, 0)], row: 0, count: 2, stride: 2 })
const nameOf = ({ arrays }: KvBlock) => arrays[0]![0]
const cacheOf = (mostBytes = 1000) => prefixCache({ blockTokens: 2, mostBytes })
const keepAll = (cache: ReturnType<typeof cacheOf>, tokens: number[], names: number[], displacement?: Float32Array) => {
  for (const [i, name] of names.entries()) cache.keep(tokens, displacement, i + 1, block(name))
}

describe('prefix cache', () => {
  it('finds the longest known beginning and leaves a token to compute', () => {
    const cache = cacheOf()
    keepAll(cache, [1, 2, 3, 4, 5, 6], [10, 11, 12])
    expect(cache.find([1, 2, 3, 4, 9, 9, 9], undefined).map(nameOf)).toEqual([10, 11])
    expect(cache.find([1, 2, 3, 4, 5, 6], undefined).map(nameOf)).toEqual([10, 11])
    expect(cache.find([1, 2, 3, 4, 5, 6, 7], undefined).map(nameOf)).toEqual([10, 11, 12])
    expect(cache.find([1, 2], undefined)).toEqual([])
    expect(cache.find([3, 4, 1], undefined)).toEqual([])
  })

  it('shares nothing between displacements that differ in one bit', () => {
    const cache = cacheOf()
    const displacement = Float32Array.of(1, 0)
    keepAll(cache, [1, 2, 3], [10], displacement)
    expect(cache.find([1, 2, 3], Float32Array.of(1, 0)).map(nameOf)).toEqual([10])
    for (const other of [undefined, Float32Array.of(1, -0), Float32Array.of(1 + 2 ** -23, 0), Float32Array.of(1)]) {
      expect(cache.find([1, 2, 3], other)).toEqual([])
    }
  })

  it('keeps to its bytes and forgets what was used longest ago, never a beginning before its end', () => {
    const cache = cacheOf(32)
    keepAll(cache, [1, 2, 3, 4, 5], [10, 11])
    keepAll(cache, [6, 7, 8], [20])
    keepAll(cache, [9, 9, 9], [30])
    cache.find([1, 2, 3, 4, 5], undefined)
    keepAll(cache, [5, 5, 5], [40])
    expect(cache.bytes()).toBe(32)
    expect(cache.find([6, 7, 8], undefined)).toEqual([])
    expect(cache.find([1, 2, 3, 4, 5], undefined).map(nameOf)).toEqual([10, 11])
    keepAll(cache, [5, 6, 7], [50])
    keepAll(cache, [5, 7, 7], [60])
    keepAll(cache, [5, 8, 7], [70])
    expect(cache.find([1, 2, 3, 4, 5], undefined).map(nameOf)).toEqual([10])
  })

  it('keeps nothing where nothing may be kept, and counts displacements too', () => {
    const none = cacheOf(0)
    keepAll(none, [1, 2, 3], [10])
    expect([none.bytes(), none.find([1, 2, 3], undefined)]).toEqual([0, []])
    const cache = cacheOf(16)
    keepAll(cache, [1, 2, 3], [10], new Float32Array(2))
    expect(cache.bytes()).toBe(16)
    keepAll(cache, [1, 2, 3], [10], new Float32Array(2).fill(1))
    expect([cache.bytes(), cache.find([1, 2, 3], new Float32Array(2))]).toEqual([16, []])
  })

  it('passes over a block whose beginning is not known', () => {
    const cache = cacheOf()
    cache.keep([1, 2, 3, 4, 5], undefined, 2, block(11))
    expect([cache.bytes(), cache.find([1, 2, 3, 4, 5], undefined)]).toEqual([0, []])
  })

  it('keeps one of two blocks for the same tokens', () => {
    const cache = cacheOf()
    keepAll(cache, [1, 2, 3], [10])
    keepAll(cache, [1, 2, 3], [99])
    expect([cache.bytes(), ...cache.find([1, 2, 3], undefined).map(nameOf)]).toEqual([8, 10])
  })
})
