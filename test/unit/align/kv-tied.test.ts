import { describe, expect, it } from 'vitest'
import { alignPas, preparePas } from '../../../src/align/pas.ts'
import { PAS, PAS_KV_TIED, type PasRecipe } from '../../../src/align/pas-recipe.ts'
import { answerQuestions, renderQuestions } from '../../../src/align/questions.ts'
import { referenceDecoder } from '../../../src/engine/reference-model.ts'
import { tokenModel } from '../../../src/engine/token-model.ts'
import { parseLlamaConfig } from '../../../src/graph/llama-config.ts'
import { medianAnswer } from '../../../src/items/answer-distribution.ts'
import { ACCURACY_LABELS, IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import { isKvTied } from '../../../src/persona/kv-tied.ts'
import { compilePersona } from '../../../src/persona/persona.ts'
import {
  DIRECTION,
  extreme,
  PLANTED,
  type PlantedTensor,
  plantedConfig,
  plantedLanguageModel,
  plantedWeights,
  TRAIT,
} from '../../fixtures/planted-model.ts'

const { known, heldOut } = splitItems()

function open(weights = plantedWeights(), overrides: Partial<Record<keyof typeof plantedConfig, number>> = {}) {
  const config = parseLlamaConfig({ ...plantedConfig, ...overrides })
  return plantedLanguageModel(tokenModel(referenceDecoder({ config, tensor: (name) => weights.get(name)!.data })))
}

/** The same model with keys and values for each head: those of its group. */
function withOwnKeys(): Map<string, PlantedTensor> {
  return new Map(
    [...plantedWeights()].map(([name, tensor]) => {
      if (!/[kv]_proj/.test(name)) return [name, tensor]
      const [rows, columns] = tensor.shape as [number, number]
      const data = new Float32Array(2 * rows * columns)
      const group = 8 * columns
      for (let head = 0; head < 4; head++) {
        const kvHead = Math.floor(head / 2)
        data.set(tensor.data.subarray(kvHead * group, (kvHead + 1) * group), head * group)
      }
      return [name, { shape: [2 * rows, columns], data }]
    }),
  )
}

const align = async (model: ReturnType<typeof open>, recipe: PasRecipe, level: 'high' | 'low') =>
  alignPas(await preparePas(model, IPIP_NEO_300, known, { recipe }), extreme(level), { seed: 1 })

describe('pas:kv-tied', () => {
  it('moves all heads of the planted head’s group alike, along the planted direction', async () => {
    const model = open()
    const persona = await align(model, PAS_KV_TIED, 'high')
    expect(persona.method).toBe('pas:kv-tied')
    expect(persona.interventions.map(({ layer, head }) => ({ layer, head }))).toEqual([
      { layer: PLANTED.layer, head: 2 },
      { layer: PLANTED.layer, head: 3 },
    ])
    const cosine = DIRECTION.reduce((sum, x, i) => sum + x * persona.interventions[0]!.direction[i]!, 0)
    expect(cosine).toBeGreaterThan(0.95)
    expect(isKvTied(compilePersona(persona, model).displacement!, model.shape)).toBe(true)
  })

  it('differs from pas, which moves single heads', async () => {
    const model = open()
    const persona = await align(model, PAS, 'high')
    expect(isKvTied(compilePersona(persona, model).displacement!, model.shape)).toBe(false)
  })

  it.each(['high', 'low'] as const)('answers held-out items as somebody %s in the trait', async (level) => {
    const model = open()
    const { displacement } = compilePersona(await align(model, PAS_KV_TIED, level), model)
    const items = heldOut.items.filter(({ domain }) => domain === TRAIT)
    const { probabilities } = await answerQuestions(model, await renderQuestions(model, items, ACCURACY_LABELS), { displacement })
    const answers = items.map((_, i) => medianAnswer(probabilities.subarray(i * 5, i * 5 + 5)))
    expect(answers).toEqual(items.map(({ itemNumber }) => extreme(level).answers.byItem.get(itemNumber)))
  })

  it('is pas where every head has its own keys and values', async () => {
    const model = open(withOwnKeys(), { num_key_value_heads: 4 })
    expect(model.shape.kvHeads).toBe(model.shape.heads)
    const [tied, free] = [await align(model, PAS_KV_TIED, 'high'), await align(model, PAS, 'high')]
    expect({ ...tied, method: 'pas' }).toEqual(free)
  })

  it('tells of a probe for every head, the same for all heads of a group', async () => {
    const model = open()
    const prepared = await preparePas(model, IPIP_NEO_300, known, { recipe: PAS_KV_TIED })
    const heads: string[] = []
    await alignPas(prepared, extreme('high'), {
      seed: 1,
      onProbes(probes) {
        for (const { layer, head, validationAccuracy } of probes) heads.push(`${layer}.${head} ${validationAccuracy}`)
      },
    })
    expect(heads).toHaveLength(8)
    expect(heads.slice(2, 4)).toEqual(['0.2 1', '0.3 1'])
  })
})
