/**
 * @file Method `ppo`: proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347), one adapter per person. The model writes
 * answers to known items after the default system prompt, nothing put into its mouth; `reward.ts` says how near they are to the person's.
 * Every answer counts, the neutral one too: the reward is a distance. The choice to stop is not trained, since a completion's end token is
 * no part of it; an empty completion has the reward of no option and nothing to learn from.
 */
import { throwIfAborted } from '../errors.ts'
import type { KnownItems } from '../items/item-split.ts'
import { lettersForm, OPTION_ORDERS, type OptionOrder, questionMessages } from '../items/question-form.ts'
import type { Answer, Questionnaire } from '../items/questionnaire.ts'
import { seededRandom } from '../math/random.ts'
import type { Adapter } from '../model/adapter.ts'
import type { LanguageModel } from '../model/language-model.ts'
import type { AdapterTrainer, Rollout, TrainingRow } from '../model/trainer.ts'
import type { Respondent } from '../people/respondent.ts'
import type { AdapterPersona } from '../persona/persona.ts'
import { adaptedCoefficient, divergenceOf, generalisedAdvantages, tokenRewards, whitened } from './advantages.ts'
import { type AlignOptions, provenanceOf } from './pas.ts'
import { PPO, type PpoRecipe, ppoHyperparameters } from './ppo-recipe.ts'
import { NO_OPTION_REWARD, optionReward } from './reward.ts'
import { shuffledEpochs } from './shuffled-epochs.ts'
import { divergenceWatch, rowMeter, trainAdapter } from './training-run.ts'

/** The current policy writes a completion (tokens without an end token) of every prompt. */
export type Sampler = (
  prompts: readonly (readonly number[])[],
  options: {
    readonly adapter: Adapter
    readonly temperature: number
    readonly maxTokens: number
    readonly seed: number
    readonly signal?: AbortSignal | undefined
  },
) => Promise<number[][]>

export interface PreparedPpo {
  readonly model: LanguageModel
  readonly trainer: AdapterTrainer
  readonly recipe: PpoRecipe
  readonly known: KnownItems
  readonly labels: Questionnaire['answerLabels']
  readonly sample: Sampler
  /** `[orders, items]` */
  readonly prompts: readonly { readonly itemNumber: number; readonly tokens: readonly number[] }[]
}

export interface PreparePpoOptions {
  readonly recipe?: PpoRecipe | undefined
  readonly orders?: readonly OptionOrder[] | undefined
  /** Default: the model itself, one prompt after the other. */
  readonly sample?: Sampler | undefined
  readonly signal?: AbortSignal | undefined
}

/** @param trainer opened with `recipe.adapter`; it is begun anew for every person */
export async function preparePpo(
  model: LanguageModel,
  trainer: AdapterTrainer,
  { answerLabels: labels }: Questionnaire,
  known: KnownItems,
  { recipe = PPO, orders = OPTION_ORDERS, sample = sampleFrom(model), signal }: PreparePpoOptions = {},
): Promise<PreparedPpo> {
  const prompts: { itemNumber: number; tokens: readonly number[] }[] = []
  for (const order of orders) {
    for (const item of known.items) {
      throwIfAborted(signal)
      prompts.push({
        itemNumber: item.itemNumber,
        tokens: await model.render(questionMessages(item, labels, lettersForm(order))),
      })
    }
  }
  return { model, trainer, recipe, known, labels, sample, prompts }
}

/** Trains the adapter of one respondent, on known items only. A run that diverges stops; the persona says so. */
export async function alignPpo(
  prepared: PreparedPpo,
  respondent: Respondent,
  { seed = 0, source, signal, onProgress }: AlignOptions = {},
): Promise<AdapterPersona> {
  const { model, trainer, recipe, known, prompts, sample } = prepared
  const provenance = provenanceOf(respondent, known, seed, source)
  const asked = prompts.flatMap(({ itemNumber, tokens }): AskedPrompt[] => {
    const answer = respondent.answers.byItem.get(itemNumber)
    return answer === undefined ? [] : [{ tokens, answer }]
  })
  const random = seededRandom(seed)
  const draw = shuffledEpochs(asked, random)
  const meter = rowMeter()
  let coefficient = recipe.kl.initial
  return trainAdapter({
    method: 'ppo',
    model,
    trainer,
    begin: { seed, learningRate: recipe.learningRate, dropout: 0, clipNorm: 1 },
    steps: recipe.steps,
    hyperparameters: ppoHyperparameters(recipe),
    watch: divergenceWatch('divergence from the reference', recipe.divergence.kl, recipe.divergence.steps),
    meter,
    provenance,
    signal,
    onProgress,
    async take() {
      const batch = draw(recipe.batch)
      const { temperature, maxTokens } = recipe
      const completions = await sample(
        batch.map(({ tokens }) => tokens),
        { adapter: await trainer.adapter(), temperature, maxTokens, seed: Math.floor(random() * 2 ** 31), signal },
      )
      const { rollouts, reward, kl } = await experienceOf(prepared, batch, completions, coefficient)
      meter.add(rollouts.map(({ row }) => row))
      const loss = await update(trainer, rollouts, recipe, signal)
      coefficient = adaptedCoefficient(coefficient, kl, rollouts.length, recipe.kl)
      return { point: { loss, reward, kl }, watched: Math.abs(kl) }
    },
  })
}

