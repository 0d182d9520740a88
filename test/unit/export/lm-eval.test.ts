import { describe, expect, it } from 'vitest'
import { type LmEvalSteering, writeLmEval } from '../../../src/export/lm-eval.ts'
import { bytesSource } from '../../../src/formats/byte-source.ts'
import { readFloats } from '../../../src/formats/float-tensor.ts'
import { readSafetensorsHeader } from '../../../src/formats/safetensors.ts'
import { layerSlice, outputBias } from '../../../src/model/output-bias.ts'
import { textOf, vectorSource } from '../../fixtures/vector-source.ts'

async function written(source = vectorSource()) {
  const [json, tensors] = await writeLmEval(source)
  return {
    names: [json!.name, tensors!.name],
    mapping: JSON.parse(textOf(json!)) as Record<string, LmEvalSteering>,
    tensors: bytesSource(tensors!.bytes),
  }
}

describe('writeLmEval', () => {
  it('adds W_o d at the output of o_proj of each displaced layer, and nothing else', async () => {
    const source = vectorSource()
    const { mapping, tensors } = await written(source)
    expect(Object.keys(mapping)).toEqual(['layers.1.self_attn.o_proj', 'layers.3.self_attn.o_proj'])
    const header = await readSafetensorsHeader(tensors)
    expect(header.tensors.map(({ name }) => name)).toEqual(Object.values(mapping).map((entry) => entry.steering_vector))
    for (const [hook, { steering_vector, steering_coefficient, ...rest }] of Object.entries(mapping)) {
      expect(rest).toEqual({ action: 'add', bias: null, head_index: null })
      expect(steering_coefficient).toBe(1)
      const layer = Number(/^layers\.(\d+)\./.exec(hook)![1])
      const expected = outputBias(await source.outputWeights(layer), layerSlice(source.displacement, source.shape, layer))
      const vector = await readFloats(tensors, header.tensors.find(({ name }) => name === steering_vector)!)
      expect(vector).toEqual(Float32Array.from(expected))
    }
  })

  it('calls both files by the persona', async () => {
    expect((await written()).names).toEqual(['ada.lm-eval.json', 'ada.lm-eval.safetensors'])
  })

  it('refuses a persona that moves nothing', async () => {
    await expect(writeLmEval(vectorSource({ alpha: 0 }))).rejects.toThrow('persona moves nothing: its alpha is 0, of 3 heads')
  })
})
