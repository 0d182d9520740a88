/**
 * @file What a model is asked in a multiple-choice task, as the Language Model Evaluation Harness (EleutherAI) defines it: how likely a
 * continuation is after a context. A continuation begins with the space that parts it from the context.
 */
import { PalignError } from '../../errors.ts'
import type { LanguageModel, Tokens } from '../../model/language-model.ts'

export interface LikelihoodRequest {
  readonly context: string
  readonly continuation: string
}

const DELIMITER = ' '

/** One context, continued by every choice. */
export function choiceRequests(context: string, choices: readonly string[]): LikelihoodRequest[] {
  return choices.map((choice) => ({ context, continuation: `${DELIMITER}${choice}` }))
}

/** The partial form: the options stand in the context, and what all of them continue with is scored. */
export function partialRequests(stem: string, options: readonly string[], suffix: string): LikelihoodRequest[] {
  return options.map((option) => ({ context: `${stem}${option}`, continuation: `${DELIMITER}${suffix}` }))
}

export interface EncodedRequest {
  readonly tokens: Tokens
  readonly continuation: Tokens
  /** Tokens left out at the beginning, because the model's context holds no more. */
  readonly cut: number
}

export interface EncodeOptions {
  /** Stands where a context is empty: something must predict the first token. */
  readonly beginning: Tokens
}

/**
 * White space at the end of the context moves to the continuation. Context and continuation are encoded together and parted at the length
 * of the encoded context: where a token reaches over the border, the continuation has what is left after so many tokens.
 * @throws PalignError `unsupported-model` where nothing is left to score, or the continuation alone is longer than the model's context
 */
export function encodeRequest(
  model: Pick<LanguageModel, 'encode' | 'shape'>,
  request: LikelihoodRequest,
  { beginning }: EncodeOptions,
): EncodedRequest {
  const context = request.context.trimEnd()
  const continuation = request.context.slice(context.length) + request.continuation
  const [before, after] = context === '' ? alone(model, continuation, beginning) : parted(model, context, continuation)
  if (before.length === 0 || after.length === 0) {
    throw new PalignError(
      'unsupported-model',
      `tokenizer leaves ${before.length} tokens of context and ${after.length} to score, expected at least one of each`,
      { hint: `the continuation is ${JSON.stringify(continuation)}` },
    )
  }
  const { contextLength } = model.shape
  if (after.length >= contextLength) {
    throw new PalignError(
      'unsupported-model',
      `continuation has ${after.length} tokens, the model's context holds ${contextLength}`,
      {
        hint: 'use a model with a longer context',
      },
    )
  }
  const cut = Math.max(0, before.length + after.length - contextLength)
  return { tokens: before.slice(cut), continuation: after, cut }
}

type Encoder = Pick<LanguageModel, 'encode'>

function parted(model: Encoder, context: string, continuation: string): [number[], number[]] {
  const before = model.encode(context)
  return [before, model.encode(context + continuation).slice(before.length)]
}

/** Without the beginning tokens that the tokenizer itself adds: they are part of what stands before. */
function alone(model: Encoder, continuation: string, beginning: Tokens): [number[], number[]] {
  const added = model.encode('')
  const tokens = model.encode(continuation)
  const begins = added.every((token, i) => tokens[i] === token)
  return [Array.from(beginning), begins ? tokens.slice(added.length) : tokens]
}
