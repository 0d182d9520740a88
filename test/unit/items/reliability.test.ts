import { describe, expect, it } from 'vitest'
import type { AnswerMatrix } from '../../../src/items/answer-matrix.ts'
import { IPIP_NEO_120, IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { cronbachAlpha, ipipNeoAlpha, spearmanBrown } from '../../../src/items/reliability.ts'
import { SD3 } from '../../../src/items/sd3.ts'

const machiavellianism = SD3.domains[0]!

/** SD3 rows whose nine Machiavellianism answers are given; the rest is 3. */
const matrixOf = (rows: readonly (readonly number[])[]): AnswerMatrix => ({
  questionnaire: SD3,
  coding: 'worded',
  values: Uint8Array.from(rows.flatMap((row) => [...row, ...new Array(18).fill(3)])),
})

describe('Spearman-Brown', () => {
  it('undoes itself and leaves a scale of the same length alone', () => {
    expect(spearmanBrown(0.8, 1)).toBe(0.8)
    expect(spearmanBrown(spearmanBrown(0.8, 2.5), 1 / 2.5)).toBeCloseTo(0.8, 12)
  })
})

describe('population alpha of the IPIP-NEO', () => {
  it('is the published one for 24-item domains', () => {
    expect(Object.fromEntries(IPIP_NEO_120.domains.map((domain) => [domain.code, ipipNeoAlpha(domain)]))).toEqual({
      N: 0.899,
      E: 0.891,
      O: 0.811,
      A: 0.855,
      C: 0.904,
    })
  })

  it('is the mean of the facets for ten items and smaller for four', () => {
    expect(ipipNeoAlpha(IPIP_NEO_300.facets[0]!)).toBe(0.835)
    expect(ipipNeoAlpha(IPIP_NEO_120.facets[0]!)).toBeCloseTo(0.669, 3)
  })
})

describe("Cronbach's alpha", () => {
  it('is 1 where all items agree', () => {
    expect(cronbachAlpha(matrixOf([1, 2, 4, 5].map((answer) => new Array(9).fill(answer))), machiavellianism)).toBeCloseTo(1, 12)
  })

  it('is 0 where items are unrelated', () => {
    // Two items in all four combinations, the other seven constant.
    const rows = [
      [1, 1],
      [1, 5],
      [5, 1],
      [5, 5],
    ].map((pair) => [...pair, ...new Array(7).fill(3)])
    expect(cronbachAlpha(matrixOf(rows), machiavellianism)).toBeCloseTo(0, 12)
  })

  it('leaves out rows with a missing answer', () => {
    const rows = [1, 2, 4, 5].map((answer) => new Array(9).fill(answer))
    expect(cronbachAlpha(matrixOf([...rows, [0, 5, 1, 5, 1, 5, 1, 5, 1]]), machiavellianism)).toBeCloseTo(1, 12)
  })
})
