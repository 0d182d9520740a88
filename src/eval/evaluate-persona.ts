/**
 * @file One persona that is kept, asked the held-out items of the one person that it was made of, beside what needs no other people: the unsteered
 * model, constants, and the person's own known answers. Nothing is chosen here.
 */
import { answerQuestions, renderQuestions } from '../align/questions.ts'
import { PalignError } from '../errors.ts'
import { argmaxAnswer } from '../items/answer-distribution.ts'
import { DOMAINS } from '../items/ipip-neo.ts'
import { splitItems } from '../items/item-split.ts'
import { mean } from '../math/statistics.ts'
import type { LanguageModel } from '../model/language-model.ts'
import type { Respondent } from '../people/respondent.ts'
import { compilePersona, type Persona } from '../persona/persona.ts'
import { correctedErrors, type DomainErrors, meanErrors } from './alignment-error.ts'
import { type AnswerTable, answerTable } from './answer-table.ts'
import { floors, populationOf, type Regime, roundedWorded } from './floors.ts'
import { type OnStage, silently } from './stage.ts'

export interface EvaluatedArm {
  readonly arm: string
  readonly regime: Regime
  /** Mean absolute error of worded answers by domain, and their sum. */
  readonly corrected: DomainErrors
  /** Share of answered items met exactly. */
  readonly exact: number
  /** Mean probability on anything but an option; arms that were asked. */
  readonly unanswered?: number | undefined
}

export interface PersonaEvaluation {
  /** Held-out items that the person answered. */
  readonly items: number
  /** The persona is first. */
  readonly arms: readonly EvaluatedArm[]
}

export interface EvaluatePersonaOptions {
  readonly persona: Persona
  readonly model: LanguageModel
  readonly respondent: Respondent
  readonly onStage?: OnStage | undefined
  readonly signal?: AbortSignal | undefined
}

/** Floors that would need answers of other people. */
const OF_OTHERS = 'population'

/** Whether `evaluatePersona` has something to go by: held-out answers in every domain. */
export function isEvaluable(respondent: Respondent): boolean {
  const truth = answerTable([respondent], splitItems().heldOut.items)
  return !correctedErrors(truth.worded, truth).some(Number.isNaN)
}

/** @throws PalignError `too-few-answers` where a domain has no held-out answer, `incompatible-persona` for another model's persona */
export async function evaluatePersona({
  persona,
  model,
  respondent,
  onStage = silently,
  signal,
}: EvaluatePersonaOptions): Promise<PersonaEvaluation> {
  const { known, heldOut } = splitItems()
  if (!isEvaluable(respondent)) {
    throw new PalignError('too-few-answers', `respondent has a domain of the ${DOMAINS.length} without a held-out answer`, {
      hint: 'evaluation needs answers to the IPIP-NEO-300: those of the short form are all used to find the persona',
    })
  }
  const truth = answerTable([respondent], heldOut.items)
  const asked = async (arm: string, regime: Regime, who: Persona): Promise<EvaluatedArm> => {
    const { system, displacement, adapter } = compilePersona(who, model)
    const stage = onStage(`asking held-out items: ${arm}`)
    const questions = await renderQuestions(model, heldOut.items, respondent.questionnaire.answerLabels, { system, signal })
    const { probabilities, unanswered } = await answerQuestions(model, questions, {
      ...{ displacement, adapter, signal },
      onProgress: stage.update,
    })
    stage.end()
    const answers = heldOut.items.map((_, i) => argmaxAnswer(probabilities.subarray(i * 5, i * 5 + 5)))
    return { ...errorsOf(arm, regime, answers, truth), unanswered: mean(unanswered) }
  }
  const arms = [await asked('persona', 'person', persona), await asked('unchanged', 'none', { kind: 'none' })]
  const alone = populationOf([respondent], known, heldOut)
  for (const { arm, regime, predict } of floors()) {
    if (regime !== OF_OTHERS) arms.push(errorsOf(arm, regime, roundedWorded(predict(alone), heldOut.items), truth))
  }
  return { items: truth.worded.reduce((count, answer) => count + Number(answer !== 0), 0), arms }
}

function errorsOf(arm: string, regime: Regime, answers: ArrayLike<number>, truth: AnswerTable): EvaluatedArm {
  const hits = truth.worded.reduce((count, answer, i) => count + Number(answer !== 0 && answers[i] === answer), 0)
  const answered = truth.worded.reduce((count, answer) => count + Number(answer !== 0), 0)
  return { arm, regime, corrected: meanErrors(correctedErrors(answers, truth)), exact: hits / answered }
}
