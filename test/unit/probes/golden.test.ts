import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { headRows } from '../../../src/activations/head-activations.ts'
import type { LabelledContrasts } from '../../../src/activations/labels.ts'
import { fitLogistic } from '../../../src/math/logistic-regression.ts'
import { massMeanDirection } from '../../../src/probes/direction.ts'
import { fitProbes } from '../../../src/probes/fit-probes.ts'

interface Golden {
  readonly shape: readonly [number, number, number, number]
  readonly rows: readonly number[]
  readonly labels: readonly number[]
  readonly item: readonly number[]
  readonly trainItems: readonly number[]
  readonly heads: readonly {
    readonly layer: number
    readonly head: number
    readonly weights: readonly number[]
    readonly intercept: number
    readonly loss: number
    readonly trainAccuracy: number
    readonly validationAccuracy: number
    readonly direction: readonly number[]
    readonly sigma: number
  }[]
}

/** Made with scikit-learn in double precision; the file's `about` says how. */
const golden = JSON.parse(readFileSync(new URL('../../golden/pas.json', import.meta.url), 'utf8')) as Golden
const [samples, layers, heads, headDim] = golden.shape
const labelled: LabelledContrasts = {
  activations: { values: Float32Array.from(golden.rows), samples, layers, heads, headDim },
  rows: golden.labels.map((_, row) => row),
  labels: Uint8Array.from(golden.labels),
  itemNumbers: golden.item,
}
const train = labelled.rows.filter((row) => golden.trainItems.includes(golden.item[row]!))
const validation = labelled.rows.filter((row) => !train.includes(row))
const probes = fitProbes(labelled, { seed: 0, split: () => ({ train, validation }) })

const near = (expected: number, tolerance = 1e-5) => ({
  asymmetricMatch: (actual: unknown) => Math.abs((actual as number) - expected) < tolerance,
  toString: () => `${expected} +- ${tolerance}`,
})

/**
 * scikit-learn stops before the optimum, up to 7e-5 in a weight. The penalty makes the objective 1-strongly convex in the weights, so
 * its own gradient bounds how far its weights are from the optimum: no further may ours be from them.
 */
function gradientNorm({ layer, head, weights, intercept }: Golden['heads'][number]): number {
  const rows = headRows(labelled.activations, { layer, head }, train)
  const gradient = [...weights, 0]
  train.forEach((row, i) => {
    const score = weights.reduce((sum, w, j) => sum + w * rows[i * headDim + j]!, intercept)
    const error = 1 / (1 + Math.exp(-score)) - golden.labels[row]!
    for (let j = 0; j < headDim; j++) gradient[j]! += error * rows[i * headDim + j]!
    gradient[headDim]! += error
  })
  return Math.hypot(...gradient)
}

describe('PAS against scikit-learn', () => {
  it.each(golden.heads.map((head, i) => ({ ...head, i })))('finds the probe of layer $layer head $head', (expected) => {
    const probe = probes[expected.i]!
    expect([probe.layer, probe.head]).toEqual([expected.layer, expected.head])
    const tolerance = Math.max(1e-5, gradientNorm(expected))
    expect(tolerance).toBeLessThan(1e-3)
    for (const [j, weight] of expected.weights.entries()) expect(probe.weights[j]).toEqual(near(weight, tolerance))
    expect(probe.intercept).toEqual(near(expected.intercept, tolerance))
    expect(probe.trainAccuracy).toBeCloseTo(expected.trainAccuracy, 10)
    expect(probe.validationAccuracy).toBeCloseTo(expected.validationAccuracy, 10)
  })

  it.each(golden.heads)('reaches the loss of layer $layer head $head with a gradient below 1e-6', ({ layer, head, loss }) => {
    const rows = headRows(labelled.activations, { layer, head }, train)
    const fit = fitLogistic({ rows, labels: train.map((row) => golden.labels[row]!) })
    expect(fit.loss).toEqual(near(loss))
    // Ours is at least as good as the oracle's.
    expect(fit.loss).toBeLessThan(loss + 1e-9)
    expect(fit.gradientNorm).toBeLessThan(1e-6)
  })

  it.each(golden.heads)('finds direction and sigma of layer $layer head $head', ({ layer, head, direction, sigma }) => {
    const found = massMeanDirection(labelled, { layer, head })
    for (const [j, x] of direction.entries()) expect(found.direction[j]).toEqual(near(x))
    expect(found.sigma).toEqual(near(sigma))
  })
})
