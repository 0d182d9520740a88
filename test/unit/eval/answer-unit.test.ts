import { describe, expect, it } from 'vitest'
import {
  alignUnitKey,
  answerUnitKey,
  decodeAlignUnit,
  decodeAnswerUnit,
  encodeAlignUnit,
  encodeAnswerUnit,
  sharedUnitKey,
} from '../../../src/eval/answer-unit.ts'
import { sumOfCosts } from '../../../src/eval/cost.ts'
import { IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import { lettersForm } from '../../../src/items/question-form.ts'
import type { Answer } from '../../../src/items/questionnaire.ts'
import { simulateRespondents } from '../../../src/people/simulate.ts'
import type { SteeringPersona } from '../../../src/persona/persona.ts'
import { randomAdapter } from '../../fixtures/random-adapter.ts'

const [person, other] = simulateRespondents({ count: 2, seed: 6, questionnaire: IPIP_NEO_300 })
const { known, heldOut } = splitItems()
const forms = [lettersForm('descending'), lettersForm('ascending')]
const context = { model: { fingerprint: 'f' }, questionnaire: IPIP_NEO_300, known, heldOut, seed: 1 }

/** The person with another answer to one item. */
function changed(itemNumber: number) {
  const answer = (((person!.answers.byItem.get(itemNumber) ?? 1) % 5) + 1) as Answer
  return {
    ...person!,
    answers: { coding: 'worded' as const, byItem: new Map([...person!.answers.byItem, [itemNumber, answer]]) },
  }
}

describe('key of what a method finds', () => {
  const key = alignUnitKey('pas', context, person!)

  it.each<[string, () => Promise<string>]>([
    ['the method', () => alignUnitKey('few-shot', context, person!)],
    ['the model', () => alignUnitKey('pas', { ...context, model: { fingerprint: 'g' } }, person!)],
    ['the seed', () => alignUnitKey('pas', { ...context, seed: 2 }, person!)],
    ['the option orders', () => alignUnitKey('pas', { ...context, orders: ['ascending'] }, person!)],
    ['the version', () => alignUnitKey('pas', { ...context, version: '2' }, person!)],
    ['the person', () => alignUnitKey('pas', context, other!)],
    ['a known answer', () => alignUnitKey('pas', context, changed(known.items[0]!.itemNumber))],
    [
      'knowing fewer items',
      () => alignUnitKey('pas', { ...context, known: { kind: 'known', items: known.items.slice(1) } }, person!),
    ],
    ['what becomes of too few answers', () => alignUnitKey('pas', { ...context, tooFew: 'leave-unsteered' }, person!)],
    ['being shared', () => sharedUnitKey('pas', context)],
    ['being an answer', () => answerUnitKey('pas', context, person!, forms)],
  ])('depends on %s', async (_, differently) => {
    expect(await differently()).not.toBe(await key)
  })

  it('depends on no held-out answer but where the method looks at them', async () => {
    const held = changed(heldOut.items[0]!.itemNumber)
    expect(await alignUnitKey('pas', context, held)).toBe(await key)
    const asPublished = (respondent: typeof person) => alignUnitKey('pas:as-published', context, respondent!)
    expect(await asPublished(held)).not.toBe(await asPublished(person))
  })

  it('is one for everybody where nothing of the person is used', async () => {
    expect(await alignUnitKey('unchanged', context, other!)).toBe(await alignUnitKey('unchanged', context, person!))
  })

  it('depends on steps for methods that train, and on the description for those that read it', async () => {
    expect(await alignUnitKey('pas', { ...context, steps: 3 }, person!)).toBe(await key)
    expect(await alignUnitKey('dpo', { ...context, steps: 3 }, person!)).not.toBe(await alignUnitKey('dpo', context, person!))
    const described = (text: string) => alignUnitKey('personality-prompt+pas', { ...context, descriptions: [text] }, person!)
    expect(await described('calm')).not.toBe(await described('loud'))
  })
})

describe('key of answers', () => {
  it('depends on the forms and on which items are held out', async () => {
    const key = await answerUnitKey('pas', context, person!, forms)
    expect(await answerUnitKey('pas', context, person!, forms.slice(1))).not.toBe(key)
    const fewer = { kind: 'held-out' as const, items: heldOut.items.slice(1) }
    expect(await answerUnitKey('pas', { ...context, heldOut: fewer }, person!, forms)).not.toBe(key)
  })
})

const probabilities = Float32Array.from({ length: 10 }, (_, i) => Math.fround(Math.sin(i)))
const persona: SteeringPersona = {
  kind: 'steering',
  method: 'pas',
  model: 'a'.repeat(64),
  shape: { layers: 2, heads: 2, kvHeads: 1, headDim: 3, hiddenSize: 6, vocabSize: 9, contextLength: 8 },
  site: 'z',
  unit: 'sigma',
  alpha: -0.1,
  interventions: [{ layer: 1, head: 0, direction: Float32Array.of(0.6, 0.8, 1e-30), sigma: 1 / 3 }],
  calibration: { loss: 'ranked-probability', curve: [{ alpha: 0, loss: 1 / 7 }], folds: 5 },
  provenance: { data: 'given in memory', row: 3, questionnaire: 'ipip-neo-300', answered: 120, seed: 1, version: 'unknown' },
}

describe('unit of what was found', () => {
  const unit = { regime: 'person' as const, strength: { klP95: 0.25, alpha: -0.1 }, cost: { totalSeconds: 1.5 } }

  it.each([
    ['a displacement', persona],
    ['a prompt', { kind: 'prompt' as const, method: 'few-shot', system: 'You worry.' }],
    ['nothing', { kind: 'none' as const }],
    [
      'an adapter',
      {
        kind: 'adapter' as const,
        method: 'dpo',
        model: 'b'.repeat(64),
        shape: persona.shape,
        adapter: randomAdapter(new Map([['model.layers.0.self_attn.v_proj', { in: 6, out: 3 }]]), { targets: ['v_proj'] }),
        training: undefined,
        provenance: persona.provenance,
      },
    ],
  ])('is read back to the last bit: %s', (_, found) => {
    const accuracies = Float32Array.of(0.5, 1 / 3)
    expect(decodeAlignUnit(encodeAlignUnit({ ...unit, persona: found, accuracies }))).toEqual({
      ...unit,
      persona: found,
      accuracies,
    })
  })

  it('does without an adapter that is too large', () => {
    const pairs = new Map([['model.layers.0.self_attn.v_proj', { a: new Float32Array(1 << 20), b: new Float32Array(1) }]])
    const adapter = { rank: 1, alpha: 1, targets: ['v_proj'] as const, pairs }
    const large = {
      kind: 'adapter' as const,
      method: 'dpo',
      model: undefined,
      shape: undefined,
      adapter,
      training: undefined,
      provenance: undefined,
    }
    expect(decodeAlignUnit(encodeAlignUnit({ ...unit, persona: large }))).toEqual({ ...unit, persona: undefined })
  })

  it.each(['', '{}', '{"cost":{},"persona":"{}"}', '{"cost":{},"persona":"{\\"kind\\":\\"tensors\\"}"}'])(
    'refuses %j',
    (text) => {
      expect(() => decodeAlignUnit(text)).toThrow(/cannot be read/)
    },
  )
})

describe('unit of answers', () => {
  const distribution = { probabilities, unanswered: Float32Array.of(1e-30, 0.5) }
  const unit = { distributions: [distribution, distribution], cost: { totalSeconds: 1.5 } }

  it('is read back to the last bit', () => {
    expect(decodeAnswerUnit(encodeAnswerUnit(unit), { items: 2, forms: 2 })).toEqual(unit)
  })

  it.each(['', '{}', '{"forms":[["AAAA","AAAA"]]}', '{"forms":[["%",""]]}', encodeAnswerUnit(unit)])('refuses %j', (text) => {
    expect(() => decodeAnswerUnit(text, { items: 2, forms: 1 })).toThrow(/cannot be read/)
  })
})

describe('sum of costs', () => {
  it('adds totals, averages what is per person, and takes the largest peak', () => {
    const shared = { sharedSeconds: 4, totalSeconds: 4, answerSecondsPerPerson: 0, peakMemoryBytes: 10 }
    const persons = [
      { sharedSeconds: 0, totalSeconds: 1, answerSecondsPerPerson: 1, peakMemoryBytes: 30, divergedPersons: 1 },
      { sharedSeconds: 0, totalSeconds: 3, answerSecondsPerPerson: 3, peakMemoryBytes: 20 },
    ]
    expect(sumOfCosts(shared, persons, 2)).toEqual({
      sharedSeconds: 4,
      totalSeconds: 8,
      answerSecondsPerPerson: 2,
      peakMemoryBytes: 30,
      divergedPersons: 1,
    })
  })

  it('spreads a part that serves everybody over all of them', () => {
    expect(sumOfCosts({}, [{ answerSecondsPerPerson: 3 }], 3)).toEqual({ answerSecondsPerPerson: 1 })
  })
})
