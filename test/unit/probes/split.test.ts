import { describe, expect, it } from 'vitest'
import { headActivations } from '../../../src/activations/head-activations.ts'
import type { LabelledContrasts } from '../../../src/probes/labels.ts'
import { type RowSplit, splitByItem, splitByRow } from '../../../src/probes/split.ts'

function labelledItems(items: number): LabelledContrasts {
  const rows = 4 * items
  return {
    activations: headActivations(new Float32Array(rows), { layers: 1, heads: 1, headDim: 1 }),
    samples: Int32Array.from({ length: rows }, (_, row) => row),
    labels: Uint8Array.from({ length: rows }, (_, row) => row % 2),
    itemNumbers: Int32Array.from({ length: rows }, (_, row) => 100 + Math.floor(row / 4)),
  }
}

const labelled = labelledItems(20)
const itemsOf = (rows: readonly number[]) => new Set(rows.map((row) => labelled.itemNumbers[row]))
const sharedItems = ({ train, validation }: RowSplit) => {
  const validated = itemsOf(validation)
  return [...itemsOf(train)].filter((item) => validated.has(item)).length
}
const allRows = ({ train, validation }: RowSplit) => [...train, ...validation].sort((a, b) => a - b)

describe.each([
  ['splitByItem', splitByItem],
  ['splitByRow', splitByRow],
])('%s', (_, split) => {
  it('puts every row on one side, six of ten on the training side', () => {
    const rows = split({ seed: 1 })(labelled)
    expect(allRows(rows)).toEqual([...labelled.samples.keys()])
    expect(rows.train).toHaveLength(48)
  })

  it('repeats with the seed and differs with another', () => {
    expect(split({ seed: 1 })(labelled)).toEqual(split({ seed: 1 })(labelled))
    expect(split({ seed: 1 })(labelled)).not.toEqual(split({ seed: 2 })(labelled))
  })

  it('takes another share', () => {
    expect(split({ seed: 1, trainShare: 0.25 })(labelled).train).toHaveLength(20)
  })

  it('refuses to leave one side empty', () => {
    expect(() => split({ seed: 1, trainShare: 1 })(labelled)).toThrow('leaves one side empty')
  })
})

describe('the two splits', () => {
  it('differ in whether an item is on both sides', () => {
    expect(sharedItems(splitByItem({ seed: 1 })(labelled))).toBe(0)
    expect(sharedItems(splitByRow({ seed: 1 })(labelled))).toBeGreaterThan(10)
  })
})
