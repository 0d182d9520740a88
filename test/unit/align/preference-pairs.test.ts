import { describe, expect, it } from 'vitest'
import { DECIDED_ANSWERS, renderAnswerRows } from '../../../src/align/answer-rows.ts'
import { preferencePairs } from '../../../src/align/preference-pairs.ts'
import { ACCURACY_LABELS, IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import { DEFAULT_SYSTEM_PROMPT, statementOf } from '../../../src/items/question-form.ts'
import type { Answer } from '../../../src/items/questionnaire.ts'
import type { Respondent } from '../../../src/people/respondent.ts'
import { completionOf, textModel } from '../../fixtures/text-model.ts'

const { known } = splitItems()
const plus = known.items.find(({ keying }) => keying === 1)!
const minus = known.items.find(({ keying }) => keying === -1)!
const [neutral, missing] = known.items.filter((item) => item !== plus && item !== minus)
const four = { ...known, items: [plus, minus, neutral!, missing!] }

const person = (answers: readonly (readonly [number, Answer])[]): Respondent => ({
  row: 7,
  questionnaire: IPIP_NEO_300,
  answers: { coding: 'worded', byItem: new Map(answers) },
})
const agrees = person([
  [plus.itemNumber, 4],
  [minus.itemNumber, 4],
  [neutral!.itemNumber, 3],
])

describe('answers as rows of tokens', () => {
  it('end with the letter and the text of the option, in both orders, after the default system prompt', async () => {
    const [descending, ascending] = await renderAnswerRows(textModel, { ...known, items: [plus] }, ACCURACY_LABELS)
    const said = (question: typeof descending) => DECIDED_ANSWERS.map((answer) => completionOf(question!.rows[answer]))
    expect(said(descending)).toEqual([
      'Option (E). Very Inaccurate',
      'Option (D). Moderately Inaccurate',
      'Option (B). Moderately Accurate',
      'Option (A). Very Accurate',
    ])
    expect(said(ascending)).toEqual([
      'Option (A). Very Inaccurate',
      'Option (B). Moderately Inaccurate',
      'Option (D). Moderately Accurate',
      'Option (E). Very Accurate',
    ])
    const prompt = textModel.decode(descending!.rows[1].tokens)
    expect(prompt).toContain(`<system>${DEFAULT_SYSTEM_PROMPT}<user>`)
    expect(prompt).toContain(statementOf(plus))
  })

  it('begin where the tokens of the prompt end, one earlier where the tokenizer joins the answer to the header', async () => {
    const joining: typeof textModel = {
      ...textModel,
      async render(messages, options) {
        const tokens = await textModel.render(messages, options)
        // ">" and "O" become one token.
        const at = tokens.findLastIndex((token, i) => token === 62 && tokens[i + 1] === 79)
        return at < 0 ? tokens : [...tokens.slice(0, at), 9999, ...tokens.slice(at + 2)]
      },
    }
    const one = { ...known, items: [plus] }
    const [apart] = await renderAnswerRows(textModel, one, ACCURACY_LABELS, { orders: ['descending'] })
    const [joined] = await renderAnswerRows(joining, one, ACCURACY_LABELS, { orders: ['descending'] })
    expect(joined!.rows[5].completionFrom).toBe(apart!.rows[5].completionFrom - 1)
    expect(joined!.rows[5].tokens[joined!.rows[5].completionFrom]).toBe(9999)
  })

  it('are refused where a template drops what the assistant says', async () => {
    const deaf: typeof textModel = { ...textModel, render: (messages) => textModel.render(messages) }
    await expect(renderAnswerRows(deaf, four, ACCURACY_LABELS)).rejects.toMatchObject({ code: 'invalid-input' })
  })
})

describe('preference pairs', () => {
  const pairsOf = async (respondent: Respondent) => {
    const questions = await renderAnswerRows(textModel, four, ACCURACY_LABELS)
    return preferencePairs(questions, respondent).map(({ question, chosen, rejected }) => {
      const { item, order, rows } = questions[question]!
      return { item, order, chosen: completionOf(rows[chosen]), rejected: completionOf(rows[rejected]) }
    })
  }

  it('choose what the person ticked and reject its mirror, in both orders, whatever the keying of the item', async () => {
    const expected = (item: typeof plus) => [
      { item, order: 'descending', chosen: 'Option (B). Moderately Accurate', rejected: 'Option (D). Moderately Inaccurate' },
      { item, order: 'ascending', chosen: 'Option (D). Moderately Accurate', rejected: 'Option (B). Moderately Inaccurate' },
    ]
    const pairs = await pairsOf(agrees)
    expect(pairs.filter(({ item }) => item === plus)).toEqual(expected(plus))
    expect(pairs.filter(({ item }) => item === minus)).toEqual(expected(minus))
  })

  it('leave out neutral and missing answers', async () => {
    const items = (await pairsOf(agrees)).map(({ item }) => item)
    expect(items).toHaveLength(4)
    expect(items).not.toContain(neutral)
    expect(items).not.toContain(missing)
  })

  it('name the letters of chosen answers equally often, for somebody who answers the same to everything', async () => {
    const questions = await renderAnswerRows(textModel, known, ACCURACY_LABELS)
    const always = person(known.items.map(({ itemNumber }) => [itemNumber, 5]))
    const pairs = preferencePairs(questions, always)
    const first = pairs.filter(({ question, chosen }) => completionOf(questions[question]!.rows[chosen]).startsWith('Option (A'))
    expect(pairs).toHaveLength(240)
    expect(first).toHaveLength(120)
  })

  it('are refused for somebody who is neutral in everything', async () => {
    const questions = await renderAnswerRows(textModel, four, ACCURACY_LABELS)
    const even = person(four.items.map(({ itemNumber }) => [itemNumber, 3]))
    expect(() => preferencePairs(questions, even)).toThrow(expect.objectContaining({ code: 'too-few-answers' }))
  })
})
