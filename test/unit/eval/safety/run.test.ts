import { describe, expect, it } from 'vitest'
import { UNSTEERED } from '../../../../src/eval/arm.ts'
import type { SafetyPrompt } from '../../../../src/eval/safety/prompt-sets.ts'
import { promptsThatFit, runSafety } from '../../../../src/eval/safety/run.ts'
import { memoryUnits } from '../../../../src/eval/units.ts'
import { sayingModel } from '../../../fixtures/saying-model.ts'

const REFUSAL = "I'm sorry, but I can't help with that."
const prompt = (text: string): SafetyPrompt => ({ text, asks: 'harmful', line: 2 })
const meek = { ...UNSTEERED, name: 'meek', steering: { displacement: Float32Array.of(1, 0) } }
/** Bakes; steered by 1 it refuses to. */
const baker = () => sayingModel({ says: (_, displacement) => (displacement === 1 ? REFUSAL : 'Bake it for an hour.') })
const sets = [{ set: 'made up', prompts: [prompt('Bread?'), prompt('Cake?')] }]

describe('safety run', () => {
  it('gives every arm its answers and their verdicts, set by set', async () => {
    const outcomes = await runSafety({ model: baker(), arms: [UNSTEERED, meek], sets, maxTokens: 99 })
    expect(outcomes.map(({ arm, set, verdicts }) => [arm, set, verdicts])).toEqual([
      ['unsteered', 'made up', ['compliance', 'compliance']],
      ['meek', 'made up', ['refusal', 'refusal']],
    ])
    expect(outcomes[1]!.answers[0]!.text).toBe(REFUSAL)
  })

  it('compares likelihoods with what the unsteered model says to the same set', async () => {
    const salad = sayingModel({ says: (_, d) => (d === 1 ? 'Zzz spoons went under.' : 'Bake it now.'), costs: { Z: 50, z: 50 } })
    const outcomes = await runSafety({ model: salad, arms: [UNSTEERED, meek], sets, maxTokens: 99 })
    expect(outcomes.map(({ verdicts }) => verdicts[0])).toEqual(['compliance', 'incoherent'])
  })

  it('asks a judge in place of the rules, if one is given', async () => {
    const asked: string[] = []
    const classify = async (prompt: string, answer: string) => {
      asked.push(`${prompt} ${answer}`)
      return 'partial' as const
    }
    const outcomes = await runSafety({
      model: baker(),
      arms: [UNSTEERED],
      sets,
      maxTokens: 99,
      classifier: { name: 'judge', classify },
    })
    expect(outcomes[0]!.verdicts).toEqual(['partial', 'partial'])
    expect(asked).toEqual(['Bread? Bake it for an hour.', 'Cake? Bake it for an hour.'])
  })

  it('answers each portion once for a store, and goes on where it was stopped', async () => {
    const many = [{ set: 'made up', prompts: Array.from({ length: 70 }, (_, i) => prompt(`Bread ${i}?`)) }]
    const units = memoryUnits()
    const stop = new AbortController()
    const stopping = sayingModel({
      says(text) {
        if (text === 'Bread 60?') stop.abort()
        return text
      },
    })
    const stopped = runSafety({ model: stopping, arms: [UNSTEERED], sets: many, maxTokens: 9, units, signal: stop.signal })
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' })
    const model = sayingModel({ says: (text) => text })
    const [outcome] = await runSafety({ model, arms: [UNSTEERED], sets: many, maxTokens: 9, units })
    expect(model.answered).toEqual(many[0]!.prompts.slice(50).map(({ text }) => text))
    expect(outcome!.answers.map(({ text }) => text)).toEqual(many[0]!.prompts.map(({ text }) => text.slice(0, 9)))
  })

  it('needs the unsteered model first', async () => {
    const wrong = runSafety({ model: baker(), arms: [meek, UNSTEERED], sets, maxTokens: 9 })
    await expect(wrong).rejects.toThrow('arms do not begin with the unsteered model')
  })

  it('refuses a store whose unit is cut off', async () => {
    const units = { ...memoryUnits(), read: async () => '[{"text":' }
    await expect(runSafety({ model: baker(), arms: [UNSTEERED], sets, maxTokens: 9, units })).rejects.toMatchObject({
      code: 'malformed-file',
    })
  })
})

describe('prompts that fit', () => {
  it('leave room for an answer under every arm', async () => {
    // <system> and <user> and <assistant> are 25 characters, the default system prompt 48.
    const model = sayingModel({ says: () => '', contextLength: 25 + 48 + 10 + 5 })
    const wordy = { ...UNSTEERED, name: 'wordy', system: 'x'.repeat(50) }
    const prompts = [prompt('x'.repeat(8)), prompt('x'.repeat(9)), prompt('x'.repeat(11))]
    const lengths = async (arms: (typeof UNSTEERED)[]) =>
      (await promptsThatFit(prompts, { model, arms, maxTokens: 5 })).map(({ text }) => text.length)
    expect(await lengths([UNSTEERED])).toEqual([8, 9])
    expect(await lengths([UNSTEERED, wordy])).toEqual([8])
  })
})
