/** @file One arm of an evaluation: every respondent's persona answers the held-out items in every form. */
import { answerForms, type Questions, renderQuestions } from '../align/questions.ts'
import { argmaxAnswer, expectedAnswer, medianAnswer } from '../items/answer-distribution.ts'
import type { QuestionForm } from '../items/question-form.ts'
import { groupBy } from '../math/group-by.ts'
import { mean } from '../math/statistics.ts'
import { usageBetween } from '../model/flops.ts'
import type { Progress } from '../model/language-model.ts'
import type { Respondent } from '../people/respondent.ts'
import { compilePersona } from '../persona/persona.ts'
import { type AlignmentContext, alignments } from './alignments.ts'
import { type AlignUnit, type AnswerUnit, answerUnitKey, decodeAnswerUnit, encodeAnswerUnit } from './answer-unit.ts'
import { costMeter, sumOfCosts } from './cost.ts'
import { type HeadMap, headMap } from './head-map.ts'
import type { MethodName } from './methods.ts'
import type { ArmPredictions, FormPredictions } from './table.ts'
import { runUnits } from './units.ts'

export interface ArmContext extends AlignmentContext {
  /** At least one; the answer of an arm is the mean over them. */
  readonly forms: readonly QuestionForm[]
}

export interface ArmRun {
  readonly predictions: ArmPredictions
  /** Of methods with probes. */
  readonly heads: HeadMap | undefined
  /** Respondents with too few answers for the method. */
  readonly tooFew: number
}

export async function runArm(
  name: MethodName,
  respondents: readonly Respondent[],
  context: ArmContext,
  onProgress?: (progress: Progress) => void,
): Promise<ArmRun> {
  const { units: store, heldOut, signal } = context
  const personas = alignments(name, context)
  const wordings = wordingsOf(context.forms)
  try {
    const ask = asker(context)
    const usedBefore = await context.model.usage()
    let spent = usedBefore
    const wanted = respondents.flatMap((respondent) =>
      wordings.map(async (forms) => ({
        key: await answerUnitKey(name, context, respondent, forms),
        compute: async () => {
          const unit = await ask((await personas.of(respondent)).persona, forms)
          spent = await context.model.usage()
          return encodeAnswerUnit(unit)
        },
      })),
    )
    const units = await Promise.all(wanted)
    const texts = await runUnits(store, units, {
      signal,
      onProgress: (progress) => onProgress?.({ ...progress, forwardTokens: usageBetween(usedBefore, spent).forwardTokens }),
    })
    const answered = texts.map((text, i) =>
      decodeAnswerUnit(text, { items: heldOut.items.length, forms: wordings[i % wordings.length]!.length }),
    )
    const aligned: AlignUnit[] = []
    for (const respondent of respondents) aligned.push(summaryOf(await personas.of(respondent)))
    // Arms that know nothing of the person have one unit for all: it costs once.
    const isFirst = (i: number) => units.findIndex(({ key }) => key === units[i]!.key) === i
    const distinct = answered.filter((_, i) => isFirst(i)).map(({ cost }) => cost)
    const alignCosts = aligned.filter((_, r) => isFirst(r * wordings.length)).map(({ cost }) => cost)
    const cost = sumOfCosts(await personas.sharedCost(), [...alignCosts, ...distinct], respondents.length)
    const { regime, hyperparameters } = aligned[0]!
    const strength = meanStrength(aligned)
    return {
      predictions: { arm: name, regime, hyperparameters, cost, strength, ...predictionsOf(answered, wordings, context) },
      heads: headMap(aligned, context.model.shape),
      tooFew: aligned.filter(({ tooFew }) => tooFew).length,
    }
  } finally {
    await personas.dispose()
  }
}

/** Forms that differ in the order of options only: they share their prompt up to the options, and one unit. */
function wordingsOf(forms: readonly QuestionForm[]): QuestionForm[][] {
  return [...groupBy(forms, ({ marks, phrasing }) => `${marks}-${phrasing}`).values()]
}

/** Adapters of all respondents at once would not fit into memory; nothing asks for them any more. */
function summaryOf(unit: AlignUnit): AlignUnit {
  return unit.persona?.kind === 'adapter' ? { ...unit, persona: undefined } : unit
}

function asker({ model, questionnaire, heldOut, process, signal }: ArmContext) {
  const asked = new Map<readonly QuestionForm[], Promise<Questions>>()
  const render = (forms: readonly QuestionForm[], system?: string) =>
    renderQuestions(model, heldOut.items, questionnaire.answerLabels, { system, forms, signal })
  return async (persona: NonNullable<AlignUnit['persona']>, forms: readonly QuestionForm[]): Promise<AnswerUnit> => {
    const { system, ...steering } = compilePersona(persona, model)
    if (system === undefined && !asked.has(forms)) asked.set(forms, render(forms))
    const questions = await (system === undefined ? (asked.get(forms) as Promise<Questions>) : render(forms, system))
    const meter = await costMeter(model, process)
    meter.enter('answer')
    const distributions = await answerForms(model, questions, { ...steering, signal })
    return { distributions, cost: await meter.finish(1) }
  }
}

function meanStrength(units: readonly AlignUnit[]): AlignUnit['strength'] {
  const known = units.flatMap(({ strength }) => (strength === undefined ? [] : [strength]))
  if (known.length === 0) return undefined
  const alphas = known.flatMap(({ alpha }) => (alpha === undefined ? [] : [alpha]))
  return { klP95: mean(known.map(({ klP95 }) => klP95)), ...(alphas.length > 0 && { alpha: mean(alphas) }) }
}

/** @param units `[respondents, wordings]` */
function predictionsOf(
  units: readonly AnswerUnit[],
  wordings: readonly (readonly QuestionForm[])[],
  { heldOut }: Pick<ArmContext, 'heldOut'>,
) {
  const items = heldOut.items.length
  const respondents = units.length / wordings.length
  const forms = wordings.flatMap((wording, w) =>
    wording.map((form, f): FormPredictions => {
      const probabilities = new Float32Array(respondents * items * 5)
      for (let r = 0; r < respondents; r++) {
        probabilities.set(units[r * wordings.length + w]!.distributions[f]!.probabilities, r * items * 5)
      }
      return { form, probabilities }
    }),
  )
  const average = (at: number) => forms.reduce((sum, { probabilities }) => sum + probabilities[at]!, 0) / forms.length
  const all = forms.length === 1 ? forms[0]!.probabilities : forms[0]!.probabilities.map((_, at) => average(at))
  const each = (of: (probabilities: Float32Array) => number) =>
    Float32Array.from({ length: respondents * items }, (_, at) => of(all.subarray(at * 5, at * 5 + 5)))
  const unanswered = mean(units.flatMap(({ distributions }) => distributions.map(({ unanswered }) => mean(unanswered))))
  return { answers: each(argmaxAnswer), medians: each(medianAnswer), expected: each(expectedAnswer), unanswered, forms }
}
