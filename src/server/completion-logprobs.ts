/**
 * @file Log-probabilities in the shape of completions: lists beside each other. Alternatives have their texts as keys; whoever compares a token with the
 * largest of them (as lm-eval does to see what greedy decoding would say) must find the identical number.
 */
import type { RankedToken } from '../model/language-model.ts'
import { finiteLogprob, type TokenText } from './token-text.ts'

/** The first token of a prompt has none. */
export type Entry = RankedToken | { readonly token: number; readonly logprob: null }

/** @param offset characters of the choice's text before the first entry */
export function completionLogprobs(entries: readonly Entry[], textOf: TokenText, offset: number) {
  const tokens = entries.map(({ token }) => textOf(token))
  const offsets: number[] = []
  let at = offset
  for (const text of tokens) {
    offsets.push(at)
    at += text.length
  }
  return {
    tokens,
    token_logprobs: entries.map(({ logprob }) => (logprob === null ? null : finiteLogprob(logprob))),
    top_logprobs: entries.map((entry) => (entry.logprob === null ? null : alternatives(entry, textOf))),
    text_offset: offsets,
  }
}

/** Of tokens with the same text the most likely has it; the chosen token, if it is another, stands under its number. */
function alternatives({ token, logprob, top = [] }: RankedToken, textOf: TokenText): Record<string, number> {
  const byText = new Map<string, number>()
  for (const { token: other, logprob: likely } of [
    ...top,
    ...(top.some((one) => one.token === token) ? [] : [{ token, logprob }]),
  ]) {
    const text = textOf(other)
    const isTaken = byText.has(text)
    if (!isTaken) byText.set(text, finiteLogprob(likely))
    else if (other === token) byText.set(`token_id:${token}`, finiteLogprob(likely))
  }
  return Object.fromEntries(byText)
}
