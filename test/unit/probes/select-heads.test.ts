import { describe, expect, it } from 'vitest'
import type { Probe } from '../../../src/probes/fit-probes.ts'
import { byMeanAccuracy, byValidationAccuracy, selectHeads } from '../../../src/probes/select-heads.ts'

function probe(layer: number, head: number, trainAccuracy: number, validationAccuracy: number, validationLoss = 0.5): Probe {
  return { layer, head, trainAccuracy, validationAccuracy, validationLoss, weights: new Float64Array(1), intercept: 0, loss: 1 }
}

const names = (probes: readonly Probe[]) => probes.map(({ layer, head }) => `${layer}.${head}`)

describe('selectHeads', () => {
  const memoriser = probe(0, 0, 1, 0.5)
  const knower = probe(0, 1, 0.7, 0.75)

  it('ranks by validation accuracy unless told otherwise', () => {
    expect(names(selectHeads([memoriser, knower], { count: 2 }))).toEqual(['0.1', '0.0'])
    expect(names(selectHeads([memoriser, knower], { count: 1, rank: byValidationAccuracy }))).toEqual(['0.1'])
  })

  it('ranks by mean accuracy as published, where memorising counts', () => {
    expect(names(selectHeads([memoriser, knower], { count: 1, rank: byMeanAccuracy }))).toEqual(['0.0'])
  })

  it('breaks ties by validation loss, then layer, then head, whatever the order of the probes', () => {
    const probes = [probe(1, 1, 1, 0.5), probe(1, 0, 1, 0.5), probe(0, 2, 1, 0.5), probe(3, 3, 1, 0.5, 0.4)]
    expect(names(selectHeads(probes, { count: 4 }))).toEqual(['3.3', '0.2', '1.0', '1.1'])
    expect(names(selectHeads(probes.toReversed(), { count: 4 }))).toEqual(['3.3', '0.2', '1.0', '1.1'])
  })

  it.each([0, 3, 1.5, NaN])('refuses a count of %s for two probes', (count) => {
    expect(() => selectHeads([memoriser, knower], { count })).toThrow('expected an integer from 1 to 2')
  })
})
