/** @file The methods that can be evaluated: each makes a persona of a respondent's known answers. */
import { alignAsPublished } from '../align/as-published.ts'
import { alignDpo, prepareDpo } from '../align/dpo.ts'
import { DPO, dpoHyperparameters, dpoWithSteps } from '../align/dpo-recipe.ts'
import { alignFewShot, fewShotPrompt } from '../align/few-shot.ts'
import { type AlignOptions, alignPas, type PrepareOptions, preparePas, type SteeredPrompt } from '../align/pas.ts'
import { PAS, PAS_PUBLISHED, PAS_RECIPES, type PasRecipe } from '../align/pas-recipe.ts'
import { alignPersonalityPrompt, type Descriptions, personalityPrompt } from '../align/personality-prompt.ts'
import { alignPpo, preparePpo, type Sampler } from '../align/ppo.ts'
import { PPO, ppoHyperparameters } from '../align/ppo-recipe.ts'
import { PalignError } from '../errors.ts'
import type { HeldOutItems, KnownItems } from '../items/item-split.ts'
import type { OptionOrder } from '../items/question-form.ts'
import type { Questionnaire } from '../items/questionnaire.ts'
import { seededRandom } from '../math/random.ts'
import type { AdapterConfig } from '../model/adapter.ts'
import type { TrainedRows } from '../model/flops.ts'
import type { LanguageModel } from '../model/language-model.ts'
import type { AdapterTrainer } from '../model/trainer.ts'
import type { Respondent } from '../people/respondent.ts'
import { flippedPersona, randomPersona } from '../persona/controls.ts'
import type { Persona, SteeringPersona } from '../persona/persona.ts'
import type { Regime } from './floors.ts'

export const METHODS = [
  'unchanged',
  'few-shot',
  'personality-prompt',
  'pas',
  'pas:published',
  'pas:kv-tied',
  'few-shot+pas',
  'few-shot+pas:published',
  'personality-prompt+pas',
  'personality-prompt+pas:published',
  'pas:flipped',
  'pas:random-1',
  'pas:random-2',
  'pas:random-3',
  'pas:random-4',
  'pas:random-5',
  'pas:as-published',
  'dpo',
  'ppo',
] as const
export type MethodName = (typeof METHODS)[number]

/** Arms that are what `pas` finds for a person, changed so that it must not help. */
export type ControlName = Extract<MethodName, 'pas:flipped' | `pas:random-${number}`>
export const CONTROLLED = 'pas'

export function isControl(name: MethodName): name is ControlName {
  return name === 'pas:flipped' || name.startsWith('pas:random-')
}

export function controlOf(name: ControlName, persona: SteeringPersona, seed: number, { row }: Respondent): SteeringPersona {
  if (name === 'pas:flipped') return flippedPersona(persona)
  const draw = Number(name.slice('pas:random-'.length))
  return randomPersona(persona, seededRandom((seed * 1_000_003 + row) * 31 + draw))
}

export interface Method {
  readonly name: MethodName
  readonly regime: Regime
  /** Everything that was set; methods that train only. */
  readonly hyperparameters?: Readonly<Record<string, number | string>> | undefined
  /** Tokens through a trainer's forward pass that all respondents share. */
  readonly shared?: Pick<TrainedRows, 'forwardTokens' | 'meanRowTokens' | 'meanCompletionTokens'> | undefined
  align(respondent: Respondent, observer?: Pick<AlignOptions, 'onPhase' | 'onProbes'>): Promise<Persona>
  /** Closes what the method opened. */
  dispose?(): Promise<void>
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
  /** Texts for `personality-prompt`, one per row of the answers file; default: written from the known answers. */
  readonly descriptions?: Descriptions
  /** Where activations are kept between runs; default nowhere. */
  readonly store?: PrepareOptions['store']
  /** Opens a trainer over the same model; `dpo` and `ppo` need one. */
  readonly openTrainer?: ((config: AdapterConfig) => Promise<AdapterTrainer>) | undefined
  /** Steps of `dpo` and `ppo` instead of their recipes'. */
  readonly steps?: number | undefined
  /** How `ppo` samples; default: from the model. */
  readonly sample?: Sampler | undefined
  readonly signal?: AbortSignal | undefined
}

