import { describe, expect, it } from 'vitest'
import { tokenModel } from '../../../src/engine/token-model.ts'
import { biasesOf, type Carrier } from '../../../src/export/bias.ts'
import { bytesSource } from '../../../src/formats/byte-source.ts'
import { floatTensor, readFloats } from '../../../src/formats/float-tensor.ts'
import { readSafetensorsHeader, writeSafetensors } from '../../../src/formats/safetensors.ts'
import { modelShape } from '../../../src/graph/llama-config.ts'
import { openReference } from '../../engine/open-model.ts'
import { randomModel } from '../../fixtures/random-model.ts'

const files = randomModel()
const shape = modelShape(files.config)
const source = bytesSource(files.files.get('model.safetensors')!)
const stored = await readSafetensorsHeader(source).then(({ tensors }) =>
  Promise.all(tensors.map(async (entry) => ({ entry, values: await readFloats(source, entry) }))),
)
const outputWeights = (layer: number) =>
  stored.find(({ entry }) => entry.name === `model.layers.${layer}.self_attn.o_proj.weight`)!.values

/** The same in both heads of every group of two. */
const tied = Float32Array.from({ length: shape.layers * 64 }, (_, i) => Math.sin(16 * Math.floor(i / 32) + (i % 16)))
const untied = tied.map((x, i) => x + Math.cos(i))

/** The model with biases of its attention, zero but for the carrier. */
async function baked(carrier: Carrier, displacement: Float32Array) {
  const biases = await biasesOf(carrier, { displacement, shape, outputWeights })
  const zero = { q_proj: 64, k_proj: 32, v_proj: 32, o_proj: 64 }
  const added = biases.flatMap((bias, layer) =>
    Object.entries(zero).map(([name, length]) => {
      const isCarrier = name === (carrier === 'o-bias' ? 'o_proj' : 'v_proj')
      const values = isCarrier ? Float32Array.from(bias) : new Float32Array(length)
      return floatTensor(`model.layers.${layer}.self_attn.${name}.bias`, [length], values)
    }),
  )
  const tensors = [...stored.map(({ entry, values }) => floatTensor(entry.name, entry.shape, values)), ...added]
  const config = { ...files.config, inputBias: true, outputBias: true }
  return tokenModel(await openReference({ config, files: new Map([['model.safetensors', writeSafetensors({ tensors })]]) }))
}

describe('bias of a persona', () => {
  const tokens = [3, 50, 9, 77, 20, 4]

  it.each([
    ['o-bias', 'untied', untied],
    ['o-bias', 'tied', tied],
    ['v-bias', 'tied', tied],
  ] as const)('gives as %s the logits of steering at run time, heads %s', async (carrier, _, displacement) => {
    const steered = await tokenModel(await openReference(files)).logits({ tokens, displacement })
    const logits = await (await baked(carrier, displacement)).logits({ tokens })
    const scale = Math.max(...steered.map(Math.abs))
    // T-02; sums of float32 in another order.
    expect(Math.max(...logits.map((x, i) => Math.abs(x - steered[i]!))) / scale).toBeLessThan(1e-5)
  })

  it('is not the displacement itself: the baked logits differ from those of a bias without W_o', async () => {
    const [first] = await biasesOf('o-bias', { displacement: untied, shape, outputWeights })
    expect(Math.max(...first!.map((x, i) => Math.abs(x - untied[i]!)))).toBeGreaterThan(0.1)
  })

  it('of zero is zero in every layer', async () => {
    const displacement = new Float32Array(untied.length)
    for (const carrier of ['o-bias', 'v-bias'] as const) {
      expect((await biasesOf(carrier, { displacement, shape, outputWeights })).flatMap((bias) => [...bias])).toEqual(
        new Array(shape.layers * (carrier === 'o-bias' ? 64 : 32)).fill(0),
      )
    }
  })

  it('of the values is refused where heads of a group move differently', async () => {
    await expect(biasesOf('v-bias', { displacement: untied, shape, outputWeights })).rejects.toMatchObject({
      code: 'incompatible-persona',
    })
  })
})
