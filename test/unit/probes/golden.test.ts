import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { headActivations } from '../../../src/activations/head-activations.ts'
import { massMeanDirection } from '../../../src/probes/direction.ts'
import { fitProbes, type Probe } from '../../../src/probes/fit-probes.ts'
import type { LabelledContrasts } from '../../../src/probes/labels.ts'

interface Golden {
  /** Samples, layers, heads, headDim. */
  readonly shape: [number, number, number, number]
  readonly rows: number[]
  readonly labels: number[]
  readonly item: number[]
  readonly trainItems: number[]
  readonly heads: (Pick<Probe, 'layer' | 'head' | 'intercept' | 'loss' | 'trainAccuracy' | 'validationAccuracy'> & {
    readonly weights: number[]
    readonly direction: number[]
    readonly sigma: number
  })[]
}

/** Made with scikit-learn in double precision; `about` in the file defines every quantity. */
const golden: Golden = JSON.parse(readFileSync(new URL('../../golden/pas.json', import.meta.url), 'utf8'))
const [, layers, heads, headDim] = golden.shape
const labelled: LabelledContrasts = {
  activations: headActivations(Float32Array.from(golden.rows), { layers, heads, headDim }),
  samples: Int32Array.from(golden.labels.keys()),
  labels: Uint8Array.from(golden.labels),
  itemNumbers: Int32Array.from(golden.item),
}

function byGoldenItems() {
  const isTrain = (row: number) => golden.trainItems.includes(golden.item[row]!)
  const rows = [...golden.item.keys()]
  return { train: rows.filter(isTrain), validation: rows.filter((row) => !isTrain(row)) }
}

function expectWithin(tolerance: number, actual: ArrayLike<number>, expected: readonly number[]) {
  expect(actual.length).toBe(expected.length)
  for (const [j, value] of expected.entries()) expect(Math.abs(actual[j]! - value)).toBeLessThan(tolerance)
}

describe('the golden file', () => {
  let probes: Probe[]
  beforeAll(() => {
    probes = fitProbes(labelled, { split: byGoldenItems })
  })

  it('covers every head', () => {
    expect(golden.heads.map(({ layer, head }) => [layer, head])).toEqual(probes.map(({ layer, head }) => [layer, head]))
  })

  it.each(golden.heads)('agrees on the probe of layer $layer head $head', ({ layer, head, weights, ...expected }) => {
    const probe = probes[layer * heads + head]!
    // The file was stopped at gradient norms up to 4.3e-4, which leaves its weights up to 7.3e-5 from the minimum and its loss 2.2e-8 above.
    expectWithin(1e-4, [...probe.weights, probe.intercept], [...weights, expected.intercept])
    expectWithin(1e-7, [probe.loss], [expected.loss])
    expect(probe.loss).toBeLessThan(expected.loss)
    expect(probe.trainAccuracy).toBe(expected.trainAccuracy)
    expect(probe.validationAccuracy).toBe(expected.validationAccuracy)
  })

  it.each(golden.heads)('agrees on the direction and sigma of layer $layer head $head', ({ layer, head, direction, sigma }) => {
    const found = massMeanDirection(labelled, { layer, head })
    // The direction is rounded to 32 bits: half a unit in the last place of numbers below 1.
    expectWithin(6e-8, found.direction, direction)
    expectWithin(1e-12, [found.sigma], [sigma])
  })
})
