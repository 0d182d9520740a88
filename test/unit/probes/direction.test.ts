import { describe, expect, it } from 'vitest'
import { headActivations } from '../../../src/activations/head-activations.ts'
import { massMeanDirection } from '../../../src/probes/direction.ts'
import { type LabelledContrasts, labelContrasts } from '../../../src/probes/labels.ts'
import { PLANTED_HEAD, plantRecording } from './planted.ts'

const only = { layer: 0, head: 0 }

/** Rows of two numbers for the only head, with labels 1, 0, 1, 0 ... */
function labelledRows(...rows: [number, number][]): LabelledContrasts {
  return {
    activations: headActivations(Float32Array.from(rows.flat()), { layers: 1, heads: 1, headDim: 2 }),
    samples: Int32Array.from(rows.keys()),
    labels: Uint8Array.from(rows, (_, row) => 1 - (row % 2)),
    itemNumbers: Int32Array.from(rows, (_, row) => Math.floor(row / 2)),
  }
}

describe('massMeanDirection', () => {
  const { recorded, answers } = plantRecording(1)
  const labelled = labelContrasts(recorded, answers)

  it('points from the mean of label 0 to the mean of label 1, with the population deviation along it', () => {
    const { direction, sigma } = massMeanDirection(labelledRows([3, 10], [0, 10], [5, 14], [2, 6]), only)
    // Means (4, 12) and (1, 8); projections on (.6, .8): 9.8, 8, 14.2, 6.
    expect([...direction]).toEqual([Math.fround(0.6), Math.fround(0.8)])
    expect(sigma).toBeCloseTo(Math.sqrt((0.3 ** 2 + 1.5 ** 2 + 4.7 ** 2 + 3.5 ** 2) / 4), 12)
  })

  it('has unit length', () => {
    expect(Math.hypot(...massMeanDirection(labelled, PLANTED_HEAD).direction)).toBeCloseTo(1, 6)
  })

  it('turns round when the labels are exchanged, with the same sigma', () => {
    const exchanged = { ...labelled, labels: labelled.labels.map((label) => 1 - label) }
    const { direction, sigma } = massMeanDirection(labelled, PLANTED_HEAD)
    const turned = massMeanDirection(exchanged, PLANTED_HEAD)
    expect(turned.direction).toEqual(direction.map((component) => -component))
    expect(turned.sigma).toBeCloseTo(sigma, 12)
  })

  it('scales with z in sigma only', () => {
    const scaled = headActivations(
      labelled.activations.values.map((value) => 4 * value),
      labelled.activations.shape,
    )
    const { direction, sigma } = massMeanDirection(labelled, PLANTED_HEAD)
    const found = massMeanDirection({ ...labelled, activations: scaled }, PLANTED_HEAD)
    expect(found.direction).toEqual(direction)
    expect(found.sigma).toBe(4 * sigma)
  })

  it('refuses contrasts that do not differ, and names the head', () => {
    const same = labelledRows([1, 2], [1, 2], [0.1, 0.7], [0.1, 0.7], [3, 3], [3, 3])
    expect(() => massMeanDirection(same, only)).toThrow('direction of layer 0 head 0 has length 0')
  })

  it('refuses a difference that is only rounding', () => {
    const rows = labelledRows([1, 2], [0.1, 0.7], [0.1, 0.7], [0.3, 1e-3], [0.3, 1e-3], [1, 2])
    expect(() => massMeanDirection(rows, only)).toThrow('direction of layer 0 head 0')
  })

  it('refuses rows of one label', () => {
    const oneLabel = { ...labelledRows([1, 2], [3, 4]), labels: Uint8Array.of(1, 1) }
    expect(() => massMeanDirection(oneLabel, only)).toThrow('expected rows of both labels that differ')
  })
})
