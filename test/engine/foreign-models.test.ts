import { describe, expect, it } from 'vitest'
import { foreignDecoder } from '../../src/engine/foreign-decoder.ts'
import { foreignSelfTest, untouchedLogits } from '../../src/engine/foreign-self-test.ts'
import { openForeignDecoder, openForeignEngine } from '../../src/engine/open-foreign-engine.ts'
import { tokenModel } from '../../src/engine/token-model.ts'
import { collectPieces, editOnnxModel } from '../../src/formats/onnx-edit.ts'
import { surgeryEdits } from '../../src/graph/onnx-surgery.ts'
import { zeroDisplacement } from '../../src/model/displacement.ts'
import { zWidth } from '../../src/model/shape.ts'
import { genaiModel } from '../fixtures/exported-genai.ts'
import { type ExportedModel, roundedModel } from '../fixtures/exported-graph.ts'
import { optimumModel } from '../fixtures/exported-optimum.ts'
import { configJson, type RandomModel, randomModel } from '../fixtures/random-model.ts'
import { distance, LOGIT_TOLERANCE, randomDisplacement } from './conformance.ts'
import { readExported } from './open-exported.ts'
import { openReference } from './open-model.ts'

const tokens = Array.from({ length: 24 }, (_, i) => (i * 37 + 5) % 101)
const everywhere = tokens.map((_, i) => i)

interface Case {
  readonly name: string
  readonly exportModel: (random: RandomModel) => Promise<ExportedModel>
  /** The model whose logits the file must give; default: the one that was exported. */
  readonly reference?: (random: RandomModel) => Promise<RandomModel>
  readonly tolerance?: number
}

/** Logits are around 1: half floats keep 11 bits in each of some thirty roundings a layer. */
const HALF_TOLERANCE = 3e-2

const CASES: readonly Case[] = [
  {
    name: 'Optimum, int8 weights behind DequantizeLinear',
    exportModel: (random) => optimumModel(random, { form: 'qdq' }),
    reference: (random) => roundedModel(random, 'qdq'),
  },
  {
    name: 'Optimum, 4-bit blocks',
    exportModel: (random) => optimumModel(random, { form: 'nbits' }),
    reference: (random) => roundedModel(random, 'nbits'),
  },
  { name: 'Optimum, FusedMatMul over transposed weights', exportModel: (random) => optimumModel(random, { form: 'transposed' }) },
  { name: 'Optimum, NaN replaced after softmax', exportModel: (random) => optimumModel(random, { replaceNan: true }) },
  { name: 'Optimum, counted logits', exportModel: (random) => optimumModel(random, { keepLogits: true }) },
  { name: 'Optimum, half floats', exportModel: (random) => optimumModel(random, { type: 'float16' }), tolerance: HALF_TOLERANCE },
  {
    name: 'GenAI, 4-bit blocks',
    exportModel: (random) => genaiModel(random, { form: 'nbits' }),
    reference: (random) => roundedModel(random, 'nbits'),
  },
  { name: 'GenAI, one matrix for query, key and value', exportModel: (random) => genaiModel(random, { packed: true }) },
  { name: 'GenAI, past of a fixed length', exportModel: (random) => genaiModel(random, { pastLength: 128 }) },
]

describe.each(CASES)(
  'exported model: $name',
  ({ exportModel, reference = async (random) => random, tolerance = LOGIT_TOLERANCE }) => {
    it('gives the logits of the same weights, displaced and not, at once and in pieces', async () => {
      const random = randomModel({ seed: 5 })
      const expected = await openReference(await reference(random))
      const exported = await readExported(random, await exportModel(random))
      const decoder = await openForeignDecoder(exported, 'record')
      for (const displacement of [undefined, randomDisplacement(decoder.shape)]) {
        const [wanted, found] = await Promise.all(
          [expected, decoder].map((each) => each.forward({ tokens, displacement, logitsAt: everywhere, record: true })),
        )
        expect(distance(found!.logits, wanted!.logits)).toBeLessThan(tolerance)
        expect(distance(found!.z!, wanted!.z!)).toBeLessThan(tolerance)
        const start = await decoder.forward({ tokens: tokens.slice(0, 10), displacement })
        const rest = await decoder.forward({ tokens: tokens.slice(10), displacement, past: start.state, logitsAt: [0, 13] })
        const row = (at: number) => wanted!.logits.subarray(at * 101, (at + 1) * 101)
        expect(distance(rest.logits, [...row(10), ...row(23)])).toBeLessThan(tolerance)
      }
      await decoder.dispose()
      exported.close()
    })

    it('passes its self-test and takes baked displacements as it takes fed ones', async () => {
      const random = randomModel({ seed: 5 })
      const exported = await readExported(random, await exportModel(random))
      const model = await openForeignEngine(exported)
      const displacement = randomDisplacement(model.shape)
      const fed = await model.logits({ tokens, displacement })
      const edits = surgeryEdits({ ...exported, displacement })
      const baked = await collectPieces(exported.source, await editOnnxModel(exported.source, exported.model, edits))
      const session = await exported.runtime.createSession(baked, 'decode')
      const decoder = foreignDecoder({
        session,
        Tensor: exported.runtime.Tensor,
        shape: model.shape,
        graph: exported.plan.interface,
      })
      const { logits } = await decoder.forward({ tokens, logitsAt: [tokens.length - 1] })
      expect(logits).toEqual(fed)
      await Promise.all([model.dispose(), decoder.dispose()])
      exported.close()
    })
  },
)

