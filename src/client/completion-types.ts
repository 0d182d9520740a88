/** @file POST /v1/completions, text without a chat template: what goes in and what comes out. Names of fields are those on the wire. */
import type { FinishReason, GenerationFields, StreamEvent, Usage } from './common-types.ts'

export interface CompletionRequest extends GenerationFields {
  /** A text, the ids of its tokens, or several of either. */
  readonly prompt: string | readonly string[] | readonly number[] | readonly (readonly number[])[]
  /** The prompt stands before what is generated, and has log-probabilities too. */
  readonly echo?: boolean | undefined
  /** Alternatives beside each token. */
  readonly logprobs?: number | undefined
}

/** Four lists with an entry for each token. */
export interface CompletionLogprobs {
  readonly tokens: readonly string[]
  /** null for the first token of a prompt that is echoed: nothing stands before it. */
  readonly token_logprobs: readonly (number | null)[]
  readonly top_logprobs: readonly (Readonly<Record<string, number>> | null)[] | null
  /** Characters before each token. */
  readonly text_offset: readonly number[]
}

export interface CompletionChoice {
  /** Choices of the first prompt come first. */
  readonly index: number
  readonly text: string
  readonly logprobs: CompletionLogprobs | null
  readonly finish_reason: FinishReason
}

export interface Completion {
  readonly id: string
  readonly object: 'text_completion'
  readonly created: number
  readonly model: string
  /** Who answered: `none`, or ids joined by +. */
  readonly persona: string
  readonly choices: readonly CompletionChoice[]
  readonly usage: Usage
}

export type CompletionEvent = StreamEvent<CompletionLogprobs>