interface AskedPrompt {
  readonly tokens: readonly number[]
  readonly answer: Answer
}

interface Experience {
  /** Of completions with at least one token. */
  readonly rollouts: readonly Rollout[]
  /** Mean over all completions of the reward of the text, without the penalty. */
  readonly reward: number
  /** Mean over the rollouts, nats a completion. */
  readonly kl: number
}

async function experienceOf(
  { trainer, model, recipe, labels }: PreparedPpo,
  batch: readonly AskedPrompt[],
  completions: readonly (readonly number[])[],
  coefficient: number,
): Promise<Experience> {
  const rewards = completions.map((tokens, i) =>
    tokens.length === 0 ? NO_OPTION_REWARD : optionReward(model.decode(tokens), batch[i]!.answer, labels),
  )
  const written = completions.flatMap((tokens, i) => (tokens.length === 0 ? [] : [i]))
  const rows = written.map((i): TrainingRow => {
    const { tokens } = batch[i]!
    return { tokens: [...tokens, ...completions[i]!], completionFrom: tokens.length }
  })
  const reward = rewards.reduce((sum, value) => sum + value, 0) / rewards.length
  if (rows.length === 0) return { rollouts: [], reward, kl: 0 }
  const policy = await trainer.logProbabilities(rows)
  const reference = await trainer.logProbabilities(rows, { reference: true })
  const values = await trainer.values(rows)
  const scores = policy.map((logs, r) => ({ policy: logs, reference: reference[r]! }))
  const estimates = scores.map((score, r) =>
    generalisedAdvantages(tokenRewards(score, rewards[written[r]!]!, coefficient), values[r]!, recipe),
  )
  const advantages = whitened(estimates.map((estimate) => estimate.advantages))
  const rollouts = rows.map((row, r) => ({
    row,
    logProbabilities: policy[r]!,
    advantages: advantages[r]!,
    returns: estimates[r]!.returns,
  }))
  return { rollouts, reward, kl: scores.reduce((sum, score) => sum + divergenceOf(score), 0) / scores.length }
}

/** Several updates on the same rollouts; mean loss of them, 0 where there was nothing to learn from. */
async function update(
  trainer: AdapterTrainer,
  rollouts: readonly Rollout[],
  { epochs, microBatch, clip, valueCoefficient }: PpoRecipe,
  signal: AbortSignal | undefined,
): Promise<number> {
  if (rollouts.length === 0) return 0
  const batches = Array.from({ length: Math.ceil(rollouts.length / microBatch) }, (_, i) => ({
    kind: 'policy' as const,
    rollouts: rollouts.slice(i * microBatch, (i + 1) * microBatch),
    clip,
    valueCoefficient,
  }))
  let loss = 0
  for (let epoch = 0; epoch < epochs; epoch++) {
    throwIfAborted(signal)
    loss += (await trainer.step(batches)).loss / epochs
  }
  return loss
}

/** Completions by the model itself, steered by the adapter. */
function sampleFrom(model: LanguageModel): Sampler {
  return async (prompts, { seed, ...options }) => {
    const random = seededRandom(seed)
    const completions: number[][] = []
    for (const tokens of prompts) {
      const completion: number[] = []
      const request = { ...options, tokens, seed: Math.floor(random() * 2 ** 31) }
      for await (const event of model.generate(request)) if (event.kind === 'token') completion.push(event.token)
      completions.push(completion)
    }
    return completions
  }
}
