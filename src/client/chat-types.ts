/** @file POST /v1/chat/completions: what goes in and what comes out. Names of fields are those on the wire. */
import type { FinishReason, GenerationFields, StreamEvent, Usage } from './common-types.ts'

export interface ChatMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant'
  readonly content: string | readonly { readonly type: 'text'; readonly text: string }[]
}

export interface ChatRequest extends GenerationFields {
  readonly messages: readonly ChatMessage[]
  /** Wins over `max_tokens`. */
  readonly max_completion_tokens?: number | undefined
  readonly logprobs?: boolean | undefined
  /** Alternatives beside each token, 0 to 20; with `logprobs`. */
  readonly top_logprobs?: number | undefined
}

export interface ChatTopLogprob {
  readonly token: string
  readonly logprob: number
  /** The token's bytes in UTF-8: a token may hold a part of a character. */
  readonly bytes: readonly number[] | null
}

export interface ChatTokenLogprob extends ChatTopLogprob {
  readonly top_logprobs: readonly ChatTopLogprob[]
}

export interface ChatLogprobs {
  readonly content: readonly ChatTokenLogprob[] | null
}

export interface ChatChoice {
  readonly index: number
  readonly message: { readonly role: 'assistant'; readonly content: string; readonly refusal: null }
  readonly logprobs: ChatLogprobs | null
  readonly finish_reason: FinishReason
}

export interface ChatCompletion {
  readonly id: string
  readonly object: 'chat.completion'
  readonly created: number
  readonly model: string
  /** Who answered: `none`, or ids joined by +. */
  readonly persona: string
  readonly choices: readonly ChatChoice[]
  readonly usage: Usage
}

export type ChatEvent = StreamEvent<ChatLogprobs>
