/** @file The methods that can be evaluated: each makes a persona of a respondent's known answers. */
import { alignAsPublished } from '../align/as-published.ts'
import { alignFewShot } from '../align/few-shot.ts'
import { alignPas, type PrepareOptions, preparePas } from '../align/pas.ts'
import { PAS, PAS_PUBLISHED, type PasRecipe } from '../align/pas-recipe.ts'
import { alignPersonalityPrompt } from '../align/personality-prompt.ts'
import { PalignError } from '../errors.ts'
import type { HeldOutItems, KnownItems } from '../items/item-split.ts'
import type { OptionOrder } from '../items/question-form.ts'
import type { Questionnaire } from '../items/questionnaire.ts'
import type { LanguageModel } from '../model/language-model.ts'
import type { Respondent } from '../people/respondent.ts'
import type { Persona } from '../persona/persona.ts'
import type { Regime } from './floors.ts'

export const METHODS = ['unchanged', 'few-shot', 'personality-prompt', 'pas', 'pas:published', 'pas:as-published'] as const
export type MethodName = (typeof METHODS)[number]

export interface Method {
  readonly name: MethodName
  readonly regime: Regime
  align(respondent: Respondent): Promise<Persona>
}

export interface MethodContext {
  readonly model: LanguageModel
  readonly questionnaire: Questionnaire
  readonly known: KnownItems
  /** Of all methods only `pas:as-published` looks at them, and says so by its name. */
  readonly heldOut: HeldOutItems
  readonly seed: number
  /** Option orders in which every arm is asked, tuning items as well; default both. */
  readonly orders?: readonly OptionOrder[] | undefined
  /** Texts for `personality-prompt`, one per row of the answers file. */
  readonly descriptions?: readonly string[] | undefined
  /** Where activations are kept between runs; default nowhere. */
  readonly store?: PrepareOptions['store']
  readonly signal?: AbortSignal | undefined
}

/** Does what all respondents share (for PAS: activations and unsteered answers). */
export async function openMethod(name: MethodName, context: MethodContext): Promise<Method> {
  const { known, descriptions } = context
  switch (name) {
    case 'unchanged':
      return { name, regime: 'none', align: async () => ({ kind: 'none' }) }
    case 'few-shot':
      return { name, regime: 'person', align: async (respondent) => alignFewShot(respondent, known) }
    case 'personality-prompt': {
      if (descriptions === undefined) {
        throw new PalignError('invalid-input', 'personality-prompt needs descriptions', {
          hint: 'give a file with --descriptions',
        })
      }
      return { name, regime: 'person', align: async (respondent) => alignPersonalityPrompt(respondent, descriptions) }
    }
    case 'pas':
      return openPas(name, PAS, context)
    case 'pas:published':
      return openPas(name, PAS_PUBLISHED, context)
    case 'pas:as-published':
      return openAsPublished(name, context)
    default:
      return name satisfies never
  }
}

async function openPas(
  name: MethodName,
  recipe: PasRecipe,
  { model, questionnaire, known, seed, orders, store, signal }: MethodContext,
): Promise<Method> {
  const prepared = await preparePas(model, questionnaire, known, { recipe, orders, store, signal })
  return { name, regime: 'person', align: (respondent) => alignPas(prepared, respondent, { seed, signal }) }
}

async function openAsPublished(name: MethodName, context: MethodContext): Promise<Method> {
  const { model, questionnaire, known, heldOut, seed, store, signal } = context
  const prepared = await preparePas(model, questionnaire, known, { recipe: PAS_PUBLISHED, store, signal })
  const options = { asPublished: true, heldOut, seed, signal } as const
  return { name, regime: 'person', align: (respondent) => alignAsPublished(prepared, respondent, options) }
}
