import { describe, expect, it, vi } from 'vitest'
import { UNSTEERED } from '../../../../src/eval/arm.ts'
import { armDigest } from '../../../../src/eval/arm-digest.ts'
import { formatCapability } from '../../../../src/eval/capability/format.ts'
import { parseCapabilityResult } from '../../../../src/eval/capability/result.ts'
import { capabilityRows } from '../../../../src/eval/capability/rows.ts'
import { runCapability } from '../../../../src/eval/capability/run.ts'
import { gsm8kTask, hellaswagTask } from '../../../../src/eval/capability/tasks.ts'
import { memoryUnits } from '../../../../src/eval/units.ts'
import { letterModel } from '../../../fixtures/letter-model.ts'

const item = (row: number, choices: readonly string[], answer = 0) => ({
  id: `made-up ${row}`,
  subject: undefined,
  question: `Text ${row}`,
  choices,
  answer,
})
/** Unsteered a is cheap and b dear; steered the other way round. */
const model = letterModel({ costs: { ' ': 1, a: 1, b: 2 }, steered: { ' ': 1, a: 2, b: 1 } })
const steered = { name: 'steered', system: undefined, steering: { displacement: new Float32Array([1, 0]) } }
/** 40 that the unsteered model knows, of 50; steered it knows the other ten. */
const task = hellaswagTask(Array.from({ length: 50 }, (_, row) => item(row, ['a', 'b'], row < 40 ? 0 : 1)))
const run = (units = memoryUnits(), arms = [UNSTEERED, steered]) =>
  runCapability({ model, arms, tasks: [task], beginning: [], units, version: '1' })

describe('run over arms and tasks', () => {
  it('compares each arm with the unsteered one on the same documents', async () => {
    const rows = capabilityRows(await run(), { margin: 2, seed: 0 })
    const [base, arm] = rows.filter(({ metric }) => metric === 'acc')
    expect(base).toMatchObject({ arm: 'unsteered', n: 50, value: 0.8, chance: false, chanceLevel: 0.5 })
    expect(base!.stderr).toBeCloseTo(Math.sqrt((0.8 * 0.2) / 49), 12)
    expect(base).not.toHaveProperty('difference')
    expect(arm).toMatchObject({ value: 0.2, nonInferior: false, mcnemar: { worse: 40, better: 10 } })
    expect(arm!.difference!.value).toBeCloseTo(-0.6, 12)
    expect(arm!.difference!.interval[1]).toBeLessThan(-0.3)
    // Only the first measure of a task is a claim.
    expect(rows.filter(({ mcnemar }) => mcnemar?.pHolm !== undefined).map(({ metric }) => metric)).toEqual(['acc_norm'])
  })

  it('claims no loss of an arm that answers alike only within a margin that so few documents can show', async () => {
    const same = { ...steered, name: 'same', steering: {} }
    const outcomes = await run(memoryUnits(), [UNSTEERED, same])
    const rowAt = (margin: number) =>
      capabilityRows(outcomes, { margin, seed: 0 }).find(({ arm, metric }) => arm === 'same' && metric === 'acc')
    expect(rowAt(5)).toMatchObject({ difference: { value: 0 }, mcnemar: { worse: 0, better: 0, p: 1 }, nonInferior: true })
    expect(rowAt(0.1)).toMatchObject({ nonInferior: false })
  })

  it('says that losses are not informative where the unsteered model guesses', async () => {
    const guessed = { ...task, documents: task.documents.slice(30) }
    const outcomes = await runCapability({ model, arms: [UNSTEERED, steered], tasks: [guessed], beginning: [] })
    const [base, arm] = capabilityRows(outcomes, { margin: 2, seed: 0 }).filter(({ metric }) => metric === 'acc')
    expect(base).toMatchObject({ value: 0.5, chance: true })
    expect(arm).toMatchObject({ chance: true, nonInferior: 'not informative' })
  })

  it('says the same where it does worse than guessing', async () => {
    const wrong = { ...task, documents: task.documents.slice(38) }
    const outcomes = await runCapability({ model, arms: [UNSTEERED], tasks: [wrong], beginning: [] })
    expect(capabilityRows(outcomes, { margin: 2, seed: 0 }).map(({ chance }) => chance)).toEqual([true, true, true, true])
  })

  it('adjusts p values over arms and tasks', async () => {
    const arms = [UNSTEERED, steered, { ...steered, name: 'again' }]
    const rows = capabilityRows(await run(memoryUnits(), arms), { margin: 2, seed: 0 })
    const claims = rows.filter(({ primary, mcnemar }) => primary && mcnemar)
    expect(claims).toHaveLength(2)
    for (const { mcnemar } of claims) expect(mcnemar!.pHolm).toBeCloseTo(2 * mcnemar!.p!, 12)
  })

  it('reports for texts how many held no number and how many were never finished', async () => {
    const problems = gsm8kTask([{ id: 'q', question: 'q', answer: '#### 2' }], [])
    const speaking = letterModel({ says: 'It is 2', reason: 'length' })
    const outcomes = await runCapability({ model: speaking, arms: [UNSTEERED], tasks: [problems], beginning: [] })
    expect(capabilityRows(outcomes, { margin: 2, seed: 0 })).toMatchObject([
      { metric: 'exact_match,strict-match', value: 0, invalid: 1, unfinished: 1, chanceLevel: 0 },
      { metric: 'exact_match,flexible-extract', value: 1, invalid: 0, unfinished: 1 },
    ])
  })

  it('asks nothing that a store already holds, and asks again under another version', async () => {
    const units = memoryUnits()
    const first = await run(units)
    const score = vi.spyOn(model, 'score')
    expect(await run(units)).toEqual(first)
    expect(score).not.toHaveBeenCalled()
    await runCapability({ model, arms: [UNSTEERED], tasks: [task], beginning: [], units, version: '2' })
    expect(score).toHaveBeenCalled()
    score.mockRestore()
  })

  it('works in units of a hundred documents', async () => {
    const tall = hellaswagTask(Array.from({ length: 250 }, (_, row) => item(row, ['a', 'b'])))
    const score = vi.spyOn(model, 'score')
    await runCapability({ model, arms: [UNSTEERED], tasks: [tall], beginning: [] })
    expect(score.mock.calls.map(([requests]) => requests.length)).toEqual([100, 100, 50])
    score.mockRestore()
  })
})

