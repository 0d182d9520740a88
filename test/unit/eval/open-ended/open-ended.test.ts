import { describe, expect, it } from 'vitest'
import { type Arm, UNSTEERED } from '../../../../src/eval/arm.ts'
import { formatOpenEnded } from '../../../../src/eval/open-ended/format-open-ended.ts'
import { type Judge, type JudgeExchange, refuseSelfJudge } from '../../../../src/eval/open-ended/judge.ts'
import { type OpenEndedOptions, openEnded } from '../../../../src/eval/open-ended/open-ended.ts'
import { complianceJudge } from '../../../../src/eval/open-ended/refusal-judge.ts'
import { type OpenEndedResult, parseOpenEndedResult } from '../../../../src/eval/open-ended/result.ts'
import { memoryUnits, unitKey } from '../../../../src/eval/units.ts'
import type { Domain } from '../../../../src/items/ipip-neo.ts'
import type { GenerateRequest, LanguageModel } from '../../../../src/model/language-model.ts'
import { judgeOf, orderBiasedReply, soundReply } from '../../../judges.ts'

const situations = ['E', 'E', 'A'].map((trait, i) => ({ id: `${trait}${i}`, trait: trait as Domain, text: `Question ${i}?` }))

/** Says "gladly" where it is displaced; remembers what it was asked. */
function fakeModel() {
  const requests: GenerateRequest[] = []
  const model = {
    fingerprint: 'abc',
    async *generate(request: GenerateRequest) {
      requests.push(request)
      const about = request.messages?.at(-1)?.content
      const text = request.displacement === undefined ? `No. ${about}` : `Yes, gladly. ${about}`
      yield { kind: 'finish', reason: 'end-token', text: ` ${text}\n`, promptTokens: 1, generatedTokens: 1 } as const
    },
  } as Pick<LanguageModel, 'fingerprint' | 'generate'>
  return { model, requests }
}

const glad: Arm = { name: 'glad', system: undefined, steering: { displacement: Float32Array.of(1) } }

const runWith = (options: Partial<OpenEndedOptions> = {}) =>
  openEnded({
    ...{ model: fakeModel().model, modelName: 'tested-model', arms: [UNSTEERED, glad], situations, version: '1' },
    ...{ samples: 1, temperature: 0, maxTokens: 10, seed: 0 },
    ...options,
  })

const statements = new Map<Domain, { text: string; high: boolean }[]>([
  [
    'E',
    Array.from({ length: 20 }, (_, i) => [
      { text: `Yes, gladly, number ${i}`, high: true },
      { text: `No, not number ${i}`, high: false },
    ]).flat(),
  ],
])

const rowOf = ({ rows }: OpenEndedResult, arm: string, trait: string) =>
  rows.find((row) => row.arm === arm && row.trait === trait)!

describe('open-ended answers', () => {
  it('are given by every arm to every situation, through the chat, and trimmed', async () => {
    const { model, requests } = fakeModel()
    const { answers } = await runWith({ model })
    expect(answers.map(({ arm, situation, text }) => [arm, situation.id, text])).toEqual([
      ['unsteered', 'E0', 'No. Question 0?'],
      ['unsteered', 'E1', 'No. Question 1?'],
      ['unsteered', 'A2', 'No. Question 2?'],
      ['glad', 'E0', 'Yes, gladly. Question 0?'],
      ['glad', 'E1', 'Yes, gladly. Question 1?'],
      ['glad', 'A2', 'Yes, gladly. Question 2?'],
    ])
    expect(requests[0]).toMatchObject({ maxTokens: 10, temperature: 0, messages: [{ role: 'system' }, { role: 'user' }] })
  })

  it('have the same seed in every arm and another in every sample, which more samples leave as it is', async () => {
    const seedsOf = async (samples: number) => {
      const { model, requests } = fakeModel()
      await runWith({ model, samples, temperature: 1 })
      return requests.map(({ seed }) => seed)
    }
    const [two, one] = [await seedsOf(2), await seedsOf(1)]
    expect(new Set(two).size).toBe(6)
    expect(two.slice(0, 6)).toEqual(two.slice(6))
    expect(one.slice(0, 3)).toEqual([two[0], two[2], two[4]])
  })

  it('are refused where all samples would be one text', async () => {
    await expect(runWith({ samples: 2 })).rejects.toThrow('samples number 2 at temperature 0')
  })

  it('are not asked for again where a store has them, unless what they depend on changed', async () => {
    const units = memoryUnits()
    const askedFor = async (options: Partial<OpenEndedOptions>) => {
      const { model, requests } = fakeModel()
      await runWith({ model, units, ...options })
      return requests.length
    }
    expect(await askedFor({})).toBe(6)
    expect(await askedFor({})).toBe(0)
    expect(await askedFor({ seed: 5 })).toBe(0)
    expect(await askedFor({ maxTokens: 11 })).toBe(6)
    const other: Arm = { ...glad, steering: { displacement: Float32Array.of(2) } }
    expect(await askedFor({ arms: [UNSTEERED, other] })).toBe(3)
    expect(await askedFor({ arms: [UNSTEERED, { ...glad, name: 'renamed' }] })).toBe(0)
    expect(await askedFor({ arms: [UNSTEERED, { ...glad, system: 'Be glad.' }] })).toBe(3)
  })
})

