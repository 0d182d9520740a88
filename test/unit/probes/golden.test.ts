import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { headActivations, headRows } from '../../../src/activations/head-activations.ts'
import type { HeadId } from '../../../src/model/shape.ts'
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

/** Of the penalised loss over the training rows, at weights from the file. */
function gradientNorm(at: HeadId, weights: readonly number[], intercept: number): number {
  const { train } = byGoldenItems()
  const rows = headRows(labelled.activations, at, train)
  const gradient = [...weights, 0]
  for (const [i, row] of train.entries()) {
    const z = rows.subarray(i * headDim, (i + 1) * headDim)
    const margin = weights.reduce((sum, weight, j) => sum + weight * z[j]!, intercept)
    const error = 1 / (1 + Math.exp(-margin)) - golden.labels[row]!
    for (let j = 0; j < headDim; j++) gradient[j]! += error * z[j]!
    gradient[headDim]! += error
  }
  return Math.hypot(...gradient)
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
    // To 1e-5, but for the heads at which the solver of the file stopped further from the minimum than that. The penalty makes the loss
    // 1-strongly convex in the weights, so the file's own gradient bounds how far its weights are from where ours must be.
    const tolerance = Math.max(1e-5, gradientNorm({ layer, head }, weights, expected.intercept))
    expect(tolerance).toBeLessThan(5e-4)
    expectWithin(tolerance, [...probe.weights, probe.intercept], [...weights, expected.intercept])
    expectWithin(1e-7, [probe.loss], [expected.loss])
    expect(probe.loss).toBeLessThan(expected.loss)
    expect(probe.trainAccuracy).toBe(expected.trainAccuracy)
    expect(probe.validationAccuracy).toBe(expected.validationAccuracy)
  })

  it('is met to 1e-5 in weights and intercept wherever it reached its own minimum that closely', () => {
    const close = golden.heads.filter(({ layer, head, weights, intercept }) => {
      const probe = probes[layer * heads + head]!
      const distances = [...probe.weights, probe.intercept].map((value, j) => Math.abs(value - ([...weights, intercept][j] ?? 0)))
      return Math.max(...distances) < 1e-5
    })
    expect(close.length).toBeGreaterThanOrEqual(8)
  })

  it.each(golden.heads)('agrees on the direction and sigma of layer $layer head $head', ({ layer, head, direction, sigma }) => {
    const found = massMeanDirection(labelled, { layer, head })
    // The direction is rounded to 32 bits: half a unit in the last place of numbers below 1.
    expectWithin(6e-8, found.direction, direction)
    expectWithin(1e-12, [found.sigma], [sigma])
  })
})
