import { describe, expect, it } from 'vitest'
import { answerTable } from '../../../src/eval/answer-table.ts'
import { formSensitivity, isPositional } from '../../../src/eval/form-sensitivity.ts'
import type { FormPredictions } from '../../../src/eval/table.ts'
import { IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { lettersForm, QUESTION_FORMS, type QuestionForm } from '../../../src/items/question-form.ts'
import { simulateRespondents } from '../../../src/people/simulate.ts'

const persons = simulateRespondents({ count: 2, seed: 3, questionnaire: IPIP_NEO_300 })
const table = answerTable(persons, IPIP_NEO_300.items)
const cells = table.worded.length

/** Everything answered with certainty. */
function certain(form: QuestionForm, answer: (cell: number) => number): FormPredictions {
  const probabilities = new Float32Array(cells * 5)
  for (let cell = 0; cell < cells; cell++) probabilities[cell * 5 + answer(cell) - 1] = 1
  return { form, probabilities }
}

describe('sensitivity to the form of the question', () => {
  it('is nothing where every form is answered alike', () => {
    const forms = QUESTION_FORMS.map((form) => certain(form, (cell) => table.worded[cell]!))
    const sensitivity = formSensitivity(forms, table)
    expect(sensitivity).toMatchObject({ order: 0, spread: 0, positional: 0 })
    expect(sensitivity.phrasings).toBeCloseTo(1, 10)
    expect(sensitivity.errors).toHaveLength(12)
    expect(sensitivity.errors.every(({ sum }) => sum === 0)).toBe(true)
  })

  it('sees an arm that always takes the first option', () => {
    const forms = (['descending', 'ascending'] as const).map((order) =>
      certain(lettersForm(order), () => (order === 'descending' ? 5 : 1)),
    )
    // 5 in one order and 1 in the other: 4 apart, deviation 2.
    expect(formSensitivity(forms, table)).toMatchObject({ order: 4, spread: 2, positional: 2 })
  })

  it('calls nobody positional who is so in a minority of wordings', () => {
    const forms = QUESTION_FORMS.map((form) =>
      certain(form, (cell) => (form.phrasing === 2 ? (form.order === 'descending' ? 5 : 1) : table.worded[cell]!)),
    )
    expect(formSensitivity(forms, table).positional).toBe(0)
  })

  it('has no order to compare where one was asked', () => {
    const sensitivity = formSensitivity([certain(lettersForm('descending'), () => 2)], table)
    expect(sensitivity).toEqual({ errors: [{ form: 'letters-descending-0', sum: expect.any(Number) }] })
  })

  it('compares phrasings over their other forms', () => {
    const forms = QUESTION_FORMS.filter(({ marks }) => marks === 'letters').map((form) =>
      // The third phrasing is answered by the opposite.
      certain(form, (cell) => (form.phrasing === 2 ? 6 - table.worded[cell]! : table.worded[cell]!)),
    )
    expect(formSensitivity(forms, table).phrasings).toBeLessThan(0)
    expect(formSensitivity(forms, table).order).toBe(0)
  })
})

describe('answers by position', () => {
  const mirror = (answers: readonly number[]) => answers.map((answer) => 6 - answer)

  it('are 6 minus the answers in the other order', () => {
    const answers = [1, 2, 4, 5, 3, 1, 2, 4, 5, 3]
    expect(isPositional(answers, mirror(answers))).toBe(true)
    expect(isPositional(answers, answers)).toBe(false)
  })

  it('are not seen in neutral answers, nor in a handful of others', () => {
    const neutral = new Array<number>(20).fill(3)
    expect(isPositional(neutral, neutral)).toBe(false)
    expect(isPositional([1, ...neutral], [5, ...neutral])).toBe(false)
  })

  it('need more than six of ten', () => {
    const descending = new Array<number>(10).fill(1)
    const same = (count: number) => descending.map((_, i) => (i < count ? 5 : 1))
    expect(isPositional(descending, same(6))).toBe(false)
    expect(isPositional(descending, same(7))).toBe(true)
  })
})