describe('digest of an arm', () => {
  it('depends on what the arm does and not on its name', async () => {
    const digest = await armDigest(steered)
    expect(await armDigest({ ...steered, name: 'other' })).toBe(digest)
    const adapter = {
      rank: 1,
      alpha: 1,
      targets: ['q_proj'] as const,
      pairs: new Map([['q', { a: Float32Array.of(1), b: Float32Array.of(2) }]]),
    }
    const others = [
      UNSTEERED,
      { ...steered, system: 'calm' },
      { ...steered, steering: { displacement: new Float32Array([1, 1e-6]) } },
      { ...steered, steering: { adapter } },
      { ...steered, steering: { adapter: { ...adapter, alpha: 2 } } },
    ]
    expect(new Set([digest, ...(await Promise.all(others.map(armDigest)))]).size).toBe(6)
  })
})

describe('capability result', () => {
  const result = async () => ({
    kind: 'capability' as const,
    model: 'm',
    modelFingerprint: 'f',
    seed: 0,
    version: '1',
    bench: [{ task: 'hellaswag', file: 'f', sha256: 's', documents: 50, of: 50, form: 'as it is', shots: 0 }],
    reporting: false,
    prompting: 'raw',
    margin: 2,
    rows: capabilityRows(await run(), { margin: 2, seed: 0 }),
  })

  it('is read back as it was written', async () => {
    const written = await result()
    expect(parseCapabilityResult(JSON.parse(JSON.stringify(written)))).toEqual(written)
  })

  it('is refused with the name of what is wrong', async () => {
    const written = await result()
    expect(() => parseCapabilityResult({ ...written, rows: [{ ...written.rows[0], n: 'x' }] })).toThrow(/rows\.0\.n/)
  })

  it('is shown with counts, with p values and with a warning where it is only a part', async () => {
    const shown = formatCapability(await result())
    expect(shown).toMatch(/hellaswag\s+acc\s+steered\s+20\.0 .* 40\s+10/)
    expect(shown).toContain('Not for reporting')
  })
})
