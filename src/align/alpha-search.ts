/** @file Choosing alpha: the loss of steered answers on tuning items, never on held-out ones. */
import type { TuningItems } from '../items/item-split.ts'
import type { Answer, Worded } from '../items/questionnaire.ts'
import type { Intervention } from '../persona/intervention.ts'
import type { Calibration } from '../persona/persona.ts'
import type { AnswerDistributions } from './questions.ts'

/** Loss of one answer distribution `[5]` against the person's answer to the wording; lower is better. */
export interface AnswerLoss {
  readonly name: string
  of(probabilities: Float32Array, answer: Answer): number
}

/** Interventions fitted without the tuning items they are tried on. */
export interface Trial {
  readonly tuning: TuningItems
  readonly interventions: readonly Intervention[]
}

/** Which alphas are tried, and in which order: gives the next one after seeing what the earlier ones lost, or undefined at the end. */
export type AlphaOrder = (tried: readonly AlphaLoss[]) => number | undefined

export interface AlphaLoss {
  readonly alpha: number
  /** Mean over answered tuning items. */
  readonly loss: number
}

export interface AlphaSearch {
  readonly order: AlphaOrder
  readonly loss: AnswerLoss
  /** The model's answers to the tuning items with the interventions at this alpha. */
  ask(trial: Trial, alpha: number): Promise<AnswerDistributions>
}

/** Every alpha of the grid. */
export function wholeGrid(alphas: readonly number[]): AlphaOrder {
  return (tried) => alphas[tried.length]
}

/**
 * 0, its neighbours in the grid, then on in the better direction for as long as the loss falls; where it falls in neither, 0 stays. The
 * loss over alpha has one valley where a displacement acts evenly: what lies beyond a rise is seldom worth its time.
 * @param alphas any grid that holds 0
 */
export function outwardFromZero(alphas: readonly number[]): AlphaOrder {
  const grid = alphas.toSorted((a, b) => a - b)
  const zero = grid.indexOf(0)
  const start = [zero, zero - 1, zero + 1].filter((place) => place in grid)
  return (tried) => {
    const losses = new Map(tried.map(({ alpha, loss }) => [alpha, loss]))
    const lossAt = (place: number) => losses.get(grid[place]!) ?? Number.POSITIVE_INFINITY
    const first = start.find((place) => !losses.has(grid[place]!))
    if (first !== undefined) return grid[first]
    const direction = lossAt(zero + 1) <= lossAt(zero - 1) ? 1 : -1
    let place = zero
    while (lossAt(place + direction) < lossAt(place)) place += direction
    const next = grid[place + direction]
    return next === undefined || losses.has(next) ? undefined : next
  }
}

/**
 * Cross-validated alpha: mean loss over all answered tuning items of all trials. Of equal losses the weakest alpha wins.
 * @returns alpha and the whole curve, in ascending order, so that a reader sees how sharp the choice was
 */
export async function searchAlpha(
  trials: readonly Trial[],
  answers: Worded,
  { order, loss, ask }: AlphaSearch,
): Promise<{ readonly alpha: number; readonly calibration: Calibration }> {
  const tried: AlphaLoss[] = []
  for (let alpha = order(tried); alpha !== undefined; alpha = order(tried)) {
    let sum = 0
    let count = 0
    for (const trial of trials) {
      const { probabilities } = await ask(trial, alpha)
      trial.tuning.items.forEach((item, i) => {
        const answer = answers.byItem.get(item.itemNumber)
        if (answer === undefined) return
        sum += loss.of(probabilities.subarray(i * 5, i * 5 + 5), answer)
        count++
      })
    }
    tried.push({ alpha, loss: sum / count })
  }
  const best = tried.reduce((a, b) => (b.loss < a.loss || (b.loss === a.loss && Math.abs(b.alpha) < Math.abs(a.alpha)) ? b : a))
  const curve = tried.toSorted((a, b) => a.alpha - b.alpha)
  return { alpha: best.alpha, calibration: { loss: loss.name, curve, folds: trials.length } }
}
