import { describe, expect, it } from 'vitest'
import { headActivations, headVector, recordedContrasts } from '../../../src/activations/head-activations.ts'
import { meanOverGroups } from '../../../src/activations/kv-groups.ts'
import { gaussian, seededRandom } from '../../../src/math/random.ts'

const shape = { layers: 2, heads: 4, headDim: 3 }
const SAMPLES = 3

function recording() {
  const random = seededRandom(2)
  const values = Float32Array.from({ length: SAMPLES * 2 * 4 * 3 }, () => gaussian(random))
  const samples = Array.from({ length: SAMPLES }, (_, i) => ({
    itemNumber: i + 1,
    says: 'agreement' as const,
    order: 'ascending' as const,
  }))
  return recordedContrasts(samples, headActivations(values, shape))
}

describe('meanOverGroups', () => {
  it('is the mean of the heads of a group, which follow each other', () => {
    const recorded = recording()
    const { activations } = meanOverGroups(recorded, 2)
    expect(activations.shape).toEqual({ layers: 2, heads: 2, headDim: 3 })
    for (let sample = 0; sample < SAMPLES; sample++) {
      for (const [layer, group] of [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ] as const) {
        const [a, b] = [0, 1].map((i) => headVector(recorded.activations, sample, { layer, head: 2 * group + i }))
        const expected = a!.map((value, j) => (value + b![j]!) / 2)
        expect(headVector(activations, sample, { layer, head: group })).toEqual(expected)
      }
    }
  })

  it('changes no number where every head has its own keys and values', () => {
    const recorded = recording()
    expect(meanOverGroups(recorded, 4)).toEqual(recorded)
  })

  it('moves by a constant that is added to all heads of a group, and by nothing else of it', () => {
    const recorded = recording()
    const before = meanOverGroups(recorded, 2).activations
    const moved = recording()
    for (const head of [2, 3]) {
      const z = headVector(moved.activations, 1, { layer: 1, head })
      for (const j of z.keys()) z[j]! += j + 1
    }
    const after = meanOverGroups(moved, 2).activations
    before.values.forEach((value, i) => {
      const start = (1 * 2 + 1) * 2 * 3 + 3
      // Rounding of 32-bit numbers near 3.
      expect(after.values[i]! - value).toBeCloseTo(i >= start && i < start + 3 ? i - start + 1 : 0, 5)
    })
  })

  it('refuses heads that are no multiple of the groups', () => {
    expect(() => meanOverGroups(recording(), 3)).toThrow('activations have 4 heads, expected a multiple of 3 key/value heads')
  })
})
