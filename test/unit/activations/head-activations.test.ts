import { describe, expect, it } from 'vitest'
import { headActivations, headIds, headRows, headVector, recordedContrasts } from '../../../src/activations/head-activations.ts'

const shape = { layers: 2, heads: 3, headDim: 2 }
/** Three samples; each number tells its own position: sample, layer, head, component. */
const values = Float32Array.from({ length: 36 }, (_, index) => {
  const [sample, layer, head, component] = [
    Math.floor(index / 12),
    Math.floor(index / 6) % 2,
    Math.floor(index / 2) % 3,
    index % 2,
  ]
  return 1000 * sample + 100 * layer + 10 * head + component
})

describe('headActivations', () => {
  it('counts the samples and finds one head in one sample', () => {
    const activations = headActivations(values, shape)
    expect(activations.samples).toBe(3)
    expect([...headVector(activations, 2, { layer: 1, head: 2 })]).toEqual([2120, 2121])
  })

  it('gathers the rows of one head in the order asked for, as a copy', () => {
    const activations = headActivations(values.slice(), shape)
    const rows = headRows(activations, { layer: 0, head: 1 }, Int32Array.of(2, 0, 2))
    expect([...rows]).toEqual([2010, 2011, 10, 11, 2010, 2011])
    rows[0] = 7
    expect(headVector(activations, 2, { layer: 0, head: 1 })[0]).toBe(2010)
  })

  it('lists every head by layer and then head', () => {
    const ids = headIds(shape).map(({ layer, head }) => `${layer}.${head}`)
    expect(ids).toEqual(['0.0', '0.1', '0.2', '1.0', '1.1', '1.2'])
  })

  it('refuses a length that is not a whole number of samples', () => {
    expect(() => headActivations(values.subarray(1), shape)).toThrow(
      'activations hold 35 numbers, expected a multiple of 2 layers',
    )
  })

  it('refuses NaN and names the sample', () => {
    expect(() => headActivations(values.with(13, NaN), shape)).toThrow('activations of sample 1 contain NaN')
  })
})

describe('recordedContrasts', () => {
  it('refuses samples without activations', () => {
    const sample = { itemNumber: 1, says: 'agreement', order: 'descending' } as const
    expect(() => recordedContrasts([sample, sample], headActivations(values, shape))).toThrow('3 samples, expected 2')
  })
})
