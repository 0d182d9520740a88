import { beforeAll, describe, expect, it } from 'vitest'
import { referenceDecoder } from '../../../src/engine/reference-model.ts'
import { tokenModel } from '../../../src/engine/token-model.ts'
import { PalignError } from '../../../src/errors.ts'
import { type Evaluation, evaluate } from '../../../src/eval/evaluate.ts'
import type { MethodName } from '../../../src/eval/methods.ts'
import { parseLlamaConfig } from '../../../src/graph/llama-config.ts'
import { IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import type { Adapter } from '../../../src/model/adapter.ts'
import type { LanguageModel } from '../../../src/model/language-model.ts'
import { fakeTrainer } from '../../fixtures/fake-trainer.ts'
import {
  extreme,
  PLANTED,
  plantedAdapter,
  plantedConfig,
  plantedLanguageModel,
  plantedWeights,
} from '../../fixtures/planted-model.ts'

const { known, heldOut } = splitItems()
const population = Array.from({ length: 12 }, (_, row) => extreme(row % 2 === 0 ? 'high' : 'low', row))

function plantedModel(): LanguageModel {
  const weights = plantedWeights()
  return plantedLanguageModel(
    tokenModel(referenceDecoder({ config: parseLlamaConfig(plantedConfig), tensor: (name) => weights.get(name)!.data })),
  )
}

const storedBytes = ({ pairs }: Adapter) => [...pairs.values()].reduce((sum, { a, b }) => sum + 4 * (a.length + b.length), 0)

describe('evaluation of the planted model', () => {
  const options = { questionnaire: IPIP_NEO_300, known, heldOut, population, rows: [0, 1, 2, 3], seed: 1 }
  let evaluation: Evaluation
  beforeAll(async () => {
    evaluation = await evaluate({ ...options, model: plantedModel(), methods: ['unchanged', 'pas'] })
  })
  const row = (arm: string) => evaluation.rows.find((candidate) => candidate.arm === arm)!

  it('shows that PAS finds the persons: no error left in the trait, none added elsewhere', () => {
    // The unsteered model is even between the five answers: 2 from 5 or 1 by its median.
    expect(row('unchanged').median!.corrected.N).toBe(2)
    expect(row('pas').median!.corrected.N).toBe(0)
    expect(row('pas').median!.corrected.sum).toBe(0)
  })

  it('shows that it is about the person: others do not fit', () => {
    expect(row('unchanged').gain.value).toBeCloseTo(0, 10)
    // Two of three others are at the opposite end of the trait, 4 away.
    expect(row('pas').median!.gain.value).toBeCloseTo((4 * 2) / 3, 10)
    expect(row('pas').median!.gain.interval[0]).toBeGreaterThan(0)
  })

  it('shows that the controls do not find them, and that a prompt may stand beside the steering', async () => {
    const methods: MethodName[] = ['pas', 'pas:flipped', 'pas:random-1', 'pas:random-2', 'few-shot+pas']
    const { rows } = await evaluate({ ...options, model: plantedModel(), methods })
    const [pas, flipped, random, other, prompted] = rows
    expect(other!.median!.corrected.N).not.toBe(random!.median!.corrected.N)
    expect(flipped!.median!.corrected.N).toBe(4)
    expect(flipped!.strength!.alpha).toBe(-pas!.strength!.alpha!)
    expect(random!.median!.corrected.N).toBeGreaterThan(pas!.median!.corrected.N + 1)
    // The planted model does not read its system prompt.
    expect(prompted!.median!.corrected.N).toBe(0)
  })

  it('says how far the steered arms move the model, and nothing of the others', () => {
    expect(row('pas').strength).toMatchObject({ klP95: expect.any(Number), alpha: expect.any(Number) })
    expect(row('unchanged').strength).toBeUndefined()
  })

  it('gives the errors of every person by row, with the own predictions and with those of others', () => {
    expect(evaluation.persons.map(({ row }) => row)).toEqual([0, 1, 2, 3])
    for (const { errors, wrong } of evaluation.persons) {
      expect(wrong['constant-3']).toBeCloseTo(errors['constant-3']!, 10)
      expect(wrong.pas! - errors.pas!).toBeGreaterThan(0)
    }
    const mean = evaluation.persons.reduce((sum, { errors }) => sum + errors.pas! / 4, 0)
    expect(mean).toBeCloseTo(row('pas').corrected.sum, 6)
  })

  it('shows the head that carries the trait: read best, chosen for everybody', () => {
    const [map] = evaluation.heads
    const { layer, head } = PLANTED
    expect(evaluation.heads.map(({ arm }) => arm)).toEqual(['pas'])
    expect(map!.chosen[layer]![head]).toBe(1)
    expect(map!.accuracy[layer]![head]).toBe(Math.max(...map!.accuracy.flat()))
  })

  it('sets what depends on the form, and how the personas hang together, beside the answers', () => {
    expect(row('unchanged').forms!.errors.map(({ form }) => form)).toEqual(['letters-descending-0', 'letters-ascending-0'])
    expect(row('constant-3').forms).toBeUndefined()
    expect(row('pas').scales!.correlations).toHaveLength(5)
    expect(evaluation.human!.correlations).toHaveLength(5)
  })

  it('knows more with more known items, and leaves whom the method cannot help unsteered', async () => {
    const { dataEfficiency } = await evaluate({
      ...options,
      model: plantedModel(),
      methods: ['unchanged', 'pas'],
      itemCounts: [120, 1, 60],
    })
    const pas = dataEfficiency.find(({ arm }) => arm === 'pas')!.points
    expect(pas.map(({ items }) => items)).toEqual([1, 60, 120])
    expect(pas[0]!.tooFew).toBe(4)
    expect(pas[0]!.sum).toBeCloseTo(row('unchanged').corrected.sum, 6)
    expect(pas[2]).toMatchObject({ sum: row('pas').corrected.sum })
    expect(pas[2]!.tooFew).toBeUndefined()
    expect(dataEfficiency.map(({ arm }) => arm)).toContain('ridge')
    expect(dataEfficiency.map(({ arm }) => arm)).not.toContain('unchanged')
  })

  it.each([0, 121, 2.5])('refuses %d known items', async (count) => {
    const asked = evaluate({ ...options, model: plantedModel(), methods: [], itemCounts: [count] })
    await expect(asked).rejects.toThrow(/number of known items/)
  })

  it('gives every arm its regime and its cost', () => {
    expect(evaluation.rows.map(({ arm, regime }) => [arm, regime])).toContainEqual(['pas', 'person'])
    expect(row('item-median').regime).toBe('population')
    expect(row('pas').cost.alignSecondsPerPerson).toBeGreaterThan(0)
  })

  it('answers with the adapter that was trained, and closes the trainer', async () => {
    const adapter = plantedAdapter(8)
    const model = plantedModel()
    const trainer = fakeTrainer({ shape: model.shape, config: adapter, adapter })
    const openTrainer = async () => trainer
    const { rows } = await evaluate({ ...options, model, methods: ['unchanged', 'dpo'], rows: [0, 2], steps: 2, openTrainer })
    const [unchanged, dpo] = [rows[0]!, rows[1]!]
    // Everybody evaluated is high in the trait, and so is the adapter.
    expect(unchanged.median!.corrected.N).toBe(2)
    expect(dpo.median!.corrected.N).toBe(0)
    expect(dpo.hyperparameters).toMatchObject({ steps: 2, warmupSteps: 1, beta: 0.1 })
    // One row of hidden size and one of z; chosen and rejected of 16 pairs of two tokens, twice.
    expect(dpo.cost).toMatchObject({ storedBytesPerPerson: storedBytes(adapter), trainedTokensPerPerson: 2 * 16 * 2 * 2 })
    expect(trainer.disposed()).toBe(true)
  })

  it('closes the trainer where training fails', async () => {
    const model = plantedModel()
    const loss = () => {
      throw new PalignError('engine-failed', 'out of memory')
    }
    const trainer = fakeTrainer({ shape: model.shape, loss })
    const failing = evaluate({ ...options, model, methods: ['dpo'], openTrainer: async () => trainer })
    await expect(failing).rejects.toMatchObject({ code: 'engine-failed' })
    expect(trainer.disposed()).toBe(true)
  })

  it('refuses methods that train where there is no trainer', async () => {
    const without = evaluate({ ...options, model: plantedModel(), methods: ['ppo'] })
    await expect(without).rejects.toMatchObject({ code: 'invalid-input' })
  })

  it('refuses a person without a held-out answer in some domain, before any work', async () => {
    const silent = { ...extreme('high', 0), answers: { coding: 'worded' as const, byItem: new Map([[1, 4 as const]]) } }
    const never: LanguageModel = { ...plantedModel(), render: () => Promise.reject(new Error('work was done')) }
    await expect(evaluate({ ...options, model: never, methods: ['pas'], population: [silent], rows: [0] })).rejects.toThrow(
      /row 0 answered no held-out item/,
    )
  })

  it('does not compile with known items in the place of held-out ones', () => {
    // @ts-expect-error known items are not held-out items
    const leak = () => evaluate({ ...options, model: plantedModel(), methods: ['unchanged'], heldOut: known })
    expect(leak).toBeTypeOf('function')
  })
})
