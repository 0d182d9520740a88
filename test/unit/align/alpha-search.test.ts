import { describe, expect, it } from 'vitest'
import { type AlphaOrder, type AlphaSearch, outwardFromZero, searchAlpha, wholeGrid } from '../../../src/align/alpha-search.ts'
import { splitItems, tuningFolds } from '../../../src/items/item-split.ts'
import type { Answer, Worded } from '../../../src/items/questionnaire.ts'

const { known, heldOut } = splitItems()
const trials = tuningFolds(known).map(({ tuning }) => ({ tuning, interventions: [] }))
const answers: Worded = { coding: 'worded', byItem: new Map(known.items.map((item) => [item.itemNumber, 4 as Answer])) }

/** A model that answers 3 + alpha. */
const search = (alphas: readonly number[]): AlphaSearch => ({
  order: wholeGrid(alphas),
  loss: { name: 'distance', of: (p, answer) => Math.abs(p.indexOf(1) + 1 - answer) },
  async ask({ tuning }, alpha) {
    const probabilities = new Float32Array(tuning.items.length * 5)
    tuning.items.forEach((_, i) => {
      probabilities[i * 5 + 2 + alpha] = 1
    })
    return { probabilities, unanswered: new Float32Array(tuning.items.length) }
  },
})

describe('search for alpha', () => {
  it('finds the alpha with the smallest loss and reports the curve', async () => {
    const { alpha, calibration } = await searchAlpha(trials, answers, search([-1, 0, 1, 2]))
    expect(alpha).toBe(1)
    expect(calibration).toEqual({
      loss: 'distance',
      folds: 5,
      curve: [
        { alpha: -1, loss: 2 },
        { alpha: 0, loss: 1 },
        { alpha: 1, loss: 0 },
        { alpha: 2, loss: 1 },
      ],
    })
  })

  it('prefers the weakest of equal alphas', async () => {
    expect((await searchAlpha(trials, answers, search([2, 0]))).alpha).toBe(0)
  })

  it('leaves missing answers out', async () => {
    const few: Worded = { coding: 'worded', byItem: new Map([...answers.byItem].slice(0, 1)) }
    expect((await searchAlpha(trials, few, search([0]))).calibration.curve).toEqual([{ alpha: 0, loss: 1 }])
  })

  it('does not compile with held-out items', () => {
    // @ts-expect-error held-out items are not tuning items: the leak of the published protocol
    const leak = () => searchAlpha([{ tuning: heldOut, interventions: [] }], answers, search([0]))
    expect(leak).toBeTypeOf('function')
  })
})

describe('outward from zero', () => {
  const grid = [-8, -4, -2, -1, 0, 1, 2, 4, 8]
  /** The alphas that are tried, in order, on a curve of losses. */
  const walk = (order: AlphaOrder, lossOf: (alpha: number) => number): number[] => {
    const tried: { alpha: number; loss: number }[] = []
    for (let alpha = order(tried); alpha !== undefined; alpha = order(tried)) tried.push({ alpha, loss: lossOf(alpha) })
    return tried.map(({ alpha }) => alpha)
  }

  it('stops beside zero where neither direction helps', () => {
    expect(walk(outwardFromZero(grid), (alpha) => alpha * alpha)).toEqual([0, -1, 1])
    expect(walk(outwardFromZero(grid), () => 1)).toEqual([0, -1, 1])
  })

  it('walks on while the loss falls, one step past the valley', () => {
    expect(walk(outwardFromZero(grid), (alpha) => Math.abs(alpha - 2))).toEqual([0, -1, 1, 2, 4])
    expect(walk(outwardFromZero(grid), (alpha) => Math.abs(alpha + 2))).toEqual([0, -1, 1, -2, -4])
  })

  it('ends at the end of the grid', () => {
    expect(walk(outwardFromZero(grid), (alpha) => -alpha)).toEqual([0, -1, 1, 2, 4, 8])
  })

  it('takes a grid of one side, in any order, and one of zero alone', () => {
    expect(walk(outwardFromZero([4, 2, 1, 0]), (alpha) => Math.abs(alpha - 2))).toEqual([0, 1, 2, 4])
    expect(walk(outwardFromZero([0]), () => 1)).toEqual([0])
  })

  it('finds the smallest loss of the whole grid on any curve with one valley', () => {
    for (const valley of [-9, -5, -3, -1.4, -0.4, 0, 0.6, 1.3, 3.5, 7, 20]) {
      const lossOf = (alpha: number) => Math.abs(alpha - valley)
      const least = (alphas: readonly number[]) => Math.min(...alphas.map(lossOf))
      expect(least(walk(outwardFromZero(grid), lossOf))).toBe(least(grid))
    }
  })
})
