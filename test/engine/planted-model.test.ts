import { afterAll, describe, expect, it } from 'vitest'
import { alignPas, preparePas } from '../../src/align/pas.ts'
import { PAS, PAS_PUBLISHED } from '../../src/align/pas-recipe.ts'
import { answerQuestions, renderQuestions } from '../../src/align/questions.ts'
import { openEngine } from '../../src/engine/open-engine.ts'
import { tokenModel } from '../../src/engine/token-model.ts'
import { floatTensor } from '../../src/formats/float-tensor.ts'
import { writeSafetensors } from '../../src/formats/safetensors.ts'
import { parseLlamaConfig } from '../../src/graph/llama-config.ts'
import { medianAnswer } from '../../src/items/answer-distribution.ts'
import { ACCURACY_LABELS, IPIP_NEO_300 } from '../../src/items/ipip-neo.ts'
import { splitItems } from '../../src/items/item-split.ts'
import { headSlice, zeroDisplacement } from '../../src/model/displacement.ts'
import type { TokenModel } from '../../src/model/language-model.ts'
import { compilePersona } from '../../src/persona/persona.ts'
import { fitProbes } from '../../src/probes/fit-probes.ts'
import { labelContrasts } from '../../src/probes/labels.ts'
import { selectHeads } from '../../src/probes/select-heads.ts'
import {
  DIRECTION,
  extreme,
  itemToken,
  keyingOf,
  logOddsByHand,
  PLANTED,
  plantedConfig,
  plantedLanguageModel,
  plantedWeights,
  TRAIT,
} from '../fixtures/planted-model.ts'
import { type ModelFiles, nodeRuntime, openReference, readHeaders } from './open-model.ts'

const { known, heldOut } = splitItems()

const files: ModelFiles = {
  config: parseLlamaConfig(plantedConfig),
  files: new Map([
    [
      'model.safetensors',
      writeSafetensors({
        tensors: [...plantedWeights()].map(([name, { shape, data }]) => floatTensor(name, shape, data, 'F32')),
      }),
    ],
  ]),
}
const runtime = nodeRuntime(files)
const engines: Record<string, () => Promise<TokenModel>> = {
  reference: async () => tokenModel(await openReference(files)),
  'onnxruntime-node': async () => openEngine({ config: files.config, files: await readHeaders(files), runtime }),
}
afterAll(() => runtime.close())

describe.each(Object.keys(engines))('planted model on %s', (engine) => {
  const open = async () => plantedLanguageModel(await engines[engine]!())
  const itemsOfTrait = heldOut.items.filter(({ domain }) => domain === TRAIT)

  it('has heads that are no division of the hidden size, in groups', async () => {
    const { shape } = await open()
    expect(shape.headDim).not.toBe(shape.hiddenSize / shape.heads)
    expect(shape.kvHeads).toBeLessThan(shape.heads)
  })

  it('moves its log-odds as computed by hand when the planted head is pushed', async () => {
    const model = await open()
    for (const shift of [-3, -1, 0, 0.5, 2, 8]) {
      const displacement = zeroDisplacement(model.shape)
      headSlice(displacement, model.shape, PLANTED).set(Float32Array.from(DIRECTION, (x) => shift * x))
      for (const { itemNumber } of itemsOfTrait.slice(0, 8)) {
        const logits = await model.logits({ tokens: [itemToken(itemNumber)], displacement })
        // float32 logits of up to 16: rounding near 1e-6 each, a few operations deep.
        expect(Math.abs(logits[4]! - logits[0]! - logOddsByHand(shift, keyingOf(itemNumber)))).toBeLessThan(1e-4)
      }
    }
  })

  it('lets PAS rank the planted head first, under both recipes', async () => {
    for (const recipe of [PAS, PAS_PUBLISHED]) {
      const { recorded } = await preparePas(await open(), IPIP_NEO_300, known, { recipe })
      const probes = fitProbes(labelContrasts(recorded, extreme('high').answers), { split: recipe.split({ seed: 1 }) })
      const [best, second] = selectHeads(probes, { count: 2, rank: recipe.rank })
      expect({ layer: best!.layer, head: best!.head }).toEqual(PLANTED)
      expect(best!.validationAccuracy).toBe(1)
      expect(second!.validationAccuracy).toBeLessThan(0.9)
    }
  })

  it.each(['high', 'low'] as const)('finds the planted direction for somebody %s in the trait', async (level) => {
    const prepared = await preparePas(await open(), IPIP_NEO_300, known)
    const { interventions, alpha } = await alignPas(prepared, extreme(level), { seed: 1 })
    const [first] = interventions
    const cosine = DIRECTION.reduce((sum, x, i) => sum + x * first!.direction[i]!, 0)
    expect(cosine * (level === 'high' ? 1 : -1)).toBeGreaterThan(0.95)
    expect(alpha).toBeGreaterThan(0)
  })

  it.each(['high', 'low'] as const)('answers held-out items as somebody %s in the trait once it is steered', async (level) => {
    const model = await open()
    const respondent = extreme(level)
    const persona = await alignPas(await preparePas(model, IPIP_NEO_300, known), respondent, { seed: 1 })
    const { displacement } = compilePersona(persona, model)
    const questions = await renderQuestions(model, itemsOfTrait, ACCURACY_LABELS)
    const answersOf = async (steered: boolean) => {
      const { probabilities } = await answerQuestions(model, questions, steered ? { displacement } : {})
      return itemsOfTrait.map((_, i) => medianAnswer(probabilities.subarray(i * 5, i * 5 + 5)))
    }
    expect(new Set(await answersOf(false))).toEqual(new Set([3]))
    expect(await answersOf(true)).toEqual(itemsOfTrait.map(({ itemNumber }) => respondent.answers.byItem.get(itemNumber)))
  })

  it('steers as the compiled persona says, by hand', async () => {
    const model = await open()
    const persona = await alignPas(await preparePas(model, IPIP_NEO_300, known), extreme('high'), { seed: 1 })
    const [first] = persona.interventions
    const along = DIRECTION.reduce((sum, x, i) => sum + x * first!.direction[i]!, 0)
    const { displacement } = compilePersona(persona, model, { alpha: 1 })
    const [item] = itemsOfTrait
    const logits = await model.logits({ tokens: [itemToken(item!.itemNumber)], displacement })
    expect(Math.abs(logits[4]! - logits[0]! - logOddsByHand(first!.sigma * along, item!.keying))).toBeLessThan(1e-4)
  })

  it('gives the same persona again for the same seed', async () => {
    const prepared = await preparePas(await open(), IPIP_NEO_300, known)
    expect(await alignPas(prepared, extreme('high'), { seed: 4 })).toEqual(await alignPas(prepared, extreme('high'), { seed: 4 }))
  })
})
