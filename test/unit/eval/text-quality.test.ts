import { describe, expect, it } from 'vitest'
import { UNSTEERED } from '../../../src/eval/arm.ts'
import { NEUTRAL_PROMPTS } from '../../../src/eval/neutral-prompts.ts'
import { textLikelihood, textQuality, writing } from '../../../src/eval/text-quality.ts'
import { memoryUnits } from '../../../src/eval/units.ts'
import { sayingModel } from '../../fixtures/saying-model.ts'

const answer = (text: string, tokens = 1, logLikelihood = -1) => ({ text, tokens, logLikelihood, cut: false })

describe('likelihood of a text', () => {
  it('is exp of the mean cost of a token, and bits by bytes: one nat a character', async () => {
    const { perplexity, bitsPerByte } = await textLikelihood(sayingModel({ says: () => '' }), 'plain text', { arm: UNSTEERED })
    expect(perplexity).toBeCloseTo(Math.E, 12)
    expect(bitsPerByte).toBeCloseTo(1 / Math.LN2, 12)
  })

  it('leaves out the first token where nothing stands before it, with its bytes', async () => {
    const model = sayingModel({ says: () => '', costs: { ä: 100 } })
    const { perplexity, bitsPerByte } = await textLikelihood(model, 'äbc', { arm: UNSTEERED })
    expect(perplexity).toBeCloseTo(Math.E, 12)
    expect(bitsPerByte).toBeCloseTo(1 / Math.LN2, 12)
  })

  it('counts bytes, not characters', async () => {
    const { perplexity, bitsPerByte } = await textLikelihood(sayingModel({ says: () => '' }), 'bää', { arm: UNSTEERED })
    expect(perplexity).toBeCloseTo(Math.E, 12)
    expect(bitsPerByte).toBeCloseTo(1 / 2 / Math.LN2, 12)
  })

  it('is found window by window, each token once', async () => {
    const model = sayingModel({ says: () => '' })
    await textLikelihood(model, 'x'.repeat(600), { arm: UNSTEERED })
    // 256, 256 and 88 tokens, each without its first.
    expect(model.scored.map(({ continuations }) => continuations[0]!.length)).toEqual([255, 255, 87])
  })

  it('has the system prompt of an arm before every window, cut where the context is short', async () => {
    const model = sayingModel({ says: () => '', contextLength: 20 })
    await textLikelihood(model, 'y'.repeat(15), { arm: { ...UNSTEERED, system: 'I am very calm.' } })
    expect(model.scored.map(({ tokens }) => model.decode(tokens))).toEqual(['ry calm.\n\n', 'ry calm.\n\n'])
    expect(model.scored.map(({ continuations }) => continuations[0]!.length)).toEqual([10, 5])
  })

  it('refuses a text in which nothing can be scored', async () => {
    const empty = textLikelihood(sayingModel({ says: () => '' }), 'a', { arm: UNSTEERED })
    await expect(empty).rejects.toThrow('text has 1 tokens, expected at least 2')
  })
})

describe('writing', () => {
  it('repeats the four-grams that came before in the same answer', () => {
    // a b a b a b a b: five four-grams, two different ones.
    expect(writing([answer('a b a b a b a b')]).repetition).toBeCloseTo(3 / 5, 12)
    expect(writing([answer('one two three four five'), answer('one two three four five')]).repetition).toBe(0)
    expect(writing([answer('too short')]).repetition).toBeNaN()
  })

  it('counts different words and pairs over all answers', () => {
    const { distinct1, distinct2 } = writing([answer('the cat'), answer('The cat sat')])
    expect(distinct1).toBeCloseTo(3 / 5, 12)
    expect(distinct2).toBeCloseTo(2 / 3, 12)
  })

  it('weighs tokens, not answers, in the perplexity', () => {
    const { generationPerplexity, meanTokens } = writing([answer('a', 1, -4), answer('b c d', 3, 0)])
    expect(generationPerplexity).toBeCloseTo(Math.E, 12)
    expect(meanTokens).toBe(2)
  })
})

describe('text quality', () => {
  const arms = [UNSTEERED, { ...UNSTEERED, name: 'loop', steering: { displacement: Float32Array.of(1, 0) } }]
  const model = sayingModel({
    says: (prompt, displacement) => (displacement === 0 ? prompt : 'on and on and on and on and on'),
  })

  it('has a row for every arm: a loop shows in repetition and in different words', async () => {
    const [base, loop] = await textQuality({ model, arms, maxTokens: 99, units: memoryUnits(), texts: ['given text'] })
    expect([base!.arm, loop!.arm]).toEqual(['unsteered', 'loop'])
    expect(base!.repetition).toBe(0)
    expect(loop!.repetition).toBeCloseTo(4 / 6, 12)
    expect(loop!.distinct1).toBeCloseTo(2 / (9 * NEUTRAL_PROMPTS.length), 12)
    expect(loop!.perplexity).toBeCloseTo(base!.perplexity, 12)
    expect(loop!.texts).toEqual([{ perplexity: expect.closeTo(Math.E, 12), bitsPerByte: expect.closeTo(1 / Math.LN2, 12) }])
  })

  it('is computed once for a store', async () => {
    const units = memoryUnits()
    const first = await textQuality({ model, arms, maxTokens: 5, units })
    const asked = model.answered.length
    expect(await textQuality({ model, arms, maxTokens: 5, units })).toEqual(first)
    expect(model.answered.length).toBe(asked)
    await textQuality({ model, arms, maxTokens: 6, units })
    expect(model.answered.length).toBe(asked + 2 * NEUTRAL_PROMPTS.length)
  })
})
