import { beforeAll, describe, expect, it } from 'vitest'
import { referenceDecoder } from '../../../src/engine/reference-model.ts'
import { tokenModel } from '../../../src/engine/token-model.ts'
import { evaluate } from '../../../src/eval/evaluate.ts'
import type { TableRow } from '../../../src/eval/table.ts'
import { parseLlamaConfig } from '../../../src/graph/llama-config.ts'
import { IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import type { LanguageModel } from '../../../src/model/language-model.ts'
import { extreme, plantedConfig, plantedLanguageModel, plantedWeights } from '../../fixtures/planted-model.ts'

const { known, heldOut } = splitItems()
const population = Array.from({ length: 12 }, (_, row) => extreme(row % 2 === 0 ? 'high' : 'low', row))

function plantedModel(): LanguageModel {
  const weights = plantedWeights()
  return plantedLanguageModel(
    tokenModel(referenceDecoder({ config: parseLlamaConfig(plantedConfig), tensor: (name) => weights.get(name)!.data })),
  )
}

describe('evaluation of the planted model', () => {
  const options = { questionnaire: IPIP_NEO_300, known, heldOut, population, rows: [0, 1, 2, 3], seed: 1 }
  let rows: TableRow[]
  beforeAll(async () => {
    rows = await evaluate({ ...options, model: plantedModel(), methods: ['unchanged', 'pas'] })
  })
  const row = (arm: string) => rows.find((candidate) => candidate.arm === arm)!

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

  it('gives every arm its regime and its cost', () => {
    expect(rows.map(({ arm, regime }) => [arm, regime])).toContainEqual(['pas', 'person'])
    expect(row('item-median').regime).toBe('population')
    expect(row('pas').cost.alignSecondsPerPerson).toBeGreaterThan(0)
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
