/**
 * @file The port where the science half meets the systems half: what palign asks of a model.
 * Tokens are plain ids. A displacement and an adapter, where given, act on every position of that call.
 */
import type { Adapter } from './adapter.ts'
import type { Displacement } from './displacement.ts'
import type { ModelUsage } from './flops.ts'
import type { Message } from './messages.ts'
import type { ModelShape } from './shape.ts'

export type Tokens = ArrayLike<number>

export interface Progress {
  readonly done: number
  readonly total: number
  /** What was spent on it so far, where that is measured: tokens through forward passes. */
  readonly forwardTokens?: number | undefined
}

/** What changes the model for one call; a displacement and an adapter may act together. */
export interface Steering {
  readonly displacement?: Displacement | undefined
  /** The same object again is taken to hold the same numbers. */
  readonly adapter?: Adapter | undefined
}

export interface RunOptions extends Steering {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

export interface ScoreRequest {
  /** Everything before the continuations. */
  readonly tokens: Tokens
  /** At least one; each at least one token long. */
  readonly continuations: readonly Tokens[]
}

export const DEFAULT_MAX_TOKENS = 128

export interface SamplingOptions {
  /** Tokens to generate at most; default `DEFAULT_MAX_TOKENS`. */
  readonly maxTokens?: number | undefined
  /** 0 is greedy, the default. */
  readonly temperature?: number | undefined
  /** Smallest set of tokens holding this mass is kept; default 1. */
  readonly topP?: number | undefined
  /** Default 0. The same seed gives the same text. */
  readonly seed?: number | undefined
  /** Alternatives given beside each token with its log-probability, 0 to `MOST_TOP_LOGPROBS`; default: no log-probability either. */
  readonly topLogprobs?: number | undefined
}

export interface TokenGenerateRequest extends SamplingOptions, Steering {
  readonly tokens: Tokens
  readonly signal?: AbortSignal | undefined
}

/** Most alternatives that can be asked for beside each token. */
export const MOST_TOP_LOGPROBS = 20

export interface TokenLogprob {
  readonly token: number
  /** Log-probability (nats) under the unscaled (temperature 1) distribution. */
  readonly logprob: number
}

/** A token with the most likely ones at its place, most likely first, the lower id among equals; present where they were asked for. */
export interface RankedToken extends TokenLogprob {
  readonly top?: readonly TokenLogprob[] | undefined
}

/** With its log-probability where `topLogprobs` was given, be it 0: a sum over the vocabulary for each token is not for nothing. */
export interface GeneratedToken extends Partial<RankedToken> {
  readonly token: number
  /** Whether it is one of `endTokens`: the last token, and no part of the text. */
  readonly isEnd?: true | undefined
}

/** What is being generated at this moment, over all callers. */
export interface GenerationLoad {
  /** Texts whose prompt or answer is being computed. */
  readonly running: number
  readonly waiting: number
  /** Bytes of keys and values that the running texts may come to need, and may have at most. */
  readonly rowBytes: number
  readonly mostRowBytes: number
  /** Bytes of keys and values kept for prompts to come. */
  readonly prefixBytes: number
}

export interface PromptLogprobsRequest extends Steering {
  readonly tokens: Tokens
  /** Alternatives beside each token, 0 to `MOST_TOP_LOGPROBS`; default none. */
  readonly topLogprobs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** A model that knows tokens only: what the engine, and the plain TypeScript reference, provide. */
export interface TokenModel {
  readonly shape: ModelShape
  /** Weights of all matrices of all layers, for counting operations; absent where not known. */
  readonly layerWeights?: number | undefined
  /** Next-token logits `[vocabSize]` after the last token. */
  logits(request: Steering & { readonly tokens: Tokens }): Promise<Float32Array>
  /** z of the last token of each prompt, before the displacement is added: `[prompts, layers, heads * headDim]`. */
  record(prompts: readonly { readonly tokens: Tokens }[], options?: RunOptions): Promise<Float32Array>
  /** Log-probability (nats, summed over its tokens) of every continuation of every request; common prefixes are computed once. */
  score(requests: readonly ScoreRequest[], options?: RunOptions): Promise<Float64Array[]>
  /** What the model gave each token of a text from its second on, given those before it: one entry less than tokens. */
  promptLogprobs(request: PromptLogprobsRequest): Promise<readonly RankedToken[]>
  /** Tokens one by one. Ends after `maxTokens`, with a token of `endTokens` (yielded, marked) or when the context is full; throws `aborted` on the signal. */
  generateTokens(request: TokenGenerateRequest): AsyncIterable<GeneratedToken>
  /** Absent where texts are generated one by one. */
  readonly generationLoad?: (() => Promise<GenerationLoad>) | undefined
  /** What has been computed since the model was opened. */
  usage(): Promise<ModelUsage>
  dispose(): Promise<void>
}

export interface RenderOptions {
  /** Text with which the assistant's turn begins; the model continues after it. */
  readonly continueWith?: string | undefined
}

export interface GenerateRequest extends SamplingOptions, Steering {
  /** Either messages, rendered through the chat template, or tokens. */
  readonly messages?: readonly Message[] | undefined
  readonly tokens?: Tokens | undefined
  /** Generation ends before the first of these texts. */
  readonly stop?: readonly string[] | undefined
  readonly signal?: AbortSignal | undefined
}

export type GenerationEvent =
  | (GeneratedToken & { readonly kind: 'token'; readonly text: string })
  | {
      readonly kind: 'finish'
      readonly reason: 'end-token' | 'stop' | 'length' | 'context'
      readonly text: string
      readonly promptTokens: number
      /** Without the one that ended it. */
      readonly generatedTokens: number
      /** The token that ended it, where one did. */
      readonly endToken?: GeneratedToken | undefined
    }

export interface LanguageModel extends Omit<TokenModel, 'generateTokens'> {
  /** sha256 over configuration, tokenizer and weights: a persona belongs to one fingerprint. */
  readonly fingerprint: string
  /** Tokens of a text as the tokenizer's own defaults give them (with the beginning token, if it adds one). Spellings of special tokens stay plain text. */
  encode(text: string): number[]
  decode(tokens: Tokens): string
  /** Tokens of a chat up to and including the header of the assistant's turn. Nothing inside a message becomes a special token. */
  render(messages: readonly Message[], options?: RenderOptions): Promise<number[]>
  generate(request: GenerateRequest): AsyncIterable<GenerationEvent>
}
