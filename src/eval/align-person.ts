/** @file One person -> the persona that is kept, by any method that makes one: what `palign align` and the jobs of a server do. */
import { alignDpo, prepareDpo } from '../align/dpo.ts'
import { DPO, dpoWithSteps } from '../align/dpo-recipe.ts'
import { alignFewShot } from '../align/few-shot.ts'
import { type AlignOptions, alignPas, type PreparedPas, type PrepareOptions, preparePas } from '../align/pas.ts'
import { PAS_RECIPES, type PasRecipe } from '../align/pas-recipe.ts'
import { alignPersonalityPrompt } from '../align/personality-prompt.ts'
import { alignPpo, preparePpo } from '../align/ppo.ts'
import { PPO } from '../align/ppo-recipe.ts'
import { PalignError } from '../errors.ts'
import { type KnownItems, splitItems } from '../items/item-split.ts'
import type { AdapterConfig } from '../model/adapter.ts'
import type { LanguageModel } from '../model/language-model.ts'
import type { AdapterTrainer } from '../model/trainer.ts'
import type { Respondent } from '../people/respondent.ts'
import type { StoredPersona } from '../persona/persona.ts'
import { type OnStage, silently } from './stage.ts'

export const ALIGN_METHODS = ['few-shot', 'personality-prompt', 'pas', 'pas:published', 'pas:kv-tied', 'dpo', 'ppo'] as const
export type AlignMethod = (typeof ALIGN_METHODS)[number]

export function trainsAdapter(method: AlignMethod): method is 'dpo' | 'ppo' {
  return method === 'dpo' || method === 'ppo'
}

export interface AlignPersonOptions extends Pick<AlignOptions, 'source' | 'signal' | 'breathe'> {
  readonly method: AlignMethod
  readonly model: LanguageModel
  readonly respondent: Respondent
  readonly seed: number
  /** Instead of the recipe's; methods that train only. */
  readonly steps?: number | undefined
  /** Where activations are kept between runs; default nowhere. */
  readonly store?: PrepareOptions['store']
  /** What all persons share of PAS, kept by the caller for the next one; default nowhere. */
  readonly prepared?: Map<string, PreparedPas> | undefined
  /** Opens a trainer over the same model; `dpo` and `ppo` need it. */
  readonly openTrainer: (adapter: AdapterConfig) => Promise<AdapterTrainer>
  readonly onStage?: OnStage | undefined
}

/** @throws PalignError `invalid-input` for another questionnaire, `too-few-answers` where no known item was answered */
export async function alignPerson(options: AlignPersonOptions): Promise<StoredPersona> {
  const { method, respondent, steps } = options
  const { known } = splitItems()
  if (!respondent.questionnaire.id.startsWith('ipip-neo')) {
    throw new PalignError('invalid-input', `respondent answered ${respondent.questionnaire.id}`, {
      hint: 'palign aligns with answers to the IPIP-NEO-120 or the IPIP-NEO-300',
    })
  }
  if (!known.items.some(({ itemNumber }) => respondent.answers.byItem.has(itemNumber))) {
    throw new PalignError('too-few-answers', 'respondent answered none of the 120 items of the short form')
  }
  if (steps !== undefined && !trainsAdapter(method)) {
    throw new PalignError('invalid-input', `steps were given, but method ${method} takes none`, {
      hint: 'only dpo and ppo train',
    })
  }
  switch (method) {
    case 'few-shot':
      return alignFewShot(respondent, known) as StoredPersona
    case 'personality-prompt':
      return alignPersonalityPrompt(respondent, known)
    case 'pas':
    case 'pas:published':
    case 'pas:kv-tied':
      return steer(method, options, known)
    case 'dpo':
    case 'ppo':
      return train(options, known)
    default:
      return method satisfies never
  }
}

async function steer(method: PasRecipe['name'], options: AlignPersonOptions, known: KnownItems): Promise<StoredPersona> {
  const { model, respondent, seed, source, store, prepared, onStage = silently, signal, breathe } = options
  const { questionnaire } = respondent
  const key = `${method} ${questionnaire.id} ${model.fingerprint}`
  let shared = prepared?.get(key)
  if (shared === undefined) {
    const recording = onStage('recording activations')
    const recipe = PAS_RECIPES[method]
    shared = await preparePas(model, questionnaire, known, { recipe, store, signal, onProgress: recording.update })
    recording.end()
    prepared?.set(key, shared)
  }
  let current = onStage('fitting probes')
  const persona = await alignPas(shared, respondent, {
    ...{ seed, source, signal, breathe },
    onProgress: (progress) => current.update(progress),
    onPhase(phase) {
      if (phase !== 'search') return
      current.end()
      current = onStage('searching alpha')
    },
  })
  current.end()
  return persona
}

async function train(options: AlignPersonOptions, known: KnownItems): Promise<StoredPersona> {
  const { method, openTrainer } = options
  const trainer = await openTrainer((method === 'dpo' ? DPO : PPO).adapter)
  try {
    return await (method === 'dpo' ? trainDpo : trainPpo)(trainer, options, known)
  } finally {
    await trainer.dispose()
  }
}

async function trainDpo(
  trainer: AdapterTrainer,
  { model, respondent, steps = DPO.steps, seed, source, onStage = silently, signal }: AlignPersonOptions,
  known: KnownItems,
): Promise<StoredPersona> {
  const asking = onStage('asking the model without an adapter')
  const options = { recipe: dpoWithSteps(DPO, steps), signal, onProgress: asking.update }
  const prepared = await prepareDpo(model, trainer, respondent.questionnaire, known, options)
  asking.end()
  const training = onStage('training')
  const persona = await alignDpo(prepared, respondent, { seed, source, signal, onProgress: training.update })
  training.end()
  return persona
}

async function trainPpo(
  trainer: AdapterTrainer,
  { model, respondent, steps = PPO.steps, seed, source, onStage = silently, signal }: AlignPersonOptions,
  known: KnownItems,
): Promise<StoredPersona> {
  const recipe = { ...PPO, steps }
  const prepared = await preparePpo(model, trainer, respondent.questionnaire, known, { recipe, signal })
  const training = onStage('training')
  const persona = await alignPpo(prepared, respondent, { seed, source, signal, onProgress: training.update })
  training.end()
  return persona
}