/** Does what all respondents share (for PAS: activations and unsteered answers). */
export async function openMethod(name: Exclude<MethodName, ControlName>, context: MethodContext): Promise<Method> {
  const { known, descriptions } = context
  switch (name) {
    case 'unchanged':
      return { name, regime: 'none', align: async () => ({ kind: 'none' }) }
    case 'few-shot':
      return { name, regime: 'person', align: async (respondent) => alignFewShot(respondent, known) }
    case 'personality-prompt':
      return { name, regime: 'person', align: async (respondent) => alignPersonalityPrompt(respondent, known, descriptions) }
    case 'pas':
    case 'pas:published':
    case 'pas:kv-tied':
      return openPas(name, PAS_RECIPES[name], context)
    case 'few-shot+pas':
      return openPas(name, PAS, context, fewShotWith)
    case 'few-shot+pas:published':
      return openPas(name, PAS_PUBLISHED, context, fewShotWith)
    case 'personality-prompt+pas':
      return openPas(name, PAS, context, described(descriptions))
    case 'personality-prompt+pas:published':
      return openPas(name, PAS_PUBLISHED, context, described(descriptions))
    case 'pas:as-published':
      return openAsPublished(name, context)
    case 'dpo':
      return openDpo(name, context)
    case 'ppo':
      return openPpo(name, context)
    default:
      return name satisfies never
  }
}

/** The prompt that a respondent is steered under. */
type PromptOf = (respondent: Respondent) => SteeredPrompt

const fewShotWith: PromptOf = (respondent) => ({ name: 'few-shot', of: (items) => fewShotPrompt(respondent, items) })

/** A description that is given is one text: it may tell of tuning items too, never of held-out ones. */
const described =
  (texts: Descriptions): PromptOf =>
  (respondent) => ({ name: 'personality-prompt', of: (items) => personalityPrompt(respondent, items, texts) })

async function openPas(
  name: MethodName,
  recipe: PasRecipe,
  { model, questionnaire, known, seed, orders, store, signal }: MethodContext,
  promptOf?: PromptOf,
): Promise<Method> {
  const prepared = await preparePas(model, questionnaire, known, { recipe, orders, store, signal })
  const align: Method['align'] = (respondent, observer) => {
    const options = { seed, signal, ...observer }
    return promptOf === undefined
      ? alignPas(prepared, respondent, options)
      : alignPas(prepared, respondent, { ...options, prompt: promptOf(respondent) })
  }
  return { name, regime: 'person', align }
}

async function openAsPublished(name: MethodName, context: MethodContext): Promise<Method> {
  const { model, questionnaire, known, heldOut, seed, store, signal } = context
  const prepared = await preparePas(model, questionnaire, known, { recipe: PAS_PUBLISHED, store, signal })
  const options = { asPublished: true, heldOut, seed, signal } as const
  return {
    name,
    regime: 'person',
    align: (respondent, observer) => alignAsPublished(prepared, respondent, { ...options, ...observer }),
  }
}

async function openDpo(name: MethodName, context: MethodContext): Promise<Method> {
  const { model, questionnaire, known, seed, orders, steps, signal } = context
  const recipe = steps === undefined ? DPO : dpoWithSteps(DPO, steps)
  const trainer = await trainerFor(name, recipe.adapter, context)
  const prepared = await orDispose(trainer, prepareDpo(model, trainer, questionnaire, known, { recipe, orders, signal }))
  return {
    name,
    regime: 'person',
    hyperparameters: dpoHyperparameters(recipe),
    shared: prepared.shared,
    align: (respondent) => alignDpo(prepared, respondent, { seed, signal }),
    dispose: () => trainer.dispose(),
  }
}

async function openPpo(name: MethodName, context: MethodContext): Promise<Method> {
  const { model, questionnaire, known, seed, orders, steps = PPO.steps, sample, signal } = context
  const recipe = { ...PPO, steps }
  const trainer = await trainerFor(name, recipe.adapter, context)
  const options = { recipe, orders, sample, signal }
  const prepared = await orDispose(trainer, preparePpo(model, trainer, questionnaire, known, options))
  return {
    name,
    regime: 'person',
    hyperparameters: ppoHyperparameters(recipe),
    align: (respondent) => alignPpo(prepared, respondent, { seed, signal }),
    dispose: () => trainer.dispose(),
  }
}

async function trainerFor(name: MethodName, config: AdapterConfig, { openTrainer }: MethodContext): Promise<AdapterTrainer> {
  if (openTrainer !== undefined) return openTrainer(config)
  throw new PalignError('invalid-input', `method ${name} trains an adapter and was given no trainer`, {
    hint: 'pass openTrainer, or leave the method out',
  })
}

async function orDispose<T>(trainer: AdapterTrainer, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    await trainer.dispose()
    throw error
  }
}
