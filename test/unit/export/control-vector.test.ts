import { describe, expect, it } from 'vitest'
import { controlVectorShift, writeControlVector } from '../../../src/export/control-vector.ts'
import type { VectorSource } from '../../../src/export/export-file.ts'
import { bytesSource } from '../../../src/formats/byte-source.ts'
import { readGgufHeader } from '../../../src/formats/gguf.ts'
import { layerSlice, outputBias } from '../../../src/model/output-bias.ts'
import { SMALL_SHAPE, vectorSource } from '../../fixtures/vector-source.ts'

async function written(source: VectorSource) {
  const [file] = await writeControlVector(source)
  const header = await readGgufHeader(bytesSource(file!.bytes))
  const directions = header.tensors.map(({ name, type, shape, begin, end }) => {
    expect([type, shape]).toEqual(['F32', [source.shape.hiddenSize]])
    return [name, new Float32Array(file!.bytes.slice(begin, end).buffer)] as const
  })
  return { metadata: header.metadata, directions: new Map(directions) }
}

async function biasOf({ outputWeights, displacement, shape }: VectorSource, layer: number) {
  return outputBias(await outputWeights(layer), layerSlice(displacement, shape, layer))
}

describe('writeControlVector', () => {
  it('adds W_o d of a layer after that block', async () => {
    const source = vectorSource()
    const { directions } = await written(source)
    expect([...directions.keys()]).toEqual(['direction.1', 'direction.3'])
    expect(directions.get('direction.3')).toEqual(Float32Array.from(await biasOf(source, 3)))
  })

  it('never writes direction.0, which llama.cpp refuses: what belongs there is added after block 1, and the file says so', async () => {
    const heads = [
      { layer: 0, head: 2 },
      { layer: 1, head: 1 },
    ]
    const source = vectorSource({ heads })
    const { directions, metadata } = await written(source)
    expect([...directions.keys()]).toEqual(['direction.1'])
    const [first, second] = [await biasOf(source, 0), await biasOf(source, 1)]
    directions.get('direction.1')!.forEach((x, i) => {
      // Two roundings to 32 bits of numbers near 10.
      expect(x).toBeCloseTo(first[i]! + second[i]!, 5)
    })
    expect(metadata.get('palign.approximation')).toMatchObject({ value: expect.stringContaining('block 0 added after block 1') })
  })

  it('has the metadata that its readers ask for', async () => {
    const { metadata } = await written(vectorSource())
    expect(metadata.get('general.architecture')).toEqual({ kind: 'string', value: 'controlvector' })
    expect(metadata.get('controlvector.model_hint')).toEqual({ kind: 'string', value: 'llama' })
    expect(metadata.get('controlvector.layer_count')).toEqual({ kind: 'uint32', value: 2 })
  })

  it('refuses a model of one block, and a persona that moves nothing', async () => {
    const shape = { ...SMALL_SHAPE, layers: 1 }
    await expect(writeControlVector(vectorSource({ shape, heads: [{ layer: 0, head: 0 }] }))).rejects.toThrow(
      'model has one block, this format needs two',
    )
    await expect(writeControlVector(vectorSource({ alpha: 0 }))).rejects.toThrow('persona moves nothing')
  })

  it('is what the error is measured with', async () => {
    const source = vectorSource()
    const shift = await controlVectorShift(source)
    const { directions } = await written(source)
    for (let block = 0; block < 4; block++) {
      const row = shift.subarray(block * 10, (block + 1) * 10)
      expect(row).toEqual(directions.get(`direction.${block}`) ?? new Float32Array(10))
    }
  })
})
