import { describe, expect, it } from 'vitest'
import { neuronpediaShift, writeNeuronpedia } from '../../../src/export/neuronpedia.ts'
import { SMALL_SHAPE, textOf, vectorSource } from '../../fixtures/vector-source.ts'

interface Written {
  readonly palign: { readonly approximation: string }
  readonly vectors: readonly {
    readonly layerNumber: number
    readonly hookType: string
    readonly vector: readonly number[]
    readonly vectorDefaultSteerStrength: number
  }[]
}
const written = async (source = vectorSource()) => JSON.parse(textOf((await writeNeuronpedia(source))[0]!)) as Written

describe('vectors of Neuronpedia', () => {
  it('stand before the block after their own, as unit vectors with a strength', async () => {
    const source = vectorSource()
    const shift = await neuronpediaShift(source)
    const { vectors } = await written(source)
    const { layers, hiddenSize } = source.shape
    expect(vectors.length).toBeGreaterThan(0)
    for (const { layerNumber, hookType, vector, vectorDefaultSteerStrength } of vectors) {
      expect(hookType).toBe('hook_resid_pre')
      expect(layerNumber).toBeGreaterThan(0)
      expect(layerNumber).toBeLessThan(layers)
      expect(Math.hypot(...vector)).toBeCloseTo(1, 6)
      const row = shift.subarray((layerNumber - 1) * hiddenSize, layerNumber * hiddenSize)
      for (const [i, x] of vector.entries()) expect(x * vectorDefaultSteerStrength).toBeCloseTo(row[i]!, 6)
    }
  })

  it('say that they approximate, and by how much where that was measured', async () => {
    expect((await written()).palign.approximation).toContain('its error was not measured')
    const spread = { mean: 0.25, largest: 0.5 }
    const measured = { prompts: 8, error: spread, effect: spread }
    expect((await written({ ...vectorSource(), measured })).palign.approximation).toContain(
      'total variation to the persona 0.25 (mean; largest 0.50) after 8 prompts',
    )
  })

  it('are refused of a model of one block', async () => {
    const source = vectorSource({ shape: { ...SMALL_SHAPE, layers: 1 }, heads: [{ layer: 0, head: 0 }] })
    await expect(neuronpediaShift(source)).rejects.toThrow('needs two')
  })
})
