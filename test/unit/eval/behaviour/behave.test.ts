import { beforeAll, describe, expect, it } from 'vitest'
import { type BehaveOptions, type BehaviourMeasures, behave } from '../../../../src/eval/behaviour/behave.ts'
import { DOSES } from '../../../../src/eval/behaviour/dose-response.ts'
import { steerableTrait, type TraitId } from '../../../../src/eval/behaviour/traits.ts'
import { memoryUnits } from '../../../../src/eval/units.ts'
import { IPIP_NEO_300 } from '../../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../../src/items/item-split.ts'
import { type Answer, toWorded } from '../../../../src/items/questionnaire.ts'
import type { Respondent } from '../../../../src/people/respondent.ts'
import { BIAS, extravert, NOISE, SD3_MADE_UP, statementsOf, twoTraitModel } from '../../../fixtures/two-trait-model.ts'

const close = (value: number) => expect.closeTo(value, 6)
const SPREAD = NOISE * Math.sqrt(8 / 6)
const setsOf = (...traits: Parameters<typeof statementsOf>[0][]) =>
  traits.map((trait) => ({ trait, statements: statementsOf(trait) }))
const steer = (...traits: TraitId[]) => traits.flatMap((trait) => steerableTrait(trait, undefined) ?? [])
const options: BehaveOptions = {
  model: twoTraitModel(),
  statements: setsOf('extraversion', 'neuroticism'),
  steerable: steer('extraversion', 'neuroticism'),
  random: 4,
  seed: 1,
}

