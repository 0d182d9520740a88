/**
 * @file Personality Activation Search (paper section 2). What does not depend on the person (activations, rendered
 * questions, unsteered answers) is prepared once per model; a person costs probes, directions and the search for alpha.
 */
import type { ActivationStore } from '../activations/activation-store.ts'
import { contrastPairs } from '../activations/contrast-pairs.ts'
import type { RecordedContrasts } from '../activations/head-activations.ts'
import { meanOverGroups } from '../activations/kv-groups.ts'
import { recordContrasts } from '../activations/record-contrasts.ts'
import { PalignError, throwIfAborted } from '../errors.ts'
import { type KnownItems, type TuningItems, tuningFolds } from '../items/item-split.ts'
import type { OptionOrder } from '../items/question-form.ts'
import type { Item, Questionnaire, Worded } from '../items/questionnaire.ts'
import type { LanguageModel, Progress } from '../model/language-model.ts'
import type { HeadId } from '../model/shape.ts'
import type { Respondent } from '../people/respondent.ts'
import { compileDisplacement } from '../persona/compile.ts'
import { type Intervention, interventionAt } from '../persona/intervention.ts'
import type { PromptSteeringPersona, Provenance, SteeringPersona } from '../persona/persona.ts'
import { type Probe, probesOneByOne } from '../probes/fit-probes.ts'
import { labelContrasts } from '../probes/labels.ts'
import { selectHeads } from '../probes/select-heads.ts'
import { searchAlpha, type Trial } from './alpha-search.ts'
import { PAS, type PasRecipe } from './pas-recipe.ts'
import { type AnswerDistributions, answerQuestions, type Questions, renderQuestions } from './questions.ts'

/** The shared part of PAS for one model, one set of known items and one recipe. */
export interface PreparedPas {
  readonly model: LanguageModel
  readonly recipe: PasRecipe
  readonly known: KnownItems
  readonly labels: Questionnaire['answerLabels']
  /** Option orders in which tuning items are asked. */
  readonly orders: readonly OptionOrder[] | undefined
  readonly folds: readonly PreparedFold[]
  /** Of heads, or of key/value groups where the recipe ties them. */
  readonly recorded: RecordedContrasts
}

interface PreparedFold {
  readonly known: KnownItems
  readonly tuning: TuningItems
  readonly questions: Questions
  readonly unsteered: AnswerDistributions
}

