/**
 * @file Behaviour in open answers: what the unsteered model and every persona say to everyday questions, scored by a classifier of traits and, where there are
 * any, by judges. Nothing of it was seen in fitting a persona.
 */

import type { Domain } from '../../items/ipip-neo.ts'
import { krippendorffsAlpha, ordinalMetric } from '../../math/krippendorffs-alpha.ts'
import type { LanguageModel } from '../../model/language-model.ts'
import type { Arm } from '../arm.ts'
import { type OnStage, silently } from '../stage.ts'
import { memoryUnits, type UnitStore } from '../units.ts'
import { type AnswerSettings, answerSituations, type OpenAnswer } from './answers.ts'
import { type Judge, type JudgeExchange, refuseSelfJudge } from './judge.ts'
import { type JudgedAnswers, judgeAnswers } from './judging.ts'
import type { OpenEndedResult } from './result.ts'
import { openEndedRows } from './rows.ts'
import { everydaySituations, type Situation } from './situations.ts'
import { fitTraitClassifier, type TraitStatement } from './trait-classifier.ts'

export interface OpenEndedOptions extends AnswerSettings {
  readonly model: Pick<LanguageModel, 'fingerprint' | 'generate'>
  /** What the model is called, in the result and among judges. */
  readonly modelName: string
  /** The unsteered one first. */
  readonly arms: readonly Arm[]
  /** Default all of ours. */
  readonly situations?: readonly Situation[] | undefined
  /** Statements to fit the classifiers on; without them there are none. */
  readonly statements?: ReadonlyMap<Domain, readonly TraitStatement[]> | undefined
  readonly judges?: readonly Judge[] | undefined
  /** Default in memory. */
  readonly units?: UnitStore | undefined
  readonly version: string
  readonly signal?: AbortSignal | undefined
  readonly onStage?: OnStage | undefined
  readonly onExchange?: ((exchange: JudgeExchange) => void) | undefined
}

/** Alpha between judges from which on they count as agreeing (Krippendorff's limit for tentative conclusions). */
const AGREEMENT = 0.667

/**
 * @returns the result, whose numbers may be NaN where nothing could be measured, and the answers themselves
 * @throws PalignError `invalid-input` for a judge that is the model under test, or samples that are all the same
 */
export async function openEnded(options: OpenEndedOptions): Promise<{ result: OpenEndedResult; answers: OpenAnswer[] }> {
  const {
    model,
    modelName,
    arms,
    situations = everydaySituations(),
    statements,
    judges = [],
    units = memoryUnits(),
    version,
  } = options
  const { samples, temperature, maxTokens, seed, signal, onExchange } = options
  const { onStage = silently } = options
  const modelNames = [modelName, model.fingerprint]
  for (const judge of judges) refuseSelfJudge(judge.model, modelNames)

  const classifiers = [...(statements ?? [])].map(([trait, list]) => fitTraitClassifier({ trait, statements: list, seed }))

  const answering = onStage('answering situations')
  const settings = { samples, temperature, maxTokens, seed }
  const answers = await answerSituations({
    ...{ model, arms, situations, units, version, signal, onProgress: answering.update },
    ...settings,
  })
  answering.end()

  const judged: JudgedAnswers[] = []
  for (const judge of judges) {
    const stage = onStage(`judging by ${judge.model}`)
    judged.push(await judgeAnswers({ judge, answers, units, modelNames, signal, onExchange, onProgress: stage.update }))
    stage.end()
  }

  const agreement = agreementOf(judged)
  const passed = judged.every(({ audit }) => audit.calibrated) && (agreement === null || agreement.alpha >= AGREEMENT)
  const result: OpenEndedResult = {
    kind: 'open-ended',
    model: modelName,
    modelFingerprint: model.fingerprint,
    ...settings,
    version,
    situations: situations.length,
    classifier:
      statements === undefined
        ? null
        : classifiers.map(({ trait, heldOutAccuracy, auc, statements: count, heldOut }) => {
            return { trait, heldOutAccuracy, auc, statements: count, heldOut }
          }),
    judges: judges.map(({ model: name, host }, index) => {
      const { prompts, unreadable, audit } = judged[index]!
      return { model: name, host, prompts, unreadable, audit: { ...audit, checks: audit.checks.map((check) => ({ ...check })) } }
    }),
    calibrated: judges.length === 0 ? null : passed,
    rows: openEndedRows({ arms, answers, classifiers, judged, seed }),
    agreement,
    skipped: skippedOf({ situations, statements, judges: judges.length, agreement }),
  }
  return { result, answers }
}

/** Over all answers that two judges graded; null where there are none. */
function agreementOf(judged: readonly JudgedAnswers[]): { alpha: number; answers: number } | null {
  const units = (judged[0]?.grades ?? []).map((_, place) => judged.map(({ grades }) => grades[place]?.trait))
  const shared = units.filter((ratings) => ratings.filter((rating) => rating !== undefined).length > 1)
  return shared.length === 0 ? null : { alpha: krippendorffsAlpha(shared, ordinalMetric), answers: shared.length }
}

interface Present extends Pick<OpenEndedOptions, 'statements'> {
  readonly situations: readonly Situation[]
  readonly judges: number
  readonly agreement: object | null
}

function skippedOf({ situations, statements, judges, agreement }: Present): string[] {
  const skipped: string[] = []
  if (statements === undefined) skipped.push('classifier: no statements were given (--statements)')
  else {
    const traits = new Set(situations.map(({ trait }) => trait))
    for (const trait of traits) if (!statements.has(trait)) skipped.push(`classifier of ${trait}: no statements of this trait`)
  }
  if (judges === 0) skipped.push('grades and win rates: no judge was given (--judge, --judge-model)')
  if (judges < 2) skipped.push('agreement between judges: needs at least two judges')
  else if (agreement === null) skipped.push('agreement between judges: no answer has a grade from two of them')
  return skipped
}
