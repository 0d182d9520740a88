import { describe, expect, it } from 'vitest'
import { fewShotPrompt } from '../../../src/align/few-shot.ts'
import { alignPas, preparePas } from '../../../src/align/pas.ts'
import { referenceDecoder } from '../../../src/engine/reference-model.ts'
import { tokenModel } from '../../../src/engine/token-model.ts'
import { parseLlamaConfig } from '../../../src/graph/llama-config.ts'
import { IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import { statementOf } from '../../../src/items/question-form.ts'
import type { LanguageModel } from '../../../src/model/language-model.ts'
import { extreme, plantedConfig, plantedLanguageModel, plantedWeights } from '../../fixtures/planted-model.ts'

const { known, heldOut } = splitItems()
const weights = plantedWeights()
const planted = plantedLanguageModel(
  tokenModel(referenceDecoder({ config: parseLlamaConfig(plantedConfig), tensor: (name) => weights.get(name)!.data })),
)

describe('PAS under a prompt', () => {
  it('never searches alpha under a prompt that tells the answer asked for, and ends with all known answers', async () => {
    const asked: { system: string; question: string }[] = []
    const model: LanguageModel = {
      ...planted,
      render(messages, options) {
        asked.push({ system: messages[0]!.content, question: messages.at(-1)!.content })
        return planted.render(messages, options)
      },
    }
    const prepared = await preparePas(model, IPIP_NEO_300, known)
    asked.length = 0
    const respondent = extreme('high')
    const of = (items: typeof known) => fewShotPrompt(respondent, items)
    const persona = await alignPas(prepared, respondent, { seed: 1, prompt: { name: 'few-shot', of } })
    expect(persona).toMatchObject({ kind: 'prompt+steering', method: 'few-shot+pas', system: fewShotPrompt(respondent, known) })
    // Every known item in both orders, each with five letters, and all of them under a prompt of the person.
    expect(asked).toHaveLength(120 * 2 * 5)
    for (const item of known.items) {
      const questions = asked.filter(({ question }) => question.includes(`"${statementOf(item)}."`))
      expect(questions.length).toBeGreaterThan(0)
      for (const { system } of questions) {
        expect(system).toContain('Here are some of your behaviors')
        expect(system).not.toContain(`${statementOf(item)}:`)
      }
    }
    const heldOutStatements = heldOut.items.map((item) => `${statementOf(item)}:`)
    expect(heldOutStatements.filter((statement) => persona.system.includes(statement))).toEqual([])
  })

  it('is steering alone without one', async () => {
    const persona = await alignPas(await preparePas(planted, IPIP_NEO_300, known), extreme('high'), { seed: 1 })
    expect(persona).toMatchObject({ kind: 'steering', method: 'pas' })
    expect(persona).not.toHaveProperty('system')
  })
})

describe('PAS in a process that has other things to do', () => {
  it('stops between any two probes, and finds the same', async () => {
    const prepared = await preparePas(planted, IPIP_NEO_300, known)
    let breaths = 0
    const breathe = async () => void breaths++
    const persona = await alignPas(prepared, extreme('high'), { seed: 1, breathe })
    expect(persona).toEqual(await alignPas(prepared, extreme('high'), { seed: 1 }))
    const { layers, heads } = planted.shape
    // Of five folds and of all known items.
    expect(breaths).toBeGreaterThanOrEqual(6 * layers * heads)
  })

  it('ends between two of them on its signal', async () => {
    const prepared = await preparePas(planted, IPIP_NEO_300, known)
    const stop = new AbortController()
    let breaths = 0
    const breathe = async () => {
      if (++breaths === 3) stop.abort()
    }
    await expect(alignPas(prepared, extreme('high'), { breathe, signal: stop.signal })).rejects.toMatchObject({ code: 'aborted' })
    expect(breaths).toBe(3)
  })
})
