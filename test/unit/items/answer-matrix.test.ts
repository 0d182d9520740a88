import { describe, expect, it } from 'vitest'
import { type AnswerMatrix, respondentCount, scoreMatrix } from '../../../src/items/answer-matrix.ts'
import { IPIP_NEO_120, IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { flipIfMinus, toKeyed } from '../../../src/items/questionnaire.ts'
import { score } from '../../../src/items/scoring.ts'
import { SD3 } from '../../../src/items/sd3.ts'
import { seededRandom } from '../../../src/math/random.ts'
import { respondentsOf } from '../../../src/people/sample.ts'

/** Random answers; the share of missing ones grows from row to row, so that some scales are refused. */
function randomMatrix(questionnaire: AnswerMatrix['questionnaire'], rows: number): AnswerMatrix {
  const random = seededRandom(5)
  const width = questionnaire.items.length
  const values = Uint8Array.from({ length: rows * width }, (_, index) =>
    random() < Math.floor(index / width) / rows / 2 ? 0 : 1 + Math.floor(random() * 5),
  )
  return { questionnaire, coding: questionnaire.storedAs, values }
}

describe('scores of a matrix', () => {
  it.each([IPIP_NEO_300, IPIP_NEO_120, SD3])('equal the scores of its respondents one by one (%#)', (questionnaire) => {
    const matrix = randomMatrix(questionnaire, 60)
    const { scales, raw, answered } = scoreMatrix(matrix)
    const sample = { ...matrix, sex: new Uint8Array(60), age: new Uint8Array(60) }
    let refused = 0
    for (const respondent of respondentsOf(sample)) {
      const scores = score(questionnaire, toKeyed(questionnaire, respondent.answers))
      const single = [...scores.domains, ...scores.facets]
      expect(single.map((scale) => scale.trait)).toEqual(scales)
      single.forEach((scale, column) => {
        const at = respondent.row * scales.length + column
        expect(answered[at]).toBe(scale.answered)
        if (scale.kind === 'refused') {
          refused++
          expect(raw[at]).toBeNaN()
        } else expect(raw[at]).toBeCloseTo(scale.raw, 3) // single precision of numbers up to 300
      })
    }
    expect(refused).toBeGreaterThan(0)
    expect(refused).toBeLessThan(60 * scales.length)
  })

  it('do not depend on the coding in which the same answers are stored', () => {
    const keyed = randomMatrix(IPIP_NEO_300, 20)
    const { items } = IPIP_NEO_300
    const values = keyed.values.map((value, index) => (value === 0 ? 0 : flipIfMinus(value, items[index % 300]!.keying)))
    expect(scoreMatrix({ ...keyed, coding: 'worded', values })).toEqual(scoreMatrix(keyed))
  })

  it('are empty for no respondents', () => {
    const matrix: AnswerMatrix = { questionnaire: SD3, coding: 'worded', values: new Uint8Array(0) }
    expect(respondentCount(matrix)).toBe(0)
    expect(scoreMatrix(matrix).raw).toHaveLength(0)
  })
})
