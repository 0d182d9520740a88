/** @file Prompts of a raw completion as tokens. A persona's prompt is a paragraph before the text, as where palign measures capability. */
import type { LanguageModel } from '../model/language-model.ts'
import { contextExceeded, refuseLongText } from './addressed.ts'
import type { CompletionRequest } from './completion-request.ts'
import { refusal } from './problems.ts'

export interface Prompt {
  readonly tokens: readonly number[]
  /** As it is echoed. */
  readonly text: string
}

export const DEFAULT_COMPLETION_TOKENS = 16

/**
 * A prompt of tokens cannot have a paragraph put before it without new tokens at the seam, and what is echoed must be what was sent: both are refused
 * where the persona has a prompt.
 * @throws refusals `invalid_value`, `unsupported_value`, `context_length_exceeded`
 */
export function promptsOf(
  { prompt, echo, max_tokens }: CompletionRequest,
  system: string | undefined,
  { encode, decode, shape }: Pick<LanguageModel, 'encode' | 'decode' | 'shape'>,
): readonly Prompt[] {
  const given = listed(prompt)
  if (system !== undefined && (echo === true || given.some((one) => typeof one !== 'string'))) {
    throw refusal({
      code: 'unsupported_value',
      param: echo === true ? 'echo' : 'prompt',
      message: 'the persona has a prompt of its own: expected text, and no echo',
    })
  }
  return given.map((one, i) => {
    const param = given.length === 1 ? 'prompt' : `prompt.${i}`
    if (typeof one === 'string') refuseLongText(one.length, param, shape.contextLength)
    const tokens = typeof one === 'string' ? encode(system === undefined ? one : `${system}\n\n${one}`) : one
    if (tokens.length === 0) throw refusal({ code: 'invalid_value', param, message: `${param} has no tokens` })
    if (typeof one !== 'string') refuseStrangers(one, param, shape.vocabSize)
    // Whoever counts entries must get as many as were asked for: nothing is cut in silence.
    const wanted = tokens.length + (max_tokens ?? 1)
    if (wanted > shape.contextLength) {
      throw contextExceeded(param, `${param} and max_tokens are ${wanted} tokens`, shape.contextLength)
    }
    return { tokens, text: typeof one === 'string' ? one : echo === true ? decode(one) : '' }
  })
}

function listed(prompt: CompletionRequest['prompt']): readonly (string | readonly number[])[] {
  if (typeof prompt === 'string') return [prompt]
  return typeof prompt[0] === 'number' ? [prompt as number[]] : (prompt as string[] | number[][])
}

function refuseStrangers(tokens: readonly number[], param: string, vocabSize: number): void {
  const stranger = tokens.findIndex((token) => token >= vocabSize)
  if (stranger < 0) return
  throw refusal({
    code: 'invalid_value',
    param: `${param}.${stranger}`,
    message: `token is ${tokens[stranger]}, the vocabulary has ${vocabSize}`,
  })
}
