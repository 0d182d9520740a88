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
    expect(alignPersonalityPrompt(respondent([], 1), ['You are loud.', ' You are calm. '])).toEqual({
      kind: 'prompt',
      method: 'personality-prompt',
      system: 'You are calm.',
    })
  })

  it('refuses a row without a description', () => {
    expect(() => alignPersonalityPrompt(respondent([], 2), ['a', 'b'])).toThrow(/no text for row 2; 2 were given/)
  })
})
