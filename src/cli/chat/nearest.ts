/** @file The word that was probably meant. */

/** Of the words at most a third of whose letters differ, the nearest, or one that begins so; undefined where none is. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const begun = words.find((known) => word !== '' && known.startsWith(word))
  if (begun !== undefined) return begun
  const [best] = words
    .map((known) => ({ known, distance: editDistance(word, known) }))
    .filter(({ known, distance }) => distance <= Math.ceil(Math.max(known.length, word.length) / 3))
    .sort((a, b) => a.distance - b.distance)
  return best?.known
}

/** Letters to insert, delete or replace (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, j) => j)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[to.length]!
}
