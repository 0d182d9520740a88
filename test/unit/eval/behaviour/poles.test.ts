import { describe, expect, it } from 'vitest'
import { alignPoles, poleRespondent } from '../../../../src/eval/behaviour/poles.ts'
import { steerableTrait, TRAIT_IDS } from '../../../../src/eval/behaviour/traits.ts'
import { toKeyed } from '../../../../src/items/questionnaire.ts'
import { compileDisplacement } from '../../../../src/persona/compile.ts'
import { SD3_MADE_UP, twoTraitModel } from '../../../fixtures/two-trait-model.ts'

describe('somebody at the end of a trait', () => {
  it.each([
    ['extraversion', 24],
    ['machiavellianism', 6],
    ['narcissism', 6],
  ] as const)('answers the known items of %s at that end and nothing else', (trait, count) => {
    const steerable = steerableTrait(trait, SD3_MADE_UP)!
    for (const [pole, value] of [
      ['high', 5],
      ['low', 1],
    ] as const) {
      const { questionnaire, answers } = poleRespondent(steerable, pole)
      expect([...toKeyed(questionnaire, answers).byItem.values()]).toEqual(new Array(count).fill(value))
    }
  })

  it('answers by the wording: 5 on plus items, 1 on minus items', () => {
    const steerable = steerableTrait('narcissism', SD3_MADE_UP)!
    // Of N1..N6, numbers 10..15, N2 and N6 are minus items.
    expect([...poleRespondent(steerable, 'high').answers.byItem]).toEqual([
      [10, 5],
      [11, 1],
      [12, 5],
      [13, 5],
      [14, 5],
      [15, 1],
    ])
  })

  it('of the Dark Triad is nobody without the wording', () => {
    expect(TRAIT_IDS.filter((trait) => steerableTrait(trait, undefined) === undefined)).toEqual([
      'machiavellianism',
      'narcissism',
      'psychopathy',
    ])
  })
})

describe('personas of the two ends', () => {
  // Six known items of a scale are enough for probes and for the search.
  it.each([
    ['extraversion', 0],
    ['neuroticism', 1],
    ['machiavellianism', 2],
  ] as const)('move the head of %s, either way, by the alpha that answers best', async (trait, head) => {
    const model = twoTraitModel()
    const personas = await alignPoles(model, steerableTrait(trait, SD3_MADE_UP)!)
    expect([personas.high.alpha, personas.low.alpha]).toEqual([2, 2])
    const displacement = (pole: 'high' | 'low') =>
      compileDisplacement(personas[pole].interventions, personas[pole].alpha, model.shape)
    const expected = new Float32Array(8)
    expected[2 * head] = 2
    expect(displacement('high')).toEqual(expected)
    expect(displacement('low')).toEqual(expected.map((value) => (value === 0 ? value : -value)))
  })

  it('have alpha 0 where steering changes no answer', async () => {
    const { high, low } = await alignPoles(twoTraitModel({ help: 0 }), steerableTrait('extraversion', undefined)!)
    expect([high.alpha, low.alpha]).toEqual([0, 0])
  })

  it('say where they come from', async () => {
    const { low } = await alignPoles(twoTraitModel(), steerableTrait('machiavellianism', SD3_MADE_UP)!, { version: '7', seed: 3 })
    expect(low.provenance).toEqual({
      data: 'low end of machiavellianism',
      row: 1,
      questionnaire: 'sd3',
      answered: 6,
      seed: 3,
      version: '7',
    })
  })
})
