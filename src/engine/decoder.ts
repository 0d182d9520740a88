/**
 * @file The one primitive of the engine: a causal forward pass over some tokens of one sequence, continuing a state or
 * starting from nothing. ONNX Runtime and the plain TypeScript reference implement it; everything else is built on it.
 */
import type { LinearModules } from '../model/adapter.ts'
import type { Steering, Tokens } from '../model/language-model.ts'
import type { ModelShape } from '../model/shape.ts'

/** Keys and values of the tokens so far. Any number of passes may continue one state; none changes what it holds. */
export interface DecoderState {
  /** Tokens it holds. */
  readonly length: number
  /** Says that no further pass will continue this state, so that its memory can serve the next one. */
  release(): void
}

/** The steering acts on the tokens of this pass only; the past must have been computed with the same. */
export interface ForwardRequest extends Steering {
  /** At least one; together with the past at most `shape.contextLength`. */
  readonly tokens: Tokens
  readonly past?: DecoderState | undefined
  /** Positions within `tokens` whose next-token logits are wanted; default none. */
  readonly logitsAt?: readonly number[] | undefined
  /** Whether z of the last token is wanted; default false. */
  readonly record?: boolean | undefined
}

export interface ForwardResult {
  /** `[logitsAt, vocabSize]` */
  readonly logits: Float32Array
  readonly state: DecoderState
  /** `[layers, heads * headDim]`, before the displacement is added; present where it was asked for. */
  readonly z?: Float32Array
}

export interface Decoder {
  readonly shape: ModelShape
  /** The modules that an adapter can adapt; absent where the decoder takes no adapter. */
  readonly modules?: LinearModules | undefined
  forward(request: ForwardRequest): Promise<ForwardResult>
  dispose(): Promise<void>
}
