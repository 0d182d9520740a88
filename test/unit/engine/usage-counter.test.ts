import { describe, expect, it } from 'vitest'
import { referenceDecoder } from '../../../src/engine/reference-model.ts'
import { tokenModel } from '../../../src/engine/token-model.ts'
import { parseLlamaConfig } from '../../../src/graph/llama-config.ts'
import { plantedConfig, plantedWeights } from '../../fixtures/planted-model.ts'

const weights = plantedWeights()
const open = () =>
  tokenModel(referenceDecoder({ config: parseLlamaConfig(plantedConfig), tensor: (name) => weights.get(name)!.data }))

describe('usage of a model', () => {
  it('begins at nothing', async () => {
    expect(await open().usage()).toEqual({ forwardTokens: 0, attendedPositions: 0, logitRows: 0 })
  })

  it('counts the tokens of a prompt, what they attend to, and the positions with logits', async () => {
    const model = open()
    await model.logits({ tokens: [10, 11, 12, 13] })
    expect(await model.usage()).toEqual({ forwardTokens: 4, attendedPositions: 1 + 2 + 3 + 4, logitRows: 1 })
  })

  it('counts a prefix that several continuations share once', async () => {
    const model = open()
    await model.score([{ tokens: [10, 11, 12], continuations: [[1], [2], [3]] }])
    // The last token of a continuation is never fed: nothing is asked after it.
    expect(await model.usage()).toEqual({ forwardTokens: 3, attendedPositions: 6, logitRows: 1 })
    await model.score([{ tokens: [10, 11, 12], continuations: [[1, 4], [2]] }])
    const { forwardTokens, attendedPositions } = await model.usage()
    expect(forwardTokens).toBe(3 + 3 + 1)
    expect(attendedPositions).toBe(6 + 6 + 4)
  })

  it('counts every generated token that another follows', async () => {
    const model = open()
    for await (const _ of model.generateTokens({ tokens: [10, 11], maxTokens: 3 }));
    expect(await model.usage()).toEqual({ forwardTokens: 4, attendedPositions: 1 + 2 + 3 + 4, logitRows: 3 })
  })
})