export interface PrepareOptions {
  readonly recipe?: PasRecipe | undefined
  /** Option orders in which tuning items are asked; default both. */
  readonly orders?: readonly OptionOrder[] | undefined
  /** Fold 0..4 of a known item; default that of the short form of IPIP-NEO. */
  readonly fold?: ((item: Item) => number) | undefined
  /** Where activations are kept between runs; default nowhere. */
  readonly store?: ActivationStore | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

export async function preparePas(
  model: LanguageModel,
  questionnaire: Questionnaire,
  known: KnownItems,
  { recipe = PAS, orders, fold: foldOf, store, signal, onProgress }: PrepareOptions = {},
): Promise<PreparedPas> {
  const pairs = contrastPairs(known.items, questionnaire.answerLabels, recipe.contrast)
  const folds: PreparedFold[] = []
  const byHead = await recordContrasts(model, pairs, { store, signal, onProgress })
  const recorded = recipe.kvTied ? meanOverGroups(byHead, model.shape.kvHeads) : byHead
  for (const fold of tuningFolds(known, foldOf)) {
    const questions = await renderQuestions(model, fold.tuning.items, questionnaire.answerLabels, { orders, signal })
    folds.push({ ...fold, questions, unsteered: await answerQuestions(model, questions, { signal }) })
  }
  return { model, recipe, known, labels: questionnaire.answerLabels, orders, folds, recorded }
}

export interface AlignOptions {
  readonly seed?: number | undefined
  /** Recorded in the persona. */
  readonly source?: { readonly data: string; readonly version: string } | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Told when a phase of the work begins; all before the first is optimisation. */
  readonly onPhase?: ((phase: AlignPhase) => void) | undefined
  /** Told of the probes that the heads of the persona were chosen by; methods with probes only. */
  readonly onProbes?: ((probes: readonly Probe[]) => void) | undefined
  /** Waited for between probes, so that a server's thread gets to its requests; default: nothing is waited for. */
  readonly breathe?: (() => Promise<void>) | undefined
}

/** A system prompt that stays on while the model is steered. */
export interface SteeredPrompt {
  readonly name: string
  /** The prompt made of the person's answers to these items: while alpha is searched, those of the fold without its tuning items. */
  of(items: KnownItems): string
}

export interface AlignPasOptions extends AlignOptions {
  /** Default: none but the template's own. */
  readonly prompt?: SteeredPrompt | undefined
}

/** Optimisation: probes and directions, or training. Search: the choice of alpha. */
export type AlignPhase = 'optimisation' | 'search'

/** Finds the persona of one respondent, from the known items only. */
export function alignPas(
  prepared: PreparedPas,
  respondent: Respondent,
  options: AlignPasOptions & { readonly prompt: SteeredPrompt },
): Promise<PromptSteeringPersona>
export function alignPas(prepared: PreparedPas, respondent: Respondent, options?: AlignOptions): Promise<SteeringPersona>
export async function alignPas(
  prepared: PreparedPas,
  respondent: Respondent,
  { prompt, seed = 0, source, signal, onProgress, onPhase, onProbes, breathe }: AlignPasOptions = {},
): Promise<SteeringPersona | PromptSteeringPersona> {
  const { model, recipe, known, folds } = prepared
  const { answers } = respondent
  const find = (items: KnownItems, told?: AlignOptions['onProbes']) =>
    findInterventions(prepared, items, answers, { seed, signal, breathe, onProbes: told })
  const trials = new Map<Trial, PreparedFold>()
  for (const fold of folds) trials.set({ tuning: fold.tuning, interventions: await find(fold.known) }, fold)

  onPhase?.('search')
  const askedFolds = new Map<PreparedFold, Promise<PreparedFold>>()
  /** A fold's questions under the prompt; without one they are everybody's. */
  const asked = (fold: PreparedFold): Promise<PreparedFold> => {
    const known =
      askedFolds.get(fold) ?? (prompt === undefined ? Promise.resolve(fold) : askUnder(prepared, fold, prompt, signal))
    askedFolds.set(fold, known)
    return known
  }
  const total = recipe.alphas.length * folds.length
  let done = 0
  const { alpha, calibration } = await searchAlpha([...trials.keys()], answers, {
    order: recipe.order(recipe.alphas),
    loss: recipe.loss,
    async ask(trial, alpha) {
      const fold = await asked(trials.get(trial) as PreparedFold)
      const displacement = compileDisplacement(trial.interventions, alpha, model.shape)
      const answered = alpha === 0 ? fold.unsteered : await answerQuestions(model, fold.questions, { displacement, signal })
      onProgress?.({ done: ++done, total })
      return answered
    },
  })
  // Not every alpha of the grid need have been tried.
  if (done < total) onProgress?.({ done: total, total })
  onPhase?.('optimisation')
  const steering: SteeringPersona = {
    kind: 'steering',
    method: recipe.name,
    model: model.fingerprint,
    shape: model.shape,
    site: 'z',
    unit: 'sigma',
    alpha,
    interventions: await find(known, onProbes),
    calibration,
    provenance: provenanceOf(respondent, known, seed, source),
  }
  if (prompt === undefined) return steering
  return { ...steering, kind: 'prompt+steering', method: `${prompt.name}+${recipe.name}`, system: prompt.of(known) }
}

async function askUnder(
  { model, labels, orders }: PreparedPas,
  fold: PreparedFold,
  prompt: SteeredPrompt,
  signal: AbortSignal | undefined,
): Promise<PreparedFold> {
  const system = prompt.of(fold.known)
  const questions = await renderQuestions(model, fold.tuning.items, labels, { system, orders, signal })
  return { ...fold, questions, unsteered: await answerQuestions(model, questions, { signal }) }
}

/** Contrast labels -> probes -> best heads -> direction and sigma at each. */
export async function findInterventions(
  { model, recipe, recorded }: PreparedPas,
  items: KnownItems,
  answers: Worded,
  { seed, signal, breathe, onProbes }: FindOptions,
): Promise<Intervention[]> {
  const labelled = labelContrasts(recorded, answers, { items })
  const probes: Probe[] = []
  for (const probe of probesOneByOne(labelled, { split: recipe.split({ seed }) })) {
    throwIfAborted(signal)
    probes.push(probe)
    await breathe?.()
  }
  // Heads of one unit: a single one, or all those of a key/value group.
  const size = recipe.kvTied ? model.shape.heads / model.shape.kvHeads : 1
  onProbes?.(probes.flatMap((probe) => headsOf(probe, size)))
  const interventions: Intervention[] = []
  const count = Math.ceil(recipe.headCount(model.shape) / size)
  for (const unit of selectHeads(probes, { count, rank: recipe.rank })) {
    interventions.push(...headsOf(interventionAt(unit, labelled), size))
    await breathe?.()
  }
  return interventions
}

/** What was found of a unit of so many heads, once for each of its heads. */
function headsOf<T extends HeadId>(unit: T, size: number): T[] {
  return Array.from({ length: size }, (_, i) => ({ ...unit, head: unit.head * size + i }))
}

interface FindOptions extends Pick<AlignOptions, 'signal' | 'breathe' | 'onProbes'> {
  readonly seed: number
}

/** @throws PalignError `too-few-answers` where no known item was answered */
export function provenanceOf(
  respondent: Respondent,
  known: KnownItems,
  seed: number,
  source: AlignOptions['source'],
): Provenance {
  const answered = known.items.filter((item) => respondent.answers.byItem.has(item.itemNumber)).length
  if (answered === 0) {
    throw new PalignError(
      'too-few-answers',
      `respondent in row ${respondent.row} answered none of the ${known.items.length} known items`,
    )
  }
  return {
    data: source?.data ?? 'given in memory',
    row: respondent.row,
    questionnaire: respondent.questionnaire.id,
    answered,
    seed,
    version: source?.version ?? 'unknown',
  }
}
