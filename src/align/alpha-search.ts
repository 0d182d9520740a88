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

export interface AlphaSearch {
  readonly alphas: readonly number[]
  readonly loss: AnswerLoss
  /** The model's answers to the tuning items with the interventions at this alpha. */
  ask(trial: Trial, alpha: number): Promise<AnswerDistributions>
}

/**
 * Cross-validated alpha: mean loss over all answered tuning items of all trials. Of equal losses the weakest alpha wins.
 * @returns alpha and the whole curve, so that a reader sees how sharp the choice was
 */
export async function searchAlpha(
  trials: readonly Trial[],
  answers: Worded,
  { alphas, loss, ask }: AlphaSearch,
): Promise<{ readonly alpha: number; readonly calibration: Calibration }> {
  const curve: { alpha: number; loss: number }[] = []
  for (const alpha of alphas) {
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
    curve.push({ alpha, loss: sum / count })
  }
  const best = curve.reduce((a, b) => (b.loss < a.loss || (b.loss === a.loss && Math.abs(b.alpha) < Math.abs(a.alpha)) ? b : a))
  return { alpha: best.alpha, calibration: { loss: loss.name, curve, folds: trials.length } }
}