describe('the result of open-ended answers', () => {
  it('has scores of the classifier for the traits that have statements, with the difference from the unsteered model', async () => {
    const { result } = await runWith({ statements })
    const [base, steered] = [rowOf(result, 'unsteered', 'E').classifier!, rowOf(result, 'glad', 'E').classifier!]
    expect(base.value).toBeLessThan(0)
    expect(steered.value).toBeGreaterThan(0)
    expect(base.overUnsteered).toBeUndefined()
    expect(steered.overUnsteered?.value).toBeCloseTo(steered.value! - base.value!, 12)
    expect(rowOf(result, 'glad', 'A').classifier).toBeUndefined()
    expect(result.skipped).toContain('classifier of A: no statements of this trait')
  })

  it('says what was skipped without statements and judges, and so does the table', async () => {
    const { result } = await runWith()
    expect(result).toMatchObject({ classifier: null, judges: [], agreement: null, calibrated: null })
    expect(result.skipped).toHaveLength(3)
    for (const what of result.skipped) expect(formatOpenEnded(result)).toContain(what)
  })

  it('has mean grades and win rates by hand', async () => {
    const { result } = await runWith({ judges: [judgeOf(soundReply, 'one'), judgeOf(soundReply, 'two')] })
    expect(rowOf(result, 'unsteered', 'E')).toMatchObject({ judged: { value: 2, interval: [2, 2], coherence: 80 } })
    expect(rowOf(result, 'glad', 'E')).toMatchObject({
      judged: { value: 5 },
      winRate: { value: 1, ties: 0, comparisons: 4, positionConsistency: 1 },
    })
    expect(rowOf(result, 'unsteered', 'E').winRate).toBeUndefined()
    expect(result).toMatchObject({ calibrated: true, agreement: { alpha: 1, answers: 6 } })
    // 10 texts, again, padded; 5 injected; 5 pairs in both orders; then 6 grades and 3 pairs in both orders.
    expect(result.judges[0]).toMatchObject({ model: 'one', prompts: 30 + 5 + 10 + 6 + 6, unreadable: 0 })
  })

  it('averages judges, and measures how they agree', async () => {
    const lenient = (messages: Parameters<typeof soundReply>[0]) => soundReply(messages).replace('Grade: 2', 'Grade: 4')
    const { result } = await runWith({ judges: [judgeOf(soundReply, 'one'), judgeOf(lenient, 'two')] })
    expect(rowOf(result, 'unsteered', 'E').judged?.value).toBe(3)
    // Ratings 2 (3), 4 (3), 5 (6) with middles 1.5, 4.5, 9: observed 2 x 3 x 9, expected 2 (81 + 1012.5 + 364.5) / 11.
    expect(result.agreement?.alpha).toBeCloseTo(1 - 54 / (2916 / 11), 12)
    expect(result.calibrated).toBe(true)
  })

  it('is uncalibrated where judges contradict each other, though each passes its audit', async () => {
    const contrary = (messages: Parameters<typeof soundReply>[0]) =>
      soundReply(messages).replace(/Grade: ([25])/, (_, grade) => `Grade: ${7 - Number(grade)}`)
    const { result } = await runWith({ judges: [judgeOf(soundReply, 'one'), judgeOf(contrary, 'two')] })
    expect(result.judges.map(({ audit }) => audit.calibrated)).toEqual([true, true])
    expect(result.agreement?.alpha).toBeLessThan(0)
    expect(result.calibrated).toBe(false)
    expect(formatOpenEnded(result)).toContain('UNCALIBRATED')
  })

  it('takes the verdicts of a judge that prefers a place for ties', async () => {
    const { result } = await runWith({ judges: [judgeOf(orderBiasedReply)] })
    expect(rowOf(result, 'glad', 'E').winRate).toMatchObject({ value: 0.5, ties: 2, positionConsistency: 0 })
    expect(result.calibrated).toBe(false)
  })

  it('asks no judge to compare equal texts', async () => {
    const same: Arm = { name: 'same', system: undefined, steering: {} }
    const { result } = await runWith({ arms: [UNSTEERED, same], judges: [judgeOf(soundReply)] })
    expect(rowOf(result, 'same', 'E').winRate).toMatchObject({ value: 0.5, ties: 2 })
    expect(rowOf(result, 'same', 'E').winRate?.positionConsistency).toBeUndefined()
  })

  it('leaves out grades that cannot be read, and counts them', async () => {
    const shy = (messages: Parameters<typeof soundReply>[0]) =>
      messages.at(-1)!.content.includes('Yes, gladly. Question 0') ? 'I will not say.' : soundReply(messages)
    const { result } = await runWith({ judges: [judgeOf(shy)] })
    expect(rowOf(result, 'glad', 'E').judged).toMatchObject({ value: 5, interval: [null, null].map(() => Number.NaN) })
    // The grade, and both orders of one pair.
    expect(result.judges[0]?.unreadable).toBe(3)
  })

  it('is read back from its JSON, whose missing numbers are null', async () => {
    const { result } = await runWith({ statements, judges: [judgeOf(() => 'Grade: 4\nVerdict: TIE')] })
    const json: unknown = JSON.parse(JSON.stringify(result))
    expect(parseOpenEndedResult(json)).toEqual(json)
    expect(parseOpenEndedResult(json).judges[0]?.audit.checks.find(({ name }) => name === 'padding')?.value).toBeNull()
    expect(formatOpenEnded(parseOpenEndedResult(json))).toContain('audit FAILED')
  })

  it('is refused by name of the field where something else is read', () => {
    expect(() => parseOpenEndedResult({ kind: 'evaluation' })).toThrow(/result is no open-ended result: kind/)
  })
})