describe('behaviour of a model steered by hand', () => {
  let measures: BehaviourMeasures
  beforeAll(async () => {
    measures = await behave(options)
  })

  it('has no trait unsteered, only a liking for Yes', () => {
    expect(measures.base.map(({ trait, score, yesBias }) => [trait, score, yesBias])).toEqual([
      ['extraversion', close(0), close(BIAS)],
      ['neuroticism', close(0), close(BIAS)],
    ])
    expect(measures.persons).toBeNull()
    expect(measures.skipped).toEqual([])
  })

  it('follows the dose: 2 sigma of extraversion at dose 1, and half of it of neuroticism', () => {
    const curves = measures.doses.map(({ trait, pole, points }) => [trait, pole, points.map(({ score }) => score)])
    expect(curves).toEqual([
      ['extraversion', 'high', DOSES.map((dose) => close(2 * dose))],
      ['extraversion', 'low', DOSES.map((dose) => close(-2 * dose))],
      ['neuroticism', 'high', DOSES.map((dose) => close(dose))],
      ['neuroticism', 'low', DOSES.map((dose) => close(-dose))],
    ])
    for (const summary of measures.doses) {
      expect(summary).toMatchObject({
        alpha: 2,
        spearman: 1,
        rSquared: close(1),
        monotoneShare: 1,
        overshootAt: null,
        antiSteered: 0,
      })
    }
  })

  it('gives how far the model is moved on neutral prompts', () => {
    // KL of even odds from log-odds s: ln((1 + e^s) / 2) - s / 2.
    const kl = (s: number) => Math.log((1 + Math.exp(s)) / 2) - s / 2
    expect(measures.doses[1]!.points.map(({ alpha, klP95 }) => [alpha, klP95])).toEqual(
      DOSES.map((dose) => [2 * dose, close(kl(-2 * dose))]),
    )
  })

  it('leaks as it was made to: extraversion into neuroticism, nothing back', () => {
    const { effects, offDiagonalRatio, excess, steered, measured } = measures.leakage!
    expect([steered, measured]).toEqual([
      ['extraversion', 'neuroticism'],
      ['extraversion', 'neuroticism'],
    ])
    expect(effects).toEqual([
      [close(4 / SPREAD), close(-1 / SPREAD)],
      [close(0), close(2 / SPREAD)],
    ])
    expect(offDiagonalRatio).toBeCloseTo(0.5 / 3, 6)
    // People: -.508 between the two.
    expect(excess).toEqual([
      [close(0), close((-1 + 0.508 * 4) / SPREAD)],
      [close((0.508 * 2) / SPREAD), close(0)],
    ])
  })

  it('moves less along random directions, each its own, the same for the same seed', async () => {
    expect(measures.controls.map(({ trait }) => trait)).toEqual([
      ...Array(4).fill('extraversion'),
      ...Array(4).fill('neuroticism'),
    ])
    const own = { extraversion: 4 / SPREAD, neuroticism: 2 / SPREAD }
    for (const { trait, effect } of measures.controls) {
      expect(Math.abs(effect!)).toBeLessThan(own[trait as keyof typeof own])
      expect(effect).not.toBe(0)
    }
    expect(new Set(measures.controls.map(({ seed, trait }) => `${trait} ${seed}`)).size).toBe(8)
    const again = await behave(options)
    expect(again).toEqual(measures)
    const other = await behave({ ...options, seed: 2 })
    expect(other.controls.map(({ effect }) => effect)).not.toEqual(measures.controls.map(({ effect }) => effect))
  })

  it('finds its work again in the store, and does it anew for another seed', async () => {
    const units = memoryUnits()
    const first = await behave({ ...options, units })
    const base = twoTraitModel()
    const deaf = { ...base, record: () => Promise.reject(new Error('work was done')) }
    expect(await behave({ ...options, units, model: deaf })).toEqual(first)
    await expect(behave({ ...options, units, model: deaf, seed: 2 })).rejects.toThrow('work was done')
    await expect(behave({ ...options, units, model: deaf, random: 0 })).rejects.toThrow('work was done')
  })

  it('tells of its progress to the end', async () => {
    const told: string[] = []
    const onStage = (name: string) => ({
      update: ({ done, total }: { done: number; total: number }) => void (done === total && told.push(`${name} ${total}`)),
      end: () => undefined,
    })
    await behave({ ...options, random: 1, onStage })
    // Two traits, two poles, eight doses and one random direction.
    expect(told).toContain('steering traits 36')
  })

  it('stops on the signal', async () => {
    await expect(behave({ ...options, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
  })
})

describe('behaviour where not everything can be done', () => {
  it('counts doses in the default unit where no alpha helped, and says so', async () => {
    const { doses, skipped } = await behave({
      ...options,
      model: twoTraitModel({ help: 0 }),
      steerable: steer('extraversion'),
      random: 0,
    })
    expect(doses.map(({ alpha, points }) => [alpha, points[4]])).toEqual([
      [0, { dose: 1, alpha: 4, klP95: expect.any(Number), score: close(4) }],
      [0, { dose: 1, alpha: 4, klP95: expect.any(Number), score: close(-4) }],
    ])
    expect(skipped).toContain(
      'no alpha for the high end of extraversion: steering did not help on tuning items, dose 1 is 4 sigma instead',
    )
  })

  it('measures traits of the Dark Triad without their wording, and steers them with it', async () => {
    const statements = setsOf('extraversion', 'machiavellianism')
    const without = await behave({ ...options, statements, steerable: steer('extraversion', 'machiavellianism'), random: 0 })
    expect(without.leakage).toMatchObject({ steered: ['extraversion'], measured: ['extraversion', 'machiavellianism'] })
    expect(without.leakage!.effects).toEqual([[close(4 / SPREAD), close(0)]])
    expect(without.skipped).toEqual(['machiavellianism is measured but not steered: the wording of its items was not given'])
    const steerable = [steerableTrait('machiavellianism', SD3_MADE_UP)!]
    const { leakage } = await behave({ ...options, statements, steerable, random: 0 })
    expect(leakage!.effects).toEqual([[close(0), close(4 / SPREAD)]])
  })

  it('refuses to steer what it does not measure', async () => {
    await expect(behave({ ...options, statements: setsOf('extraversion') })).rejects.toThrow(
      /neuroticism is steered but has no statements/,
    )
  })
})

describe('behaviour of persons', () => {
  /** Keyed `value` on the known items of extraversion, 3 of neuroticism; nothing else. */
  const person = (row: number, value: Answer, withNeuroticism = true): Respondent => {
    const answers = splitItems().known.items.flatMap(({ itemNumber, domain }): [number, Answer][] =>
      domain === 'E' ? [[itemNumber, value]] : domain === 'N' && withNeuroticism ? [[itemNumber, 3]] : [],
    )
    const keyed = { coding: 'keyed' as const, byItem: new Map(answers) }
    return { row, questionnaire: IPIP_NEO_300, answers: toWorded(IPIP_NEO_300, keyed) }
  }
  const respondents = [person(0, 1), person(1, 2), person(2, 4), person(3, 5, false)]
  const persons = {
    methods: ['unchanged', 'personality-prompt', 'pas'] as const,
    respondents,
    descriptions: [1, 3, 2, 4].map(extravert),
    questionnaire: IPIP_NEO_300,
    ...splitItems(),
  }
  const asked: BehaveOptions = { ...options, steerable: [], persons }

  it('is correlated with what they say of themselves, for every arm', async () => {
    const { persons: rows, leakage } = await behave(asked)
    expect(leakage).toBeNull()
    // Said 1 2 4 5, done 1 3 2 4: 5 / sqrt(10 * 5).
    expect(rows!.find(({ arm, trait }) => arm === 'personality-prompt' && trait === 'extraversion')).toMatchObject({
      n: 4,
      r: close(5 / Math.sqrt(50)),
    })
    // At -2 -2 2 2 sigma, whatever the degree: 12 / sqrt(10 * 16).
    expect(rows!.find(({ arm, trait }) => arm === 'pas' && trait === 'extraversion')).toMatchObject({
      n: 4,
      r: close(12 / Math.sqrt(160)),
    })
    // The model as it is does the same for everybody.
    expect(rows!.find(({ arm, trait }) => arm === 'unchanged' && trait === 'extraversion')).toEqual({
      arm: 'unchanged',
      trait: 'extraversion',
      n: 4,
      r: null,
      interval: null,
    })
  })

  it('leaves out who has no domain score, and gives no correlation of three', async () => {
    const { persons: rows } = await behave(asked)
    const neuroticism = rows!.filter(({ trait }) => trait === 'neuroticism')
    expect(neuroticism.map(({ n, r }) => [n, r])).toEqual([
      [3, null],
      [3, null],
      [3, null],
    ])
  })

  it('has an interval over persons, around the correlation', async () => {
    const many = Array.from({ length: 20 }, (_, row) => person(row, ((row % 5) + 1) as Answer))
    const descriptions = many.map((_, row) => extravert((row % 5) + 3 * ((row * 7) % 4)))
    const { persons: rows } = await behave({
      ...asked,
      persons: { ...persons, methods: ['personality-prompt'], respondents: many, descriptions },
    })
    const { r, interval } = rows![0]!
    expect(interval![0]).toBeLessThan(r!)
    expect(interval![1]).toBeGreaterThan(r!)
    expect(interval![1]).toBeLessThanOrEqual(1)
  })

  it('is found again in the store for whoever has the same answers, description and statements', async () => {
    const units = memoryUnits()
    const first = await behave({ ...asked, units })
    const closed = { ...units, write: () => Promise.reject(new Error('work was done')) }
    expect(await behave({ ...asked, units: closed })).toEqual(first)
    const other = { ...persons, descriptions: [1, 3, 2, 5].map(extravert) }
    await expect(behave({ ...asked, units: closed, persons: other })).rejects.toThrow('work was done')
    const fewer = [{ trait: 'extraversion' as const, statements: statementsOf('extraversion', 4) }]
    await expect(behave({ ...asked, units: closed, statements: fewer })).rejects.toThrow('work was done')
  })

  it('is of the Big Five only', async () => {
    const statements = setsOf('extraversion', 'machiavellianism')
    const { persons: rows } = await behave({ ...asked, statements, persons: { ...persons, methods: ['unchanged'] } })
    expect(rows!.map(({ trait }) => trait)).toEqual(['extraversion'])
  })
})
