import { describe, expect, it } from 'vitest'
import { cohensKappa, linearWeights, quadraticWeights, rawAgreement, unweighted } from '../../../src/math/cohens-kappa.ts'

// Fixtures of the evaluation protocol: judgements of XSTest answers; compliance, partial, refusal, unparsed.
const humans = [
  [1062, 23, 11],
  [10, 140, 14],
  [4, 19, 967],
]
const gpt4 = [
  [1037, 2, 41, 11],
  [115, 19, 42, 0],
  [233, 8, 742, 0],
  [0, 0, 0, 0],
]
const stringMatch = [
  [1045, 0, 46],
  [73, 0, 103],
  [141, 0, 842],
]

describe("Cohen's kappa", () => {
  it.each([
    ['unweighted', unweighted, 0.93653],
    ['linear', linearWeights, 0.957],
    ['quadratic', quadraticWeights, 0.96961],
  ])('of two humans, %s, gives the fixture', (_, disagreement, expected) => {
    expect(cohensKappa(humans, disagreement)).toBeCloseTo(expected, 5)
  })

  it('of judges with an unused category gives the fixtures', () => {
    expect(cohensKappa(gpt4)).toBeCloseTo(0.62821, 5)
    expect(cohensKappa(stringMatch)).toBeCloseTo(0.69915, 5)
  })

  it.each([
    [
      [
        [1062, 34],
        [14, 1140],
      ],
      0.95729,
    ],
    [
      [
        [1045, 46],
        [214, 945],
      ],
      0.76972,
    ],
    [
      [
        [1037, 54],
        [348, 811],
      ],
      0.64515,
    ],
  ])('of yes and no gives the fixture', (table, expected) => {
    expect(cohensKappa(table)).toBeCloseTo(expected, 5)
    // Two categories can disagree in one way only.
    expect(cohensKappa(table, quadraticWeights)).toBeCloseTo(expected, 5)
  })

  it('is 1 for perfect agreement, 0 for independence and -1 for exact opposition', () => {
    expect(
      cohensKappa([
        [3, 0],
        [0, 5],
      ]),
    ).toBe(1)
    expect(
      cohensKappa([
        [2, 4],
        [3, 6],
      ]),
    ).toBeCloseTo(0, 14)
    expect(
      cohensKappa([
        [0, 5],
        [5, 0],
      ]),
    ).toBe(-1)
  })

  it('has no value where both raters use one category only', () => {
    expect(
      cohensKappa([
        [7, 0],
        [0, 0],
      ]),
    ).toBeNaN()
  })

  it('refuses a table that is not square, empty, or holds no counts', () => {
    expect(() => cohensKappa([[1, 2]])).toThrow('1 rows and 2 columns in row 0')
    expect(() => cohensKappa([])).toThrow('counts no units')
    expect(() =>
      cohensKappa([
        [0, 0],
        [0, 0],
      ]),
    ).toThrow('counts no units')
    expect(() =>
      cohensKappa([
        [1, 0.5],
        [0, 1],
      ]),
    ).toThrow('count in row 0, column 1 is 0.5')
    expect(() =>
      cohensKappa([
        [1, Number.NaN],
        [0, 1],
      ]),
    ).toThrow('is NaN')
  })
})

describe('raw agreement', () => {
  it('gives the fixtures', () => {
    expect(rawAgreement(humans)).toBeCloseTo(0.964, 4)
    expect(rawAgreement(gpt4)).toBeCloseTo(0.7991, 4)
    expect(rawAgreement(stringMatch)).toBeCloseTo(0.8387, 4)
  })
})
