/** @file `palign align --method dpo|ppo`: the adapter of one person, trained. */
import { alignDpo, prepareDpo } from '../align/dpo.ts'
import { DPO, dpoWithSteps } from '../align/dpo-recipe.ts'
import type { AlignOptions } from '../align/pas.ts'
import { alignPpo, preparePpo } from '../align/ppo.ts'
import { PPO } from '../align/ppo-recipe.ts'
import { NO_OPTION_REWARD } from '../align/reward.ts'
import type { KnownItems } from '../items/item-split.ts'
import type { LanguageModel } from '../model/language-model.ts'
import type { AdapterTrainer } from '../model/trainer.ts'
import { loadAdapterTrainer } from '../node/load-trainer.ts'
import type { Respondent } from '../people/respondent.ts'
import type { AdapterPersona } from '../persona/persona.ts'
import { print, printJson, stage } from './output.ts'

export interface AlignAdapterRequest extends Pick<AlignOptions, 'source' | 'seed'> {
  readonly method: 'dpo' | 'ppo'
  readonly model: LanguageModel
  /** Where the model was loaded from: the trainer opens it once more. */
  readonly folder: string
  readonly respondent: Respondent
  readonly known: KnownItems
  /** Instead of the recipe's. */
  readonly steps: number | undefined
  readonly signal: AbortSignal
}

export async function alignAdapter(request: AlignAdapterRequest): Promise<AdapterPersona> {
  const { method, folder } = request
  const trainer = await loadAdapterTrainer({ folder, adapter: { dpo: DPO, ppo: PPO }[method].adapter })
  try {
    return await { dpo: trainDpo, ppo: trainPpo }[method](trainer, request)
  } finally {
    await trainer.dispose()
  }
}

async function trainDpo(
  trainer: AdapterTrainer,
  { model, respondent, known, steps = DPO.steps, seed, source, signal }: AlignAdapterRequest,
): Promise<AdapterPersona> {
  const asking = stage('asking the model without an adapter')
  const options = { recipe: dpoWithSteps(DPO, steps), signal, onProgress: asking.update }
  const prepared = await prepareDpo(model, trainer, respondent.questionnaire, known, options)
  asking.end()
  const training = stage('training')
  const persona = await alignDpo(prepared, respondent, { seed, source, signal, onProgress: training.update })
  training.end()
  return persona
}

async function trainPpo(
  trainer: AdapterTrainer,
  { model, respondent, known, steps = PPO.steps, seed, source, signal }: AlignAdapterRequest,
): Promise<AdapterPersona> {
  const recipe = { ...PPO, steps }
  const prepared = await preparePpo(model, trainer, respondent.questionnaire, known, { recipe, signal })
  const training = stage('training')
  const persona = await alignPpo(prepared, respondent, { seed, source, signal, onProgress: training.update })
  training.end()
  return persona
}

export function showAdapter(
  { method, training }: AdapterPersona,
  { out, model, json }: { out: string; model: string; json?: boolean },
): void {
  if (json) {
    printJson({ persona: out, method, training })
    return
  }
  print(`persona written to ${out}: an adapter, in the layout of PEFT`)
  if (training === undefined) return
  const { steps, curve, diverged, adapterWeights } = training
  print(`${adapterWeights} weights, ${steps} steps`)
  for (const { step, loss, reward, kl } of curve) {
    const policy = reward === undefined ? '' : `  reward ${reward.toFixed(3)}  divergence ${kl?.toFixed(3)} nats`
    print(`  step ${String(step).padStart(4)}  loss ${loss.toFixed(4)}${policy}`)
  }
  if (curve.length > 0 && curve.every(({ reward }) => reward === NO_OPTION_REWARD)) {
    print('the model never wrote the text of an option: every reward was the lowest, nothing was learnt')
  }
  if (diverged !== undefined) print(`training diverged and was stopped at step ${diverged.step}: ${diverged.reason}`)
  print(`next: palign generate --model ${model} --persona ${out} "Who are you?"`)
}
