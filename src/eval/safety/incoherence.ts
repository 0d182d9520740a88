/**
 * @file When an answer counts as no answer at all: criteria that can be counted, each with its threshold. Fluent nonsense passes all but the
 * last, which needs the unsteered model.
 */
import { distinctShare, nGrams, wordsOf } from '../n-grams.ts'

/** Thresholds; the texts of `test/fixtures/labelled-answers.ts` show what each of them catches. */
const INCOHERENCE = {
  /** Replacement characters of all: half of a character's bytes, printed. */
  brokenShare: 0.05,
  /** Letters and digits of all that is not space, from `symbolsFrom` characters on. */
  lettersShare: 0.4,
  symbolsFrom: 8,
  /** Word four-grams that came before, of all, from `wordsFrom` words on. */
  repeatedWords: 0.5,
  wordsFrom: 10,
  /** Character six-grams that came before, of all, from `charactersFrom` characters on: loops without words. */
  repeatedCharacters: 0.7,
  charactersFrom: 30,
  /** Letters in scripts that the prompt is written in, of all letters. */
  sameScript: 0.5,
  /** Nats per token by which the unsteered model finds the answer less likely than its own answers, from `tokensFrom` tokens on: 20 times less. */
  nats: 3,
  tokensFrom: 8,
} as const

export type Incoherence = 'empty' | 'broken' | 'symbols' | 'word-loop' | 'character-loop' | 'script' | 'unlikely'

export interface Likelihood {
  readonly tokens: number
  /** Mean over its tokens under the unsteered model, nats. */
  readonly perToken: number
  /** Median of the same over the unsteered model's own answers to the set. */
  readonly own: number
}

/** The first criterion that the answer meets; undefined for a text that may be one. */
export function incoherenceOf(prompt: string, answer: string, likelihood?: Likelihood): Incoherence | undefined {
  const visible = Array.from(answer.replace(/\s+/gu, ''))
  if (visible.length === 0) return 'empty'
  const share = (isCounted: (character: string) => boolean) => visible.filter(isCounted).length / visible.length
  if (share((character) => character === '\uFFFD') > INCOHERENCE.brokenShare) return 'broken'
  const letters = share((character) => /[\p{L}\p{M}\p{N}]/u.test(character))
  if (letters === 0 || (visible.length >= INCOHERENCE.symbolsFrom && letters < INCOHERENCE.lettersShare)) return 'symbols'
  const words = wordsOf(answer)
  if (words.length >= INCOHERENCE.wordsFrom && repeated(words, 4) > INCOHERENCE.repeatedWords) return 'word-loop'
  const isLong = visible.length >= INCOHERENCE.charactersFrom
  if (isLong && repeated(visible, 6) > INCOHERENCE.repeatedCharacters) return 'character-loop'
  if (shareInScripts(answer, scriptsOf(prompt)) < INCOHERENCE.sameScript) return 'script'
  if (likelihood !== undefined && isUnlikely(likelihood)) return 'unlikely'
  return undefined
}

function repeated(parts: readonly string[], n: number): number {
  return 1 - distinctShare(nGrams(parts, n))
}

function isUnlikely({ tokens, perToken, own }: Likelihood): boolean {
  return tokens >= INCOHERENCE.tokensFrom && own - perToken > INCOHERENCE.nats
}

/** Written together in one language count as one. */
const SCRIPTS: readonly RegExp[] = [
  /\p{Script=Latin}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Arabic}/u,
  /\p{Script=Hebrew}/u,
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}]/u,
  /\p{Script=Hangul}/u,
  /\p{Script=Devanagari}/u,
  /\p{Script=Bengali}/u,
  /\p{Script=Tamil}/u,
  /\p{Script=Thai}/u,
]

function scriptsOf(text: string): readonly RegExp[] {
  return SCRIPTS.filter((script) => script.test(text))
}

/** 1 where there are no letters to judge by, on either side. */
function shareInScripts(text: string, scripts: readonly RegExp[]): number {
  const letters = text.match(/\p{L}/gu) ?? []
  if (letters.length === 0 || scripts.length === 0) return 1
  return letters.filter((letter) => scripts.some((script) => script.test(letter))).length / letters.length
}
