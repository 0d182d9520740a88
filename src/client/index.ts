/** @file `palign/client`: the routes of `palign serve`, typed, for browsers, workers and Node. It stands alone: nothing else of palign is loaded. */
export type {
  ChatChoice,
  ChatCompletion,
  ChatEvent,
  ChatLogprobs,
  ChatMessage,
  ChatRequest,
  ChatTokenLogprob,
  ChatTopLogprob,
} from './chat-types.ts'
export { type PalignClient, type PalignClientOptions, palignClient } from './client.ts'
export type {
  FinishReason,
  GenerationFields,
  Health,
  Model,
  PersonaChoice,
  PersonaFacts,
  PersonaWithAlpha,
  Props,
  StreamEvent,
  Usage,
} from './common-types.ts'
export type {
  Completion,
  CompletionChoice,
  CompletionEvent,
  CompletionLogprobs,
  CompletionRequest,
} from './completion-types.ts'
export { type ApiErrorCode, type ApiErrorFacts, PalignApiError } from './error.ts'
export type {
  ErrorsByDomain,
  EvaluatedArm,
  ExportedPersona,
  Job,
  JobProgress,
  JobRequest,
  JobState,
  Jobs,
  NewRespondent,
  Personas,
  Removed,
  Respondent,
  Respondents,
  StoredPersona,
} from './life-types.ts'
export type { CallOptions, Fetch } from './transport.ts'
