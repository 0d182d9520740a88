/** @file The front door: explicit names in the order of the flow. */

export { contrastPairs } from './activations/contrast-pairs.ts'
export type { HeadActivations, RecordedContrasts } from './activations/head-activations.ts'
export { recordContrasts } from './activations/record-contrasts.ts'
export { searchAlpha } from './align/alpha-search.ts'
export { alignDpo, type PreparedDpo, prepareDpo } from './align/dpo.ts'
export { DPO, type DpoRecipe } from './align/dpo-recipe.ts'
export { alignFewShot } from './align/few-shot.ts'
export { alignPas, preparePas } from './align/pas.ts'
export { PAS, PAS_PUBLISHED, type PasRecipe } from './align/pas-recipe.ts'
export { alignPersonalityPrompt } from './align/personality-prompt.ts'
export { alignPpo, type PreparedPpo, preparePpo, type Sampler } from './align/ppo.ts'
export { PPO, type PpoRecipe } from './align/ppo-recipe.ts'
export { answerQuestions, renderQuestions } from './align/questions.ts'
export { referenceDecoder } from './engine/reference-model.ts'
export { tokenModel } from './engine/token-model.ts'
export { PalignError, type PalignErrorCode } from './errors.ts'
export { type BehaviourMeasures, behave } from './eval/behaviour/behave.ts'
export { drawStatements } from './eval/behaviour/draw-statements.ts'
export { steerableTrait } from './eval/behaviour/traits.ts'
export type { Cost, ProcessMeter } from './eval/cost.ts'
export { evaluate } from './eval/evaluate.ts'
export { type Floor, floors, populationOf } from './eval/floors.ts'
export { METHODS, type MethodName } from './eval/methods.ts'
export type { Judge, JudgeExchange, JudgeReply } from './eval/open-ended/judge.ts'
export { type OpenEndedOptions, openEnded } from './eval/open-ended/open-ended.ts'
export { type ComplianceClass, type ComplianceJudge, complianceJudge } from './eval/open-ended/refusal-judge.ts'
export { type OpenEndedResult, parseOpenEndedResult } from './eval/open-ended/result.ts'
export { fitTraitClassifier, type TraitClassifier, type TraitStatement } from './eval/open-ended/trait-classifier.ts'
export type { Classifier } from './eval/safety/classifier.ts'
export type { SafetyResult } from './eval/safety/result.ts'
export { safetyRows } from './eval/safety/rows.ts'
export { runSafety } from './eval/safety/run.ts'
export { resultTable, type TableRow } from './eval/table.ts'
export { textQuality } from './eval/text-quality.ts'
export { type TimeRatio, timeRatios } from './eval/time-ratios.ts'
export { ACCURACY_LABELS, IPIP_NEO_120, IPIP_NEO_300 } from './items/ipip-neo.ts'
export { type HeldOutItems, type KnownItems, splitItems, type TuningItems, tuningFolds } from './items/item-split.ts'
export { JOHNSON_NORMS_120, JOHNSON_NORMS_300, SD3_WEB_NORMS } from './items/norms.ts'
export { type Answer, type Item, type Keyed, type Questionnaire, toKeyed, toWorded, type Worded } from './items/questionnaire.ts'
export { type Scores, score } from './items/scoring.ts'
export { SD3, sd3WithTexts, splitSd3Items } from './items/sd3.ts'
export { type Adapter, type AdapterConfig, LINEAR_LAYERS, type LinearLayer } from './model/adapter.ts'
export { type Displacement, zeroDisplacement } from './model/displacement.ts'
export type { CountedModel, ModelUsage, TrainedRows } from './model/flops.ts'
export type {
  GenerateRequest,
  GenerationEvent,
  LanguageModel,
  Progress,
  RunOptions,
  ScoreRequest,
  Steering,
  TokenModel,
  Tokens,
} from './model/language-model.ts'
export type { Message } from './model/messages.ts'
export type { HeadId, ModelShape } from './model/shape.ts'
export type {
  AdapterTrainer,
  BeginOptions,
  OptimiserOptions,
  PreferencePair,
  Rollout,
  StepResult,
  TrainingBatch,
  TrainingRow,
  TrainingUsage,
} from './model/trainer.ts'
export { type CodingCheck, checkCoding } from './people/coding-check.ts'
export type { PeopleFile } from './people/people-file.ts'
export { type Profile, profile } from './people/profile.ts'
export { readPeople } from './people/read-people.ts'
export type { Respondent } from './people/respondent.ts'
export { respondentAt, respondentsOf, type Sample } from './people/sample.ts'
export { simulateRespondents } from './people/simulate.ts'
export type { BaseModel, Parent, PersonaAbout } from './persona/about.ts'
export { add, interpolate, mix, negate, scale, subtract, type WeightedPersona, withPrompt } from './persona/algebra.ts'
export { compileDisplacement } from './persona/compile.ts'
export { contentHash } from './persona/content-hash.ts'
export { assertCurrent } from './persona/expiry.ts'
export { type Intervention, interventionAt } from './persona/intervention.ts'
export { isOfOtherModel } from './persona/model-match.ts'
export {
  type AdapterPersona,
  compilePersona,
  type Persona,
  type PromptSteeringPersona,
  type SteeringPersona,
} from './persona/persona.ts'
export type { TrainingPoint, TrainingRecord } from './persona/training-record.ts'
export { massMeanDirection } from './probes/direction.ts'
export { fitProbes, type Probe } from './probes/fit-probes.ts'
export { labelContrasts } from './probes/labels.ts'
export { byMeanAccuracy, byValidationAccuracy, selectHeads } from './probes/select-heads.ts'
export { splitByItem, splitByRow } from './probes/split.ts'
