/**
 * @file The units of an evaluation. One is what a method finds for one respondent, the other what the arm then answers in one wording of the
 * questions (both option orders, which share their prompt). A key names everything the result depends on; arms that know nothing of the person
 * have one unit for all.
 */
import type { AnswerDistributions } from '../align/questions.ts'
import { formName, type QuestionForm } from '../items/question-form.ts'
import { floatsFromBase64, floatsToBase64 } from '../math/base64.ts'
import type { Respondent } from '../people/respondent.ts'
import type { Persona } from '../persona/persona.ts'
import type { Cost } from './cost.ts'
import type { Regime } from './floors.ts'
import type { MethodContext, MethodName } from './methods.ts'
import { personaFromText, personaToText } from './persona-text.ts'
import { readUnit, unitKey } from './units.ts'

/** What a method finds for a respondent. */
export interface AlignUnit {
  readonly regime: Regime
  readonly hyperparameters?: Readonly<Record<string, number | string>> | undefined
  /** Absent where it is too large to be kept: it has to be found again. */
  readonly persona: Persona | undefined
  /** How far the model is moved (`steering-strength.ts`), and the alpha of a displacement; absent where nothing is added to the model. */
  readonly strength?: { readonly klP95: number; readonly alpha?: number | undefined } | undefined
  /** `[layers * heads]`: validation accuracies of the probes, of methods that have some. */
  readonly accuracies?: Float32Array | undefined
  /** The answers were too few for the method: the persona is none. */
  readonly tooFew?: boolean | undefined
  /** Of this respondent alone. */
  readonly cost: Cost
}

/** What an arm answers to every held-out item in one wording. */
export interface AnswerUnit {
  /** One of every form. */
  readonly distributions: readonly AnswerDistributions[]
  readonly cost: Cost
}

/** Raised whenever the same description comes to mean another result. */
const REVISION = 2

interface KeyContext
  extends Pick<MethodContext, 'questionnaire' | 'known' | 'heldOut' | 'seed' | 'orders' | 'descriptions' | 'steps'> {
  readonly model: { readonly fingerprint: string }
  /** Of the program that computes the units. */
  readonly version?: string | undefined
  readonly tooFew?: 'refuse' | 'leave-unsteered' | undefined
}

/** Key of what the arm does once for everybody. */
export function sharedUnitKey(method: MethodName, context: KeyContext): Promise<string> {
  return unitKey({ ...described(method, context), kind: 'shared' })
}

export function alignUnitKey(method: MethodName, context: KeyContext, respondent: Respondent): Promise<string> {
  return unitKey({ ...described(method, context), ...personOf(method, respondent, context), kind: 'align' })
}

export function answerUnitKey(
  method: MethodName,
  context: KeyContext,
  respondent: Respondent,
  forms: readonly QuestionForm[],
): Promise<string> {
  const heldOut = context.heldOut.items.map(({ itemNumber }) => itemNumber)
  const person = personOf(method, respondent, context)
  return unitKey({ ...described(method, context), ...person, heldOut, forms: forms.map(formName), kind: 'answers' })
}

function described(method: MethodName, context: KeyContext) {
  const { model, questionnaire, known, seed, orders, steps, version, tooFew } = context
  return {
    revision: REVISION,
    version,
    model: model.fingerprint,
    method,
    seed,
    orders,
    steps: method === 'dpo' || method === 'ppo' ? steps : undefined,
    questionnaire: questionnaire.id,
    known: known.items.map(({ itemNumber }) => itemNumber),
    tooFew: tooFew === 'leave-unsteered' ? tooFew : undefined,
  }
}

/** What a method may know of somebody. Held-out answers only where it looks at them: answers that nothing depends on make no other unit. */
function personOf(method: MethodName, { row, answers }: Respondent, { known, heldOut, descriptions }: KeyContext) {
  if (method === 'unchanged') return {}
  const seen = method === 'pas:as-published' ? [...known.items, ...heldOut.items] : known.items
  return {
    person: { row, answers: seen.map(({ itemNumber }) => answers.byItem.get(itemNumber) ?? 0) },
    description: method.startsWith('personality-prompt') ? descriptions?.[row] : undefined,
  }
}

export function encodeAlignUnit({ persona, accuracies, ...rest }: AlignUnit): string {
  const text = persona && personaToText(persona)
  return JSON.stringify({
    ...rest,
    persona: text,
    accuracies: accuracies && { count: accuracies.length, values: floatsToBase64(accuracies) },
  })
}

/** @throws PalignError `malformed-file` for what is no such unit */
export function decodeAlignUnit(text: string): AlignUnit {
  return readUnit(text, (json) => {
    const { persona, accuracies, ...rest } = json as Omit<AlignUnit, 'persona' | 'accuracies'> & {
      readonly persona?: string
      readonly accuracies?: { readonly count: number; readonly values: string }
    }
    if (typeof rest.cost !== 'object') throw new RangeError('unit has no cost')
    return {
      ...rest,
      persona: persona === undefined ? undefined : personaFromText(persona),
      accuracies: accuracies && floatsFromBase64(accuracies.values, accuracies.count),
    }
  })
}

export function encodeAnswerUnit({ distributions, cost }: AnswerUnit): string {
  const forms = distributions.map(({ probabilities, unanswered }) => [floatsToBase64(probabilities), floatsToBase64(unanswered)])
  return JSON.stringify({ forms, cost })
}

/** @throws PalignError `malformed-file` for what is no unit of so many items and forms */
export function decodeAnswerUnit(text: string, { items, forms }: { readonly items: number; readonly forms: number }): AnswerUnit {
  return readUnit(text, (json) => {
    const stored = json as { readonly forms: readonly (readonly [string, string])[]; readonly cost: Cost }
    if (stored.forms.length !== forms) throw new RangeError(`unit has ${stored.forms.length} forms, expected ${forms}`)
    const distributions = stored.forms.map(([probabilities, unanswered]) => ({
      probabilities: floatsFromBase64(probabilities, items * 5),
      unanswered: floatsFromBase64(unanswered, items),
    }))
    return { distributions, cost: stored.cost }
  })
}
