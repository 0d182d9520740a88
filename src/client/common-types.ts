/** @file Words that several routes share. Names of fields are those on the wire. */

export interface PersonaWithAlpha {
  readonly id: string
  /** Strength in sigmas in place of the persona's own; for personas that steer. */
  readonly alpha?: number | undefined
}

/** Who answers: an id, an id with a strength, or several whose displacements add up. `none` is the unsteered model. */
export type PersonaChoice = string | PersonaWithAlpha | readonly PersonaWithAlpha[]

export type FinishReason = 'stop' | 'length'

export interface Usage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
}

/** What every request that generates may say. */
export interface GenerationFields {
  /** A model's id; `base@persona` names a persona too. */
  readonly model: string
  /** Wins over a persona in the model's id. */
  readonly persona?: PersonaChoice | undefined
  /** 0 is greedy; the server's default is 1. */
  readonly temperature?: number | undefined
  readonly top_p?: number | undefined
  /** Choices for each prompt; default 1. */
  readonly n?: number | undefined
  /** The same seed gives the same text. */
  readonly seed?: number | undefined
  /** Generation ends before the first of these, at most four. */
  readonly stop?: string | readonly string[] | undefined
  readonly max_tokens?: number | undefined
}

/** Events of a stream; `Logprobs` differs between the two routes. A stream that is left without an error has a `finish` for every choice. */
export type StreamEvent<Logprobs> =
  | {
      readonly kind: 'start'
      readonly id: string
      readonly model: string /** Who answers, as the server applied it. */
      readonly persona: string
    }
  | { readonly kind: 'text'; readonly choice: number; readonly text: string; readonly logprobs: Logprobs | null }
  | { readonly kind: 'finish'; readonly choice: number; readonly reason: FinishReason }
  | { readonly kind: 'usage'; readonly usage: Usage }

export interface Model {
  readonly id: string
  readonly object: 'model'
  /** Seconds since 1970. */
  readonly created: number
  readonly owned_by: string
  /** sha256 of what the model or persona is. */
  readonly root: string
  /** A persona's base model; null for the base model itself. */
  readonly parent: string | null
  /** What a persona is; absent for the base model. */
  readonly palign?: PersonaFacts | undefined
}

export interface PersonaFacts {
  readonly kind: string
  readonly method?: string | undefined
  readonly alpha?: number | undefined
  /** Where in the model it acts. */
  readonly site?: string | undefined
  /** The alphas that were tried when it was found. */
  readonly calibrated?: { readonly from: number; readonly to: number } | undefined
  /** Why it is refused: its self-test failed. */
  readonly failed?: string | undefined
}

export interface Health {
  readonly status: string
}

/** What is served, and what requests may ask of it. */
export interface Props {
  readonly version: string
  readonly model: {
    readonly id: string
    readonly fingerprint: string
    readonly context_length: number
    readonly vocab_size: number
    readonly layers: number
    readonly heads: number
  }
  readonly personas: { readonly loaded: number; readonly most_per_request: number; readonly largest_alpha: number }
}
