/** @file The run: every arm answers the same prompts greedily, in units that are kept and found again; then every answer gets its verdict. */

import { PalignError, throwIfAborted } from '../../errors.ts'
import { median } from '../../math/statistics.ts'
import type { LanguageModel, Progress } from '../../model/language-model.ts'
import type { Arm } from '../arm.ts'
import { armDigest } from '../arm-digest.ts'
import { messagesFor } from '../arm-text.ts'
import { type GreedyAnswer, greedyAnswer, isSteered } from '../greedy-answer.ts'
import type { OnStage } from '../stage.ts'
import { memoryUnits, readListUnit, runUnits, type UnitStore, unitKey } from '../units.ts'
import { type Classifier, classifyByRules, RULES } from './classifier.ts'
import type { SafetyPrompt } from './prompt-sets.ts'
import type { Verdict } from './verdict.ts'

export interface PromptSet {
  readonly set: string
  readonly prompts: readonly SafetyPrompt[]
}

export interface SafetyOptions {
  readonly model: LanguageModel
  /** The unsteered one first. */
  readonly arms: readonly Arm[]
  readonly sets: readonly PromptSet[]
  /** Longest answer. */
  readonly maxTokens: number
  /** Default: the rules. */
  readonly classifier?: Classifier | undefined
  /** Where finished units are found and kept, with their answers; default: for this run alone. */
  readonly units?: UnitStore | undefined
  /** Of the program: units of another one are not used. */
  readonly version?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly onStage?: OnStage | undefined
}

/** What one arm answered to one set, prompt by prompt. */
export interface SafetyOutcome {
  readonly arm: string
  readonly set: string
  readonly prompts: readonly SafetyPrompt[]
  readonly answers: readonly GreedyAnswer[]
  readonly verdicts: readonly Verdict[]
}

/** Raised whenever the same description comes to mean other answers. */
const REVISION = 1
/** A kill loses at most so many answers. */
const UNIT_PROMPTS = 50

/** Set by set, in each arm by arm. */
export async function runSafety(options: SafetyOptions): Promise<SafetyOutcome[]> {
  const { arms, sets, classifier = RULES, signal } = options
  const [base] = arms
  if (base === undefined || base.system !== undefined || isSteered(base)) {
    throw new PalignError('invalid-input', 'arms do not begin with the unsteered model')
  }
  const digests = await Promise.all(arms.map(armDigest))
  const outcomes: SafetyOutcome[] = []
  for (const { set, prompts } of sets) {
    let own = Number.NaN
    for (const [i, arm] of arms.entries()) {
      const answers = await answersOf({ set, prompts }, { arm, digest: digests[i]! }, options)
      if (i === 0) own = medianLogProbability(answers)
      const verdicts: Verdict[] = []
      for (const [p, answer] of answers.entries()) {
        throwIfAborted(signal)
        verdicts.push(await verdictOf(classifier, prompts[p]!.text, answer, own))
      }
      outcomes.push({ arm: arm.name, set, prompts, answers, verdicts })
    }
  }
  return outcomes
}

/**
 * The prompts that leave room for an answer under every arm: a prompt that one arm cannot be asked is asked of none, so that all answer the same.
 */
export async function promptsThatFit(
  prompts: readonly SafetyPrompt[],
  { model, arms, maxTokens, signal }: Pick<SafetyOptions, 'model' | 'arms' | 'maxTokens' | 'signal'>,
): Promise<SafetyPrompt[]> {
  const systems = [...new Set(arms.map(({ system }) => system))]
  const fitting: SafetyPrompt[] = []
  for (const prompt of prompts) {
    throwIfAborted(signal)
    const rendered = await Promise.all(systems.map((system) => model.render(messagesFor({ system }, prompt.text))))
    if (rendered.every(({ length }) => length + maxTokens <= model.shape.contextLength)) fitting.push(prompt)
  }
  return fitting
}

async function answersOf(
  { set, prompts }: PromptSet,
  { arm, digest }: { readonly arm: Arm; readonly digest: string },
  { model, maxTokens, units: store = memoryUnits(), version, signal, onStage }: SafetyOptions,
): Promise<GreedyAnswer[]> {
  const stage = onStage?.(`${set}, ${arm.name}`)
  const portions = Array.from({ length: Math.ceil(prompts.length / UNIT_PROMPTS) }, (_, i) =>
    prompts.slice(i * UNIT_PROMPTS, (i + 1) * UNIT_PROMPTS),
  )
  let before = 0
  const units = portions.map(async (portion) => ({
    key: await unitKey({
      kind: 'greedy-answers',
      revision: REVISION,
      version,
      model: model.fingerprint,
      contextLength: model.shape.contextLength,
      arm: digest,
      maxTokens,
      prompts: portion.map(({ text }) => text),
    }),
    async compute() {
      const answers: GreedyAnswer[] = []
      for (const { text } of portion) {
        answers.push(await greedyAnswer(model, text, { arm, maxTokens, signal }))
        stage?.update({ done: before + answers.length, total: prompts.length })
      }
      return JSON.stringify(answers)
    },
  }))
  const onProgress = ({ done }: Progress) => {
    before = Math.min(done * UNIT_PROMPTS, prompts.length)
  }
  const results = await runUnits(store, await Promise.all(units), { signal, onProgress })
  stage?.end()
  return results.flatMap((result, i) => readListUnit<GreedyAnswer>(result, portions[i]!.length))
}

function verdictOf({ classify }: Classifier, prompt: string, answer: GreedyAnswer, own: number): Verdict | Promise<Verdict> {
  if (classify !== undefined) return classify(prompt, answer.text)
  const likelihood = { tokens: answer.tokens, perToken: answer.logLikelihood / answer.tokens, own }
  return classifyByRules(prompt, answer.text, likelihood)
}

/** Per token, over answers that have any; NaN where none has. */
function medianLogProbability(answers: readonly GreedyAnswer[]): number {
  const perToken = answers.filter(({ tokens }) => tokens > 0).map(({ tokens, logLikelihood }) => logLikelihood / tokens)
  return perToken.length === 0 ? Number.NaN : median(perToken)
}
