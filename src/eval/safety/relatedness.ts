/**
 * @file Whether a model answers what it is asked, by words: a prompt's longer words come back in its own answer more often than in the answers
 * to other prompts. A model too small for a set writes fluent text about something else, which is neither compliance nor refusal.
 */
import { seededRandom } from '../../math/random.ts'
import { shuffled } from '../../math/shuffle.ts'
import { mean } from '../../math/statistics.ts'
import { wordsOf } from '../n-grams.ts'

/** Shorter words are mostly grammar. */
const LONG = 4
/** So many letters of a word are compared: endings differ. */
const STEM = 5
const PERMUTATIONS = 999
/** With fewer pairs no answer can be given. */
const RELATED_FROM = 20

export interface Relatedness {
  /** Mean share of a prompt's longer words that its own answer has, and that answers to the other prompts have. */
  readonly own: number
  readonly others: number
  /** Of as large an own share where answers are dealt out at random: one-sided permutation test. */
  readonly p: number
}

/** Undefined for fewer than 20 pairs. */
export function relatedness(
  pairs: readonly { readonly prompt: string; readonly answer: string }[],
  seed: number,
): Relatedness | undefined {
  const prompts = pairs.map(({ prompt }) => stems(prompt))
  const n = pairs.length
  if (n < RELATED_FROM) return undefined
  const answers = pairs.map(({ answer }) => stems(answer))
  const shares = prompts.map((words) => answers.map((answer) => shareIn(words, answer)))
  const dealt = (order: readonly number[]) => mean(order.map((answer, prompt) => shares[prompt]![answer]!))
  const inOrder = pairs.map((_, i) => i)
  const own = dealt(inOrder)
  const random = seededRandom(seed)
  const asLarge = Array.from({ length: PERMUTATIONS }, () => dealt(shuffled(inOrder, random))).filter((share) => share >= own)
  const all = mean(shares.map((row) => mean(row)))
  return { own, others: (all * n - own) / (n - 1), p: (1 + asLarge.length) / (1 + PERMUTATIONS) }
}

function stems(text: string): Set<string> {
  return new Set(
    wordsOf(text)
      .filter((word) => word.length >= LONG)
      .map((word) => word.slice(0, STEM)),
  )
}

function shareIn(words: ReadonlySet<string>, answer: ReadonlySet<string>): number {
  return words.size === 0 ? 0 : [...words].filter((word) => answer.has(word)).length / words.size
}
