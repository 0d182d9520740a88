import { describe, expect, it } from 'vitest'
import {
  askStatements,
  renderStatements,
  signedScores,
  spreadOfScores,
  traitBehaviour,
} from '../../../../src/eval/behaviour/ask-statements.ts'
import { textModel } from '../../../fixtures/text-model.ts'
import { BIAS, extravert, MASS, NOISE, statementsOf, twoTraitModel } from '../../../fixtures/two-trait-model.ts'

const model = twoTraitModel()
const set = { trait: 'extraversion' as const, statements: statementsOf('extraversion') }

async function scoresUnder(system?: string) {
  const [scores] = await askStatements(model, [await renderStatements(model, set, { system })])
  return scores!
}

describe('persona statements', () => {
  it('are asked in the chat form, the words named once in either order', async () => {
    const { requests } = await renderStatements(model, { ...set, statements: set.statements.slice(0, 1) }, { system: 'S' })
    const asked = requests.map(({ tokens, continuations }) => [textModel.decode(tokens), ...continuations.map(textModel.decode)])
    const text = (form: string) => `<system>S<user>${set.statements[0]!.question}\n${form}<assistant>`
    expect(asked).toEqual([
      [text('Answer with Yes or No.'), 'Yes', 'No'],
      [text('Answer with No or Yes.'), 'Yes', 'No'],
    ])
  })

  it('keep a liking for Yes apart from the trait, and the order of the words from both', async () => {
    const { score, yesBias, unanswered } = traitBehaviour(await scoresUnder())
    expect(score).toBeCloseTo(0, 12)
    expect(yesBias).toBeCloseTo(BIAS, 12)
    expect(unanswered).toBeCloseTo(1 - MASS, 12)
  })

  it('score somebody with the trait by how far Yes and No move, each towards its key', async () => {
    const scores = await scoresUnder(extravert(1.5))
    expect(traitBehaviour(scores)).toMatchObject({ score: expect.closeTo(1.5, 12), yesBias: expect.closeTo(BIAS, 12) })
    // key * BIAS + 1.5 + key * noise
    expect(Array.from(signedScores(scores)).slice(0, 4)).toEqual(
      [BIAS + 2, -BIAS + 1, BIAS + 1, -BIAS + 2].map((x) => expect.closeTo(x, 12)),
    )
  })

  it('count what is answered as the trait would: half of them where everything is Yes, all where the trait is stronger than the bias', async () => {
    expect(traitBehaviour(await scoresUnder()).matching).toBe(0.5)
    expect(traitBehaviour(await scoresUnder(extravert(5))).matching).toBe(1)
    expect(traitBehaviour(await scoresUnder(extravert(-5))).matching).toBe(0)
  })

  it('have a spread that neither the bias nor the trait adds to', async () => {
    // Eight deviations of NOISE from the means of two keys.
    const expected = NOISE * Math.sqrt(8 / 6)
    expect(spreadOfScores(await scoresUnder())).toBeCloseTo(expected, 12)
    expect(spreadOfScores(await scoresUnder(extravert(5)))).toBeCloseTo(expected, 12)
  })

  it('of several traits are told apart', async () => {
    const other = { trait: 'neuroticism' as const, statements: statementsOf('neuroticism', 4) }
    const asked = [await renderStatements(model, set, { system: extravert(1) }), await renderStatements(model, other)]
    const scores = await askStatements(model, asked)
    expect(scores.map(({ trait, leaning }) => [trait, leaning.length])).toEqual([
      ['extraversion', 8],
      ['neuroticism', 4],
    ])
    expect(scores.map((one) => traitBehaviour(one).score)).toEqual([expect.closeTo(1, 12), expect.closeTo(0, 12)])
  })

  it('refuse a model that gives no number', async () => {
    const broken = { score: async () => Array.from({ length: 16 }, () => Float64Array.of(Number.NaN, 0)) }
    await expect(askStatements(broken, [await renderStatements(model, set)])).rejects.toThrow(/no finite log-probability/)
  })
})
