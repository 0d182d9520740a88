/** @file What a server keeps of persons, as it is on the wire. Times are ISO 8601. */
import type { CallOptions } from './transport.ts'

export interface NewRespondent {
  readonly questionnaire: 'ipip-neo-300' | 'ipip-neo-120'
  /** `worded`: what was ticked; `keyed`: minus items are turned already. */
  readonly coding: 'worded' | 'keyed'
  /** 1 to 5 by number of the item; missing ones are left out. */
  readonly answers: Readonly<Record<string, number>>
  /** What was agreed to: its text, the name of its version, or both. */
  readonly consent: { readonly given: true; readonly text?: string | undefined; readonly version?: string | undefined }
  /** When it is deleted with everything made of it. */
  readonly expires?: string | null | undefined
}

export interface Respondent {
  readonly id: string
  readonly owner: string
  readonly questionnaire: string
  readonly coding: 'worded' | 'keyed'
  readonly answered: number
  readonly consent: { readonly given: true; readonly text?: string; readonly version?: string; readonly time: string }
  readonly created: string
  readonly expires: string | null
  /** Where they were asked for. */
  readonly answers?: Readonly<Record<string, number>> | undefined
}

export type JobState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'

export type JobRequest =
  | {
      readonly kind: 'align'
      readonly respondent: string
      /** Default `pas`. */
      readonly method?: 'few-shot' | 'personality-prompt' | 'pas' | 'pas:published' | 'pas:kv-tied' | 'dpo' | 'ppo' | undefined
      readonly settings?: { readonly seed?: number | undefined; readonly steps?: number | undefined } | undefined
      /** What the persona will be called. */
      readonly persona?: string | undefined
      /** The same request under the same key is the same job. */
      readonly idempotencyKey?: string | undefined
    }
  | { readonly kind: 'evaluate'; readonly persona: string; readonly idempotencyKey?: string | undefined }

export interface JobProgress {
  readonly stage: string
  readonly done: number
  readonly total: number
}

export interface Job {
  readonly id: string
  readonly owner: string
  readonly kind: 'align' | 'evaluate'
  readonly state: JobState
  readonly respondent: string
  /** It exists when the job is done. */
  readonly persona: string
  readonly method: string | null
  readonly progress: JobProgress | null
  readonly error: { readonly code: string; readonly message: string } | null
  readonly attempts: number
  readonly created: string
  readonly started: string | null
  readonly ended: string | null
}

/** Mean absolute errors of the domains A C E N O, and their sum. */
export type ErrorsByDomain = Readonly<Record<'A' | 'C' | 'E' | 'N' | 'O' | 'sum', number>>

export interface EvaluatedArm {
  /** `persona`, `unchanged`, or a prediction without a model. */
  readonly arm: string
  readonly regime: 'none' | 'person' | 'population'
  readonly corrected: ErrorsByDomain
  readonly exact: number
  readonly unanswered?: number | undefined
}

export interface StoredPersona {
  /** As requests call it. */
  readonly id: string
  /** Names it among those of all owners. */
  readonly ref: string
  readonly owner: string
  readonly state: 'ready' | 'failed'
  readonly reason: string | null
  /** False where the search found no strength better than none. */
  readonly steers: boolean
  readonly kind: string
  readonly method: string
  readonly model: string
  readonly sha256: string
  readonly alpha: number | null
  readonly site: string | null
  readonly heads: readonly { readonly layer: number; readonly head: number; readonly sigma: number }[]
  readonly calibration: {
    readonly loss: string
    readonly curve: readonly { readonly alpha: number; readonly loss: number }[]
    readonly folds: number
  } | null
  readonly answered: number | null
  readonly seed: number | null
  readonly respondent: string
  readonly job: string
  readonly created: string
  readonly expires: string | null
  readonly evaluation: { readonly items: number; readonly arms: readonly EvaluatedArm[] } | null
}

/** How many of each are gone; each was looked for again. */
export interface Removed {
  readonly verified: true
  readonly respondents: number
  readonly answers: number
  readonly personas: number
  readonly evaluations: number
  readonly jobs: number
  readonly activations: string
}

export interface ExportedPersona {
  readonly sha256: string
  /** `persona.safetensors` alone, or the files of an adapter. */
  readonly files: readonly { readonly name: string; readonly base64: string }[]
}

export interface Respondents {
  readonly add: (respondent: NewRespondent, options?: CallOptions) => Promise<Respondent>
  readonly list: (options?: CallOptions) => Promise<readonly Respondent[]>
  readonly get: (id: string, options?: CallOptions & { readonly answers?: boolean | undefined }) => Promise<Respondent>
  /** With everything made of the answers. */
  readonly delete: (id: string, options?: CallOptions) => Promise<Removed>
}

export interface Jobs {
  readonly add: (request: JobRequest, options?: CallOptions) => Promise<Job>
  readonly list: (options?: CallOptions) => Promise<readonly Job[]>
  readonly get: (id: string, options?: CallOptions) => Promise<Job>
  /** Now and after every change, until it has ended: the last one is how. @throws PalignApiError `stream_incomplete` where the stream ends before */
  readonly watch: (id: string, options?: CallOptions) => AsyncGenerator<Job, void, void>
  readonly cancel: (id: string, options?: CallOptions) => Promise<Job>
  readonly delete: (id: string, options?: CallOptions) => Promise<Removed>
}

export interface Personas {
  readonly list: (options?: CallOptions) => Promise<readonly StoredPersona[]>
  readonly get: (id: string, options?: CallOptions) => Promise<StoredPersona>
  readonly export: (id: string, options?: CallOptions) => Promise<ExportedPersona>
  /** Earlier than before. */
  readonly expire: (id: string, expires: string, options?: CallOptions) => Promise<StoredPersona>
  /** With its evaluation and jobs; `answers` deletes the respondent too, and every persona made of it. */
  readonly delete: (id: string, options?: CallOptions & { readonly answers?: boolean | undefined }) => Promise<Removed>
}
