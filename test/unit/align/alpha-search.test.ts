import { describe, expect, it } from 'vitest'
import { type AlphaSearch, searchAlpha } from '../../../src/align/alpha-search.ts'
import { splitItems, tuningFolds } from '../../../src/items/item-split.ts'
import type { Answer, Worded } from '../../../src/items/questionnaire.ts'

const { known, heldOut } = splitItems()
const trials = tuningFolds(known).map(({ tuning }) => ({ tuning, interventions: [] }))
const answers: Worded = { coding: 'worded', byItem: new Map(known.items.map((item) => [item.itemNumber, 4 as Answer])) }

/** A model that answers 3 + alpha. */
const search = (alphas: readonly number[]): AlphaSearch => ({
  alphas,
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
