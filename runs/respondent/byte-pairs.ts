/**
 * @file Trains a byte-level byte-pair tokenizer in two phases: merges inside words first, then merges of whole words inside a phrase, so
 * that a questionnaire's statement or answer label can become one token. Output in the format of tokenizer.json.
 */

/**
 * Letters (with inner apostrophes and hyphens) joined by single spaces, with the colon before and the semicolon behind that stand around an
 * answer in a list; one digit; anything else up to the next letter or digit. A statement is the same phrase in a list and in a question.
 */
export const PHRASES = "(?:: )?\\p{L}+(?:['-]\\p{L}+)*(?: \\p{L}+(?:['-]\\p{L}+)*)*(?:; )?|\\p{N}|[^\\p{L}\\p{N}]+"

export const SPECIAL_TOKENS = ['<pad>', '<|system|>', '<|user|>', '<|assistant|>', '<|end|>'] as const

export interface ByteLevelPairs {
  /** Spelling in the byte alphabet -> id. */
  readonly vocabulary: ReadonlyMap<string, number>
  readonly merges: readonly (readonly [string, string])[]
}

/** Every byte as a printable character: printable Latin-1 stands for itself, the rest follows from U+0100 (the alphabet of byte-level tokenizers). */
export function byteAlphabet(): string[] {
  const isPrintable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++))
}

/** Pieces that no merge crosses. */
export function phrasesOf(text: string): string[] {
  return text.match(new RegExp(PHRASES, 'gu')) ?? []
}

interface Unit {
  symbols: string[]
  readonly count: number
}

/**
 * @param phrases text and how often it counts
 * @param options.wordTokens size of the vocabulary after merges inside words
 * @param options.tokens size after merges of words; those of answers in a list, with their punctuation, come on top
 * @param options.minimumCount pairs that are seen less often are not merged
 */
export function trainBytePairs(
  phrases: ReadonlyMap<string, number>,
  { wordTokens, tokens, minimumCount }: { wordTokens: number; tokens: number; minimumCount: number },
): ByteLevelPairs {
  const alphabet = byteAlphabet()
  const spell = (text: string) => Array.from(new TextEncoder().encode(text), (byte) => alphabet[byte] as string)
  const vocabulary = new Map<string, number>()
  for (const token of [...SPECIAL_TOKENS, ...alphabet]) vocabulary.set(token, vocabulary.size)
  const merges: (readonly [string, string])[] = []

  const words = new Map<string, number>()
  for (const [phrase, count] of phrases) {
    for (const word of wordsOf(phrase)) words.set(word, (words.get(word) ?? 0) + count)
  }
  const units = new Map(Array.from(words, ([word, count]) => [word, { symbols: spell(word), count }]))
  const wholes = new Set<string>()
  mergeUntil(wordTokens, [...units.values()], () => true)

  // A merge across a space joins whole words or phrases; words that stayed in pieces stay so.
  const space = alphabet[32] as string
  wholes.clear()
  for (const { symbols } of units.values()) if (symbols.length === 1) wholes.add(symbols[0] as string)
  const phraseUnits = Array.from(phrases, ([phrase, count]) => ({
    symbols: wordsOf(phrase).flatMap((word) => units.get(word)?.symbols ?? []),
    count,
  }))
  mergeUntil(tokens, phraseUnits, (left, right) => right.startsWith(space) && wholes.has(left) && wholes.has(right))
  // What is left of an answer in a list is its punctuation: it is one token, and another one where the list ends.
  const [before, behind] = [spell(':').join(''), spell('; ').join('')]
  const answers = phraseUnits.filter(({ symbols }) => symbols[0]!.startsWith(before) && symbols.at(-1) === behind)
  const most = vocabulary.size + 2 * answers.length
  mergeUntil(most, answers, (left) => left === before)
  mergeUntil(most, answers, (_, right) => right === behind)
  return { vocabulary, merges }

  function mergeUntil(size: number, list: readonly Unit[], isAllowed: (left: string, right: string) => boolean): void {
    while (vocabulary.size < size) {
      const best = mostFrequentPair(list, isAllowed)
      if (best === undefined || best.count < minimumCount) return
      const joined = best.left + best.right
      if (!vocabulary.has(joined)) vocabulary.set(joined, vocabulary.size)
      merges.push([best.left, best.right])
      wholes.add(joined)
      for (const unit of list) if (unit.symbols.length > 1) unit.symbols = replacePair(unit.symbols, best.left, best.right)
    }
  }
}

/** Words with the space before them; punctuation of a list stands alone. */
export function wordsOf(phrase: string): string[] {
  return phrase.match(/^:|; $| ?[^ ]+?(?=; $| |$)| /g) ?? []
}

/** Ties go to the pair that is first in code unit order, so that the result does not depend on the order of the corpus. */
function mostFrequentPair(units: readonly Unit[], isAllowed: (left: string, right: string) => boolean) {
  const counts = new Map<string, number>()
  for (const { symbols, count } of units) {
    for (let i = 1; i < symbols.length; i++) {
      const pair = `${symbols[i - 1]}\n${symbols[i]}`
      counts.set(pair, (counts.get(pair) ?? 0) + count)
    }
  }
  let best: { left: string; right: string; count: number } | undefined
  for (const [pair, count] of counts) {
    if (best !== undefined && (count < best.count || (count === best.count && pair > `${best.left}\n${best.right}`))) continue
    const [left, right] = pair.split('\n') as [string, string]
    if (isAllowed(left, right)) best = { left, right, count }
  }
  return best
}

function replacePair(symbols: readonly string[], left: string, right: string): string[] {
  const result: string[] = []
  for (let i = 0; i < symbols.length; i++) {
    const isPair = symbols[i] === left && symbols[i + 1] === right
    result.push(isPair ? left + right : (symbols[i] as string))
    if (isPair) i++
  }
  return result
}

/** Contents of tokenizer.json. */
export function tokenizerJson({ vocabulary, merges }: ByteLevelPairs): Record<string, unknown> {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: PHRASES }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(vocabulary),
      merges: merges.map(([left, right]) => [left, right]),
    },
  }
}
