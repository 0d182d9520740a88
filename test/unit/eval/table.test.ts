import { describe, expect, it } from 'vitest'
import { answerTable } from '../../../src/eval/answer-table.ts'
import { formatLikeness, formatTable } from '../../../src/eval/format-table.ts'
import { type ArmPredictions, resultTable } from '../../../src/eval/table.ts'
import { IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import { simulateRespondents } from '../../../src/people/simulate.ts'

const { heldOut } = splitItems()
const persons = simulateRespondents({ count: 12, seed: 2, questionnaire: IPIP_NEO_300 })
const answers = answerTable(persons, heldOut.items)
const arm = (name: string, predictions: Float32Array): ArmPredictions => ({
  arm: name,
  regime: 'person',
  answers: predictions,
  cost: { seconds: 1 },
})
const neutral = new Float32Array(answers.worded.length).fill(3)
const truth = Float32Array.from(answers.worded)

describe('result table', () => {
  const [unchanged, truthful] = resultTable([arm('unchanged', neutral), arm('truthful', truth)], answers, { seed: 1 })

  it('gives the truth no error, every hit, and all of the gain', () => {
    expect(truthful!.corrected).toMatchObject({ sum: 0, interval: [0, 0] })
    expect(truthful!.exact).toBe(1)
    expect(truthful!.gain.value).toBeGreaterThan(1)
    expect(truthful!.overUnchanged!.value).toBeCloseTo(unchanged!.corrected.sum, 10)
  })

  it('gives the same answer for everybody no gain, and marks it as collapsed', () => {
    expect(unchanged!.gain.value).toBeCloseTo(0, 10)
    expect(unchanged!.collapsed).toBe(12)
    expect(truthful!.collapsed).toBe(0)
  })

  it('correlates what stands before rounding, and counts agreement of whole answers', () => {
    const rounded = { ...arm('rounded', neutral), expected: truth }
    const [row] = resultTable([rounded], answers, { seed: 1 })
    expect(row!.likeness).toMatchObject({ profile: expect.closeTo(1, 10), predictionOfPerson: 1, weightedKappa: 0 })
    expect(truthful!.likeness!.weightedKappa).toBe(1)
  })

  it('places every arm between item medians and ridge', () => {
    const half = Float32Array.from(truth, (answer, at) => (at % 2 === 0 ? answer : 3))
    const rows = resultTable([arm('item-median', neutral), arm('half', half), arm('ridge', truth)], answers, { seed: 1 })
    const [median, between, ridge] = rows.map(({ skill }) => skill)
    expect([median, ridge]).toEqual([0, 1])
    expect(between).toBeGreaterThan(0.3)
    expect(between).toBeLessThan(0.7)
    expect(unchanged!.skill).toBeNaN()
  })

  it('prints a line of likeness for every arm, a dash where nothing is known', () => {
    const lines = formatLikeness([unchanged!, truthful!]).split('\n')
    expect(lines[0]).toMatch(/^likeness +skill +kappa +profile r/)
    expect(lines[1]).toMatch(/^unchanged +- +0\.000 +0\.000/)
    expect(lines[2]).toMatch(/^truthful +- +1\.000 +1\.000 +1\.000/)
  })

  it('has no likeness for one respondent alone', () => {
    const one = answerTable(persons.slice(0, 1), heldOut.items)
    const [row] = resultTable([arm('truthful', truth.slice(0, 180))], one, { seed: 1 })
    expect(row!.likeness).toBeUndefined()
    expect(formatLikeness([row!])).toContain('truthful')
  })

  it('puts every value inside its interval', () => {
    for (const { corrected, gain } of [unchanged!, truthful!]) {
      for (const [value, [low, high]] of [
        [corrected.sum, corrected.interval],
        [gain.value, gain.interval],
      ] as const) {
        expect(low).toBeLessThanOrEqual(value + 1e-12)
        expect(high).toBeGreaterThanOrEqual(value - 1e-12)
      }
    }
  })

  it('does not depend on the order of the arms', () => {
    const [again] = resultTable([arm('truthful', truth), arm('unchanged', neutral)], answers, { seed: 1 })
    expect(again).toEqual(truthful)
  })

  it('leaves intervals open for a single person', () => {
    const one = answerTable(persons.slice(0, 1), heldOut.items)
    const [row] = resultTable([arm('truthful', truth.subarray(0, 180))], one, { seed: 1 })
    expect(row!.corrected.interval).toEqual([Number.NaN, Number.NaN])
    expect(row!.gain.value).toBeNaN()
    expect(row!.overUnchanged).toBeUndefined()
  })

  it('prints every arm on its line, aligned, and the notes below', () => {
    const lines = formatTable([unchanged!, truthful!], ['a note']).split('\n')
    expect(lines[0]).toMatch(/^arm\s+uses\s+error/)
    expect(lines[1]).toMatch(/^unchanged \*/)
    expect(lines[2]!.indexOf('0.000')).toBeGreaterThan(0)
    expect(lines).toContain('a note')
  })
})
