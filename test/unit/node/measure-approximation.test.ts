import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { referenceDecoder } from '../../../src/engine/reference-model.ts'
import { tokenModel } from '../../../src/engine/token-model.ts'
import { controlVectorShift } from '../../../src/export/control-vector.ts'
import { bytesSource } from '../../../src/formats/byte-source.ts'
import { readFloats } from '../../../src/formats/float-tensor.ts'
import { blockTensors, quantiseMatrix } from '../../../src/formats/quantised-matrix.ts'
import { readSafetensorsHeader, writeSafetensors } from '../../../src/formats/safetensors.ts'
import { locateWeights } from '../../../src/graph/weights.ts'
import { measureApproximation } from '../../../src/node/measure-approximation.ts'
import { readModelFolder } from '../../../src/node/model-folder.ts'
import { outputWeightsOf, readWeight } from '../../../src/node/read-weight.ts'
import { randomModel } from '../../fixtures/random-model.ts'
import { vectorSource } from '../../fixtures/vector-source.ts'

const folder = mkdtempSync(join(tmpdir(), 'palign-vectors-'))
afterAll(() => rmSync(folder, { recursive: true }))
const { json, files } = randomModel()
writeFileSync(join(folder, 'config.json'), JSON.stringify(json))
for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes)

async function weightsIn(path: string) {
  const { config, files } = await readModelFolder(path)
  return { config, weights: locateWeights(config, files) }
}

async function modelIn(path: string) {
  const { config, weights } = await weightsIn(path)
  const tensors = new Map<string, Float32Array>()
  for (const name of weights.keys()) tensors.set(name, await readWeight(path, weights, name))
  return { weights, model: tokenModel(referenceDecoder({ config, tensor: (name) => tensors.get(name)! })) }
}

describe('measureApproximation', () => {
  it('finds no error where nothing is moved', async () => {
    const { model } = await modelIn(folder)
    const { layers, hiddenSize } = model.shape
    const { displacement } = vectorSource({ shape: model.shape, alpha: 0, heads: [] })
    const shift = new Float32Array(layers * hiddenSize)
    const measured = await measureApproximation({ folder, model, displacement, shift, prompts: [[1, 2], [3]] })
    expect(measured).toEqual({ prompts: 2, error: { mean: 0, largest: 0 }, effect: { mean: 0, largest: 0 } })
  })

  it('tells the error of a shift after the blocks beside the effect of the displacement', async () => {
    const { model, weights } = await modelIn(folder)
    const outputWeights = outputWeightsOf(folder, weights)
    const source = vectorSource({ shape: model.shape, heads: [{ layer: 1, head: 2 }], alpha: 5, outputWeights })
    const shift = await controlVectorShift({ ...source, outputWeights })
    const measured = await measureApproximation({ folder, model, displacement: source.displacement, shift, prompts: [[1, 2, 3]] })
    expect(measured!.error.mean).toBeGreaterThan(1e-3)
    expect(measured!.effect.mean).toBeGreaterThan(1e-2)
  })
})

describe('readWeight', () => {
  it('gives the numbers that a matrix in blocks stands for', async () => {
    const quantised = mkdtempSync(join(tmpdir(), 'palign-vectors-q8-'))
    try {
      const name = 'model.layers.0.self_attn.o_proj.weight'
      const source = bytesSource([...files.values()][0]!)
      const { tensors } = await readSafetensorsHeader(source)
      const entry = tensors.find((tensor) => tensor.name === name)!
      const values = await readFloats(source, entry)
      const [out, width] = entry.shape as [number, number]
      const { numbers, scale } = quantiseMatrix(values, width, 8)
      const [, numbersName, scaleName] = blockTensors(name)
      const kept = tensors.filter((tensor) => tensor.name !== name)
      const stored = await Promise.all(
        kept.map(async (tensor) => ({ ...tensor, data: await source.slice(tensor.begin, tensor.end) })),
      )
      const bytes = writeSafetensors({
        tensors: [
          ...stored,
          { name: numbersName!, dtype: 'U8', shape: [out, width / 32, 32], data: numbers },
          { name: scaleName!, dtype: 'F32', shape: [out, width / 32], data: new Uint8Array(scale.buffer) },
        ],
      })
      writeFileSync(join(quantised, 'config.json'), JSON.stringify(json))
      writeFileSync(join(quantised, 'model.safetensors'), bytes)
      const { weights } = await weightsIn(quantised)
      const read = await outputWeightsOf(quantised, weights)(0)
      expect(read).toHaveLength(values.length)
      // Eight bits of numbers below 1: half a step of their largest.
      for (const [i, value] of values.entries()) expect(Math.abs(read[i]! - value)).toBeLessThan(0.01)
    } finally {
      rmSync(quantised, { recursive: true })
    }
  })
})
