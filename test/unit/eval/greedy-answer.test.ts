import { describe, expect, it } from 'vitest'
import { UNSTEERED } from '../../../src/eval/arm.ts'
import { greedyAnswer } from '../../../src/eval/greedy-answer.ts'
import { sayingModel } from '../../fixtures/saying-model.ts'

const steered = { ...UNSTEERED, name: 'me', steering: { displacement: Float32Array.of(1, 0) } }

describe('greedy answer', () => {
  it('is asked under the default system prompt, or under that of the arm', async () => {
    const model = sayingModel({ says: (_, __, system) => system })
    const said = async (arm: typeof UNSTEERED) => (await greedyAnswer(model, 'Who?', { arm, maxTokens: 99 })).text
    expect(await said(UNSTEERED)).toBe('You are a helpful, honest and concise assistant.')
    expect(await said({ ...UNSTEERED, system: 'I am calm.' })).toBe('I am calm.')
  })

  it('has the likelihood that the unsteered model gives it, whoever wrote it', async () => {
    const model = sayingModel({ says: (_, displacement) => (displacement === 0 ? 'aa' : 'aaz'), costs: { z: 5 } })
    expect(await greedyAnswer(model, 'Who?', { arm: UNSTEERED, maxTokens: 9 })).toMatchObject({ tokens: 2, logLikelihood: -2 })
    expect(model.scored).toHaveLength(0)
    expect(await greedyAnswer(model, 'Who?', { arm: steered, maxTokens: 9 })).toMatchObject({ tokens: 3, logLikelihood: -7 })
    expect(model.scored).toHaveLength(1)
  })

  it('may be empty, and says when it was cut', async () => {
    const model = sayingModel({ says: (prompt) => prompt })
    expect(await greedyAnswer(model, '', { arm: steered, maxTokens: 3 })).toEqual({
      text: '',
      tokens: 0,
      logLikelihood: 0,
      cut: false,
    })
    expect(await greedyAnswer(model, 'abc', { arm: UNSTEERED, maxTokens: 3 })).toMatchObject({ text: 'abc', cut: false })
    expect(await greedyAnswer(model, 'abcd', { arm: UNSTEERED, maxTokens: 3 })).toMatchObject({ text: 'abc', cut: true })
  })

  it('stops on the signal', async () => {
    const model = sayingModel({ says: () => 'a' })
    const signal = AbortSignal.abort()
    await expect(greedyAnswer(model, 'Who?', { arm: UNSTEERED, maxTokens: 3, signal })).rejects.toMatchObject({ code: 'aborted' })
  })
})
