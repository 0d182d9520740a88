/**
 * @file Method `dpo`: direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290), one adapter per person. What the model
 * without an adapter thinks of every answer does not depend on the person and is prepared once.
 */
import { PalignError, throwIfAborted } from '../errors.ts'
import type { KnownItems } from '../items/item-split.ts'
import type { OptionOrder } from '../items/question-form.ts'
import type { Questionnaire } from '../items/questionnaire.ts'
import { seededRandom } from '../math/random.ts'
import type { LanguageModel, Progress } from '../model/language-model.ts'
import type { AdapterTrainer, BeginOptions, PreferencePair, TrainingBatch } from '../model/trainer.ts'
import type { Respondent } from '../people/respondent.ts'
import type { AdapterPersona } from '../persona/persona.ts'
import { type AnsweredQuestion, DECIDED_ANSWERS, type DecidedAnswer, renderAnswerRows } from './answer-rows.ts'
import { DPO, type DpoRecipe, dpoHyperparameters } from './dpo-recipe.ts'
import { type AlignOptions, provenanceOf } from './pas.ts'
import { type AnswerPair, preferencePairs } from './preference-pairs.ts'
import { shuffledEpochs } from './shuffled-epochs.ts'
import { divergenceWatch, type RowMeans, rowMeter, trainAdapter } from './training-run.ts'

/** The shared part for one model and one set of known items. */
export interface PreparedDpo {
  readonly model: LanguageModel
  readonly trainer: AdapterTrainer
  readonly recipe: DpoRecipe
  readonly known: KnownItems
  readonly questions: readonly AnsweredQuestion[]
  /** `[questions]`: log-probability of every answer without the adapter, nats, summed over its tokens. */
  readonly reference: readonly Readonly<Record<DecidedAnswer, number>>[]
  /** What the reference cost. */
  readonly shared: { readonly forwardTokens: number } & RowMeans
}

export interface PrepareDpoOptions {
  readonly recipe?: DpoRecipe | undefined
  readonly orders?: readonly OptionOrder[] | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** @param trainer opened with `recipe.adapter`; it is begun anew for the reference and for every person */
export async function prepareDpo(
  model: LanguageModel,
  trainer: AdapterTrainer,
  questionnaire: Questionnaire,
  known: KnownItems,
  { recipe = DPO, orders, signal, onProgress }: PrepareDpoOptions = {},
): Promise<PreparedDpo> {
  const questions = await renderAnswerRows(model, known, questionnaire.answerLabels, { orders, signal })
  await trainer.begin(beginOptions(recipe, 0))
  const before = trainer.usage().forwardTokens
  const meter = rowMeter()
  const reference: Record<DecidedAnswer, number>[] = []
  for (const [done, { rows }] of questions.entries()) {
    throwIfAborted(signal)
    const answered = DECIDED_ANSWERS.map((answer) => rows[answer])
    const sums = (await trainer.logProbabilities(answered, { reference: true })).map(sumOf)
    if (!sums.every(Number.isFinite)) throw new PalignError('non-finite', 'reference log-probabilities contain NaN or infinity')
    reference.push({ 1: sums[0]!, 2: sums[1]!, 4: sums[2]!, 5: sums[3]! })
    meter.add(answered)
    onProgress?.({ done: done + 1, total: questions.length })
  }
  const shared = { forwardTokens: trainer.usage().forwardTokens - before, ...meter.means() }
  return { model, trainer, recipe, known, questions, reference, shared }
}

/** Trains the adapter of one respondent, on known items only. A run that diverges stops; the persona says so. */
export async function alignDpo(
  prepared: PreparedDpo,
  respondent: Respondent,
  { seed = 0, source, signal, onProgress }: AlignOptions = {},
): Promise<AdapterPersona> {
  const { model, trainer, recipe, known, questions } = prepared
  const provenance = provenanceOf(respondent, known, seed, source)
  const draw = shuffledEpochs(preferencePairs(questions, respondent), seededRandom(seed))
  const meter = rowMeter()
  return trainAdapter({
    method: 'dpo',
    model,
    trainer,
    begin: beginOptions(recipe, seed),
    steps: recipe.steps,
    hyperparameters: dpoHyperparameters(recipe),
    watch: divergenceWatch('loss', recipe.divergence.loss, recipe.divergence.steps),
    meter,
    provenance,
    signal,
    onProgress,
    async take() {
      const batches = Array.from({ length: recipe.accumulation }, (): TrainingBatch => {
        const pairs = draw(recipe.batch).map((pair) => withReference(prepared, pair))
        meter.add(pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]))
        return { kind: 'preference', pairs, beta: recipe.beta }
      })
      const { loss } = await trainer.step(batches)
      return { point: { loss }, watched: loss }
    },
  })
}

function withReference({ questions, reference }: PreparedDpo, { question, chosen, rejected }: AnswerPair): PreferencePair {
  const { rows } = questions[question]!
  const logs = reference[question]!
  return { chosen: rows[chosen], rejected: rows[rejected], referenceMargin: logs[chosen] - logs[rejected] }
}

function beginOptions({ steps, learningRate, warmupSteps, weightDecay, dropout }: DpoRecipe, seed: number): BeginOptions {
  return { seed, dropout, learningRate, warmupSteps, totalSteps: steps, finalFraction: 0, weightDecay, clipNorm: 1 }
}

function sumOf(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0)
}
