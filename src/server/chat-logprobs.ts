/** @file Log-probabilities in the shape of chat completions. */
import type { RankedToken, TokenLogprob } from '../model/language-model.ts'
import { finiteLogprob, type TokenText } from './token-text.ts'

/** Empty lists stay null: a chunk without tokens says nothing of them. */
export function chatLogprobs(tokens: readonly RankedToken[], textOf: TokenText) {
  if (tokens.length === 0) return null
  const entry = ({ token, logprob }: TokenLogprob) => {
    const text = textOf(token)
    return { token: text, logprob: finiteLogprob(logprob), bytes: bytesOf(text) }
  }
  return {
    content: tokens.map((token) => ({ ...entry(token), top_logprobs: (token.top ?? []).map(entry) })),
    refusal: null,
  }
}

/** Of half a character only the model knows the bytes. */
function bytesOf(text: string): number[] | null {
  return text.includes('\uFFFD') ? null : [...new TextEncoder().encode(text)]
}