describe('surgery on exported models', () => {
  it('steers a model whose inputs are quantised at run time, after 8-bit rounding as before it', async () => {
    const random = randomModel({ seed: 5 })
    const exported = await readExported(random, await optimumModel(random, { form: 'dynamic' }))
    const model = await openForeignEngine(exported)
    const reference = await openReference(random)
    const displacement = randomDisplacement(model.shape)
    const found = await model.logits({ tokens, displacement })
    const { logits } = await reference.forward({ tokens, displacement, logitsAt: [tokens.length - 1] })
    const base = await reference.forward({ tokens, logitsAt: [tokens.length - 1] })
    // Nearer to the steered model than a tenth of the way from the unsteered one.
    expect(distance(found, logits)).toBeLessThan(0.2 * distance(logits, base.logits))
    await model.dispose()
    exported.close()
  })

  it('finds weights inside the file where they lie, at any offset', async () => {
    const random = randomModel({ json: configJson({ vocab_size: 1501, num_hidden_layers: 2 }), seed: 9 })
    for (const [name, shift] of [
      ['a.onnx', 0],
      ['ab.onnx', 1],
    ] as const) {
      const exported = await readExported(random, await optimumModel(random, { name }))
      const pieces = await editOnnxModel(exported.source, exported.model, { weightsIn: name })
      const bytes = await collectPieces(exported.source, pieces)
      expect(bytes.length).toBeLessThan(exported.source.byteLength / 2 + shift)
      const [decoder, reference] = [await openForeignDecoder(exported, 'decode'), await openReference(random)]
      const request = { tokens, displacement: randomDisplacement(decoder.shape), logitsAt: [23] }
      const [found, expected] = [await decoder.forward(request), await reference.forward(request)]
      expect(distance(found.logits, expected.logits)).toBeLessThan(LOGIT_TOLERANCE)
      await decoder.dispose()
      exported.close()
    }
  })

  it('refuses a model in which one layer does not feel its displacement', async () => {
    const random = randomModel({ seed: 5 })
    const exported = await readExported(random, await genaiModel(random))
    const decoder = await openForeignDecoder(exported, 'decode')
    const untouched = await untouchedLogits(decoder)
    await foreignSelfTest(tokenModel(decoder), untouched)
    const width = zWidth(decoder.shape)
    const deaf = tokenModel({
      ...decoder,
      forward({ displacement, ...request }) {
        return decoder.forward({ ...request, displacement: displacement?.slice().fill(0, width, 2 * width) })
      },
    })
    await expect(foreignSelfTest(deaf, untouched)).rejects.toThrow('a displacement in layer 1 changes the logits by 0')
    await decoder.dispose()
    exported.close()
  })

  it('refuses a model that a zero displacement changes', async () => {
    const random = randomModel({ seed: 5 })
    const exported = await readExported(random, await genaiModel(random))
    const decoder = await openForeignDecoder(exported, 'decode')
    const untouched = (await untouchedLogits(decoder)).map((logit) => logit * (1 + 2 ** -20))
    await expect(foreignSelfTest(tokenModel(decoder), untouched)).rejects.toThrow(
      'a zero displacement changes the logits of the file',
    )
    await decoder.dispose()
    exported.close()
  })

  it('refuses logits of another vocabulary than the config has', async () => {
    const random = randomModel({ seed: 5 })
    const exported = await readExported({ json: { ...random.json, vocab_size: 102 } }, await genaiModel(random))
    await expect(openForeignEngine(exported)).rejects.toThrow('logits have the shape')
    exported.close()
  })

  it('refuses an adapter', async () => {
    const random = randomModel({ seed: 5 })
    const exported = await readExported(random, await genaiModel(random))
    const model = await openForeignEngine(exported)
    const adapter = { rank: 1, alpha: 1, targets: [], pairs: new Map() } as never
    await expect(model.logits({ tokens, adapter, displacement: zeroDisplacement(model.shape) })).rejects.toThrow(
      'model takes no adapters',
    )
    await model.dispose()
    exported.close()
  })
})
