import { describe, expect, it } from 'vitest'
import { relatedness } from '../../../../src/eval/safety/relatedness.ts'

const THINGS =
  'bread soup kites boats trees locks clocks roads rivers stoves lamps chairs tables doors windows bridges violins onions carrots leeks'.split(
    ' ',
  )
const prompts = THINGS.map((thing) => `Tell me about ${thing} please`)

describe('relatedness', () => {
  it('is sure when every answer takes up its own prompt', () => {
    const pairs = prompts.map((prompt, i) => ({ prompt, answer: `Well, ${THINGS[i]} are fine.` }))
    // "tell", "about", "please" and the thing: a quarter of the words, and none of those of the others.
    expect(relatedness(pairs, 1)).toEqual({ own: 0.25, others: expect.closeTo(0, 12), p: 0.001 })
  })

  it('is not seen when all answers are the same, or have nothing of any prompt', () => {
    for (const answer of ['Tell me about bread.', 'I often keep calm.']) {
      expect(
        relatedness(
          prompts.map((prompt) => ({ prompt, answer })),
          1,
        )!.p,
      ).toBe(1)
    }
  })

  it('is not seen when the answers are those to other prompts', () => {
    const pairs = prompts.map((prompt, i) => ({ prompt, answer: `Well, ${THINGS[(i + 7) % THINGS.length]} are fine.` }))
    expect(relatedness(pairs, 1)).toMatchObject({ own: 0, p: 1 })
  })

  it('is not asked of fewer than twenty', () => {
    const pairs = prompts.map((prompt, i) => ({ prompt, answer: THINGS[i]! }))
    expect(relatedness(pairs, 1)).toBeDefined()
    expect(relatedness(pairs.slice(1), 1)).toBeUndefined()
  })
})
