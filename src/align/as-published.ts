/**
 * @file The released protocol with its faults, to reproduce it and for nothing else (paper section 7, faults 1, 3 and 4): keyed values are read
 * as answers to the wording, the few-shot prompt stays on while steering, and alpha is the one with the smallest published error on the
 * held-out answers themselves. What such a persona scores on those items is not evidence of anything.
 */
import { argmaxAnswer } from '../items/answer-distribution.ts'
import { DOMAINS } from '../items/ipip-neo.ts'
import type { HeldOutItems } from '../items/item-split.ts'
import { toKeyed } from '../items/questionnaire.ts'
import type { Respondent } from '../people/respondent.ts'
import { compileDisplacement } from '../persona/compile.ts'
import type { PromptSteeringPersona } from '../persona/persona.ts'
import { fewShotPrompt } from './few-shot.ts'
import { type AlignOptions, findInterventions, type PreparedPas, provenanceOf } from './pas.ts'
import { answerQuestions, renderQuestions } from './questions.ts'

export interface AsPublishedOptions extends AlignOptions {
  /** Says that the caller wants the faults. */
  readonly asPublished: true
  /** The leak: alpha is chosen on these. */
  readonly heldOut: HeldOutItems
}

export async function alignAsPublished(
  prepared: PreparedPas,
  respondent: Respondent,
  { heldOut, seed = 0, source, signal, onPhase }: AsPublishedOptions,
): Promise<PromptSteeringPersona> {
  const { model, recipe, known } = prepared
  const misread = misreadAsPublished(respondent)
  const system = fewShotPrompt(misread, known)
  const interventions = await findInterventions(prepared, known, misread.answers, { seed })
  onPhase?.('search')
  const questions = await renderQuestions(model, heldOut.items, respondent.questionnaire.answerLabels, {
    system,
    orders: ['descending'],
    signal,
  })
  const curve: { alpha: number; loss: number }[] = []
  for (const alpha of recipe.alphas) {
    const displacement = compileDisplacement(interventions, alpha, model.shape)
    const { probabilities } = await answerQuestions(model, questions, { displacement, signal })
    curve.push({ alpha, loss: publishedError(probabilities, misread, heldOut) })
  }
  return {
    kind: 'prompt+steering',
    method: 'pas:as-published',
    model: model.fingerprint,
    shape: model.shape,
    site: 'z',
    unit: 'sigma',
    alpha: curve.reduce((best, point) => (point.loss < best.loss ? point : best)).alpha,
    interventions,
    system,
    calibration: { loss: 'published error on held-out items', curve, folds: 0 },
    provenance: provenanceOf(respondent, known, seed, source),
  }
}

/** The stored values of the person, taken for answers to the wording. */
export function misreadAsPublished(respondent: Respondent): Respondent {
  const { byItem } = toKeyed(respondent.questionnaire, respondent.answers)
  return { ...respondent, answers: { coding: 'worded', byItem } }
}

/** Sum over domains of the mean distance to the stored value, a missing one counted as 0. */
function publishedError(probabilities: Float32Array, { answers }: Respondent, { items }: HeldOutItems): number {
  return DOMAINS.reduce((sum, domain) => {
    const errors = items.flatMap((item, i) =>
      item.domain === domain
        ? [Math.abs(argmaxAnswer(probabilities.subarray(i * 5, i * 5 + 5)) - (answers.byItem.get(item.itemNumber) ?? 0))]
        : [],
    )
    return sum + errors.reduce((a, b) => a + b, 0) / errors.length
  }, 0)
}
