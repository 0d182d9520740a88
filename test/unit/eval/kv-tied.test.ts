import { describe, expect, it } from 'vitest'
import { referenceDecoder } from '../../../src/engine/reference-model.ts'
import { tokenModel } from '../../../src/engine/token-model.ts'
import { evaluate } from '../../../src/eval/evaluate.ts'
import { parseLlamaConfig } from '../../../src/graph/llama-config.ts'
import { IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import { extreme, plantedConfig, plantedLanguageModel, plantedWeights } from '../../fixtures/planted-model.ts'

describe('evaluation of pas:kv-tied', () => {
  it('shows beside pas what tying the heads of a group costs: on the planted model nothing', async () => {
    const weights = plantedWeights()
    const decoder = referenceDecoder({ config: parseLlamaConfig(plantedConfig), tensor: (name) => weights.get(name)!.data })
    const { rows } = await evaluate({
      ...{ questionnaire: IPIP_NEO_300, ...splitItems(), rows: [0, 1, 2, 3], seed: 1 },
      population: Array.from({ length: 12 }, (_, row) => extreme(row % 2 === 0 ? 'high' : 'low', row)),
      model: plantedLanguageModel(tokenModel(decoder)),
      methods: ['unchanged', 'pas', 'pas:kv-tied'],
    })
    const [unchanged, pas, tied] = ['unchanged', 'pas', 'pas:kv-tied'].map((arm) => rows.find((row) => row.arm === arm)!.median!)
    expect(unchanged!.corrected.N).toBe(2)
    expect(tied!.corrected).toEqual(pas!.corrected)
    expect(tied!.corrected.sum).toBe(0)
    // Two of three others are at the opposite end of the trait, 4 away.
    expect(tied!.gain.value).toBeCloseTo((4 * 2) / 3, 10)
    expect(tied!.gain.interval[0]).toBeGreaterThan(0)
  })
})
