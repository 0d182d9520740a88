/** @file Words of a text and how often their runs come again. Words are letters and digits between anything else, in lower case. */

/** `don't` is one word, with either apostrophe the same. */
export function wordsOf(text: string): string[] {
  return (
    text
      .toLowerCase()
      .replaceAll('’', "'")
      .match(/[\p{L}\p{M}\p{N}]+(?:'[\p{L}\p{M}\p{N}]+)*/gu) ?? []
  )
}

/** Runs of n neighbours, as keys. */
export function nGrams(parts: readonly string[], n: number): string[] {
  return Array.from({ length: Math.max(0, parts.length - n + 1) }, (_, i) => parts.slice(i, i + n).join('\u0000'))
}

/** Different ones of all, 0 to 1; NaN of none. Over the words of many texts it is distinct-n (Li et al., 2016). */
export function distinctShare(keys: readonly string[]): number {
  return new Set(keys).size / keys.length
}
