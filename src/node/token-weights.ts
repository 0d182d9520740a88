/** @file Which token belongs to which part of a text that is encoded as a whole. */

interface Part {
  readonly text: string
  readonly weight: number
}

/** Tokens of some of the parts; `isStart`: whether they begin where the whole text does. */
type Encode = (text: string, isStart: boolean) => readonly number[]

/**
 * The weight of every token of `whole`, the tokens of all parts as one text. Parts whose own tokens stand in the whole, as where a tokenizer splits at their borders,
 * are found exactly; parts across whose border tokens were merged are taken together until their common tokens do, and then share them by
 * what encoding their first parts alone has in common with it: a token over a border counts as the later part.
 */
export function tokenWeights(parts: readonly Part[], whole: readonly number[], encode: Encode): number[] {
  const first = parts[0]?.weight ?? 0
  if (parts.every(({ weight }) => weight === first)) return whole.map(() => first)
  const weights: number[] = []
  let begin = 0
  while (begin < parts.length && weights.length < whole.length) {
    let end = begin
    let group: readonly number[]
    do {
      end++
      group = end === parts.length ? whole.slice(weights.length) : encode(textOf(parts.slice(begin, end)), begin === 0)
    } while (end < parts.length && !standsAt(group, whole, weights.length))
    let shared = 0
    for (let inner = begin + 1; inner <= end; inner++) {
      const until = inner === end ? group.length : commonLength(encode(textOf(parts.slice(begin, inner)), begin === 0), group)
      for (; shared < until; shared++) weights.push((parts[inner - 1] as Part).weight)
    }
    begin = end
  }
  return weights
}

const textOf = (parts: readonly Part[]) => parts.map(({ text }) => text).join('')

const standsAt = (some: readonly number[], whole: readonly number[], at: number) => some.every((id, i) => id === whole[at + i])

function commonLength(a: readonly number[], b: readonly number[]): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return length
}
