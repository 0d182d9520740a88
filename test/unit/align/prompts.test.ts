import { describe, expect, it } from 'vitest'
import { alignFewShot, fewShotPrompt } from '../../../src/align/few-shot.ts'
import { alignPersonalityPrompt } from '../../../src/align/personality-prompt.ts'
import { IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import type { Answer } from '../../../src/items/questionnaire.ts'
import type { Respondent } from '../../../src/people/respondent.ts'

const { known, heldOut } = splitItems()
const respondent = (answers: readonly (readonly [number, Answer])[], row = 0): Respondent => ({
  row,
  questionnaire: IPIP_NEO_300,
  answers: { coding: 'worded', byItem: new Map(answers) },
})

describe('few-shot prompt', () => {
  it('says what the person ticked beside the sentence, on plus and minus items alike', () => {
    const plus = known.items.find((item) => item.keying === 1)!
    const minus = known.items.find((item) => item.keying === -1)!
    const prompt = fewShotPrompt(
      respondent([
        [plus.itemNumber, 5],
        [minus.itemNumber, 2],
      ]),
      known,
    )
    expect(prompt).toContain(': Very Accurate')
    expect(prompt).toContain(': Moderately Inaccurate')
  })

  it('has no line for a missing answer and none for a held-out one', () => {
    const [item] = heldOut.items
    const prompt = fewShotPrompt(
      respondent([
        [1, 4],
        [item!.itemNumber, 5],
      ]),
      known,
    )
    expect(prompt.split('; ')).toEqual([
      'Here are some of your behaviors and your level of recognition towards them',
      'You worry about things: Moderately Accurate',
    ])
  })

  it('makes a prompt persona', () => {
    expect(alignFewShot(respondent([[1, 4]]), known)).toMatchObject({ kind: 'prompt', method: 'few-shot' })
  })
})

describe('personality prompt', () => {
  it("takes the description of the person's row", () => {
    expect(alignPersonalityPrompt(respondent([], 1), known, ['You are loud.', ' You are calm. '])).toEqual({
      kind: 'prompt',
      method: 'personality-prompt',
      system: 'You are calm.',
    })
  })

  it('is written from the known answers where no description is given: one sentence for every facet that was answered', () => {
    // Worries are N1; items 1 and 31 (plus) agree, so its mean is 4; item 66 (minus) of E1, strongly denied, is very high.
    const [anxious, friendly] = ['N1', 'E1'].map((facet) => known.items.filter((item) => item.facet === facet))
    const answers = [
      ...anxious!.map(({ itemNumber, keying }) => [itemNumber, keying === 1 ? 4 : 2] as const),
      ...friendly!.map(({ itemNumber, keying }) => [itemNumber, keying === 1 ? 5 : 1] as const),
    ]
    const { system } = alignPersonalityPrompt(respondent(answers), known)
    expect(system).toBe('You are rather anxious. You are very friendly.')
  })

  it('does not describe what was not told', () => {
    const [item] = heldOut.items
    expect(() => alignPersonalityPrompt(respondent([[item!.itemNumber, 5]]), known)).toThrow(
      /no known item that could be described/,
    )
  })

  it('calls the middle neither, and rounds half up', () => {
    const [first, second] = known.items.filter((item) => item.facet === 'N1' && item.keying === 1)
    const said = (a: Answer, b: Answer) =>
      alignPersonalityPrompt(
        respondent([
          [first!.itemNumber, a],
          [second!.itemNumber, b],
        ]),
        known,
      ).system
    expect(said(3, 3)).toBe('You are neither very anxious nor very relaxed.')
    expect(said(2, 1)).toBe('You are rather relaxed.')
    expect(said(1, 1)).toBe('You are very relaxed.')
  })

  it('refuses a row without a description', () => {
    expect(() => alignPersonalityPrompt(respondent([], 2), known, ['a', 'b'])).toThrow(/no text for row 2; 2 were given/)
  })
})