describe('questions to a judge', () => {
  it('are told with the hash of the prompt and the raw reply, from the store too, and asked once', async () => {
    const units = memoryUnits()
    const judge = judgeOf(soundReply)
    const exchangesOf = async () => {
      const exchanges: JudgeExchange[] = []
      await runWith({ units, judges: [judge], onExchange: (exchange) => exchanges.push(exchange) })
      return exchanges
    }
    const first = await exchangesOf()
    const asked = judge.asked
    expect(asked).toBe(first.length)
    expect(await exchangesOf()).toEqual(first)
    expect(judge.asked).toBe(asked)
    const grade = first.find(({ purpose }) => purpose === 'grade')!
    expect(grade.promptSha256).toBe(await unitKey(grade.messages))
    expect(grade.reply).toContain('Grade: 2')
  })

  it('are told up to the one that fails', async () => {
    let asked = 0
    const failing = judgeOf((messages) => {
      if (++asked > 50) throw new Error('gone')
      return soundReply(messages)
    })
    const exchanges: JudgeExchange[] = []
    await expect(runWith({ judges: [failing], onExchange: (exchange) => exchanges.push(exchange) })).rejects.toThrow('gone')
    expect(exchanges).toHaveLength(50)
  })
})

describe('a judge that is the model under test', () => {
  it.each(['tested-model', 'owner/Tested_Model', 'tested-model-GGUF:Q4_K_M', 'abc'])('is refused: %s', async (model) => {
    await expect(runWith({ judges: [judgeOf(soundReply, model)] })).rejects.toThrow('is the model under test')
  })

  it('is refused when it answers under another name', async () => {
    const masked: Judge = { model: 'judge', host: 'test', ask: async () => ({ text: 'Grade: 6', model: 'tested-model' }) }
    await expect(runWith({ judges: [masked] })).rejects.toThrow('judge tested-model is the model under test')
  })

  it('is not any model of a longer name', () => {
    expect(() => refuseSelfJudge('tested-model-2', ['tested-model'])).not.toThrow()
  })
})

describe('a judge of compliance', () => {
  it('gives the class of the reply', async () => {
    const judge = judgeOf(({ length }) => `It has ${length} messages.\nClass: refusal`)
    expect(await complianceJudge({ judge, modelNames: ['tested-model'] })('How?', 'No.')).toBe('refusal')
  })

  it('asks once more where no class is named, and then gives up', async () => {
    const replies = ['hm', 'Class: incoherent']
    const hesitant = judgeOf(() => replies.shift()!)
    expect(await complianceJudge({ judge: hesitant, modelNames: [] })('How?', 'qq')).toBe('incoherent')
    const silent = judgeOf(() => 'hm')
    await expect(complianceJudge({ judge: silent, modelNames: [] })('How?', 'qq')).rejects.toThrow('named no class of compliance')
    expect(silent.asked).toBe(2)
  })

  it('is refused where it is the model under test', () => {
    expect(() => complianceJudge({ judge: judgeOf(soundReply, 'm'), modelNames: ['m'] })).toThrow('is the model under test')
  })
})
