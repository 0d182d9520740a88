/** @file What single tokens say, for lists of log-probabilities. */
import type { LanguageModel } from '../model/language-model.ts'

export type TokenText = (token: number) => string

/** Of a whole text the tokens' texts are its parts; halves of characters show as U+FFFD, and a control token says nothing. */
export function tokenText({ decode }: Pick<LanguageModel, 'decode'>): TokenText {
  const known = new Map<number, string>()
  return (token) => {
    const found = known.get(token)
    if (found !== undefined) return found
    // Decoders drop a space at the beginning of a text: the second of two tokens keeps its own.
    const once = decode([token])
    const twice = decode([token, token])
    const text = !once.includes('\uFFFD') && twice.startsWith(once) ? twice.slice(once.length) : once
    known.set(token, text)
    return text
  }
}

/** JSON has no infinity; clients take this number for "next to never". */
const LEAST_LOGPROB = -9999
export const finiteLogprob = (logprob: number) => Math.max(logprob, LEAST_LOGPROB)
