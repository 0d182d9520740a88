import { describe, expect, it } from 'vitest'
import { alignAsPublished, misreadAsPublished } from '../../../src/align/as-published.ts'
import { preparePas } from '../../../src/align/pas.ts'
import { PAS_PUBLISHED } from '../../../src/align/pas-recipe.ts'
import { referenceDecoder } from '../../../src/engine/reference-model.ts'
import { tokenModel } from '../../../src/engine/token-model.ts'
import { parseLlamaConfig } from '../../../src/graph/llama-config.ts'
import { IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import { personaFromRecord, personaToRecord } from '../../../src/persona/persona-record.ts'
import { extreme, plantedConfig, plantedLanguageModel, plantedWeights } from '../../fixtures/planted-model.ts'

const { known, heldOut } = splitItems()
const weights = plantedWeights()
const model = plantedLanguageModel(
  tokenModel(referenceDecoder({ config: parseLlamaConfig(plantedConfig), tensor: (name) => weights.get(name)!.data })),
)
const prepared = () => preparePas(model, IPIP_NEO_300, known, { recipe: PAS_PUBLISHED })

describe('the released protocol', () => {
  it('reads minus items the wrong way round, and plus items right', () => {
    const respondent = extreme('high')
    const misread = misreadAsPublished(respondent)
    for (const { itemNumber, keying } of IPIP_NEO_300.items) {
      const answer = respondent.answers.byItem.get(itemNumber)!
      expect(misread.answers.byItem.get(itemNumber)).toBe(keying === 1 ? answer : 6 - answer)
    }
    expect(misreadAsPublished(misread)).toEqual(respondent)
  })

  it('picks the alpha with the smallest error on the held-out answers, and says so', async () => {
    const persona = await alignAsPublished(await prepared(), extreme('low'), { asPublished: true, heldOut, seed: 1 })
    const { curve, loss } = persona.calibration
    expect(loss).toContain('held-out')
    expect(curve.map(({ alpha }) => alpha)).toEqual(PAS_PUBLISHED.alphas)
    const chosen = curve.find(({ alpha }) => alpha === persona.alpha)!
    expect(chosen.loss).toBe(Math.min(...curve.map((point) => point.loss)))
  })

  it('keeps the prompt of misread answers on while it steers, also through a file', async () => {
    const persona = await alignAsPublished(await prepared(), extreme('high'), { asPublished: true, heldOut })
    expect(persona.kind).toBe('prompt+steering')
    // "Remain calm under pressure" is a minus item: somebody high in the trait said Very Inaccurate.
    expect(persona.system).toMatch(/You remain calm under pressure: Very Accurate/)
    expect(personaFromRecord(personaToRecord(persona))).toEqual(persona)
  })

  it('does not compile unless the caller says that they want the faults', () => {
    // @ts-expect-error the option names itself
    const silent = async () => alignAsPublished(await prepared(), extreme('high'), { heldOut })
    expect(silent).toBeTypeOf('function')
  })
})
