/** @file Tokenised documents in a few typed arrays: 6 or 8 bytes a token, so that ten million tokens take 60 MB and no garbage collector. */
import type { Tokens } from '../model/language-model.ts'

export interface TokenisedDocument {
  readonly tokens: Tokens
  /** `[tokens]`; the first is never read, since nothing predicts the first token. */
  readonly weights: ArrayLike<number>
  /** Whether it may share a row with others. */
  readonly packs: boolean
}

export interface DocumentStore {
  readonly count: number
  readonly tokenCount: number
  lengthOf(document: number): number
  packs(document: number): boolean
  /** Views, not copies. */
  tokensOf(document: number): Uint16Array | Uint32Array
  weightsOf(document: number): Float32Array
}

export interface GrowingStore extends DocumentStore {
  add(document: TokenisedDocument): void
}

/** @param vocabSize decides whether a token takes two bytes or four */
export function documentStore(vocabSize: number): GrowingStore {
  const isSmall = vocabSize <= 2 ** 16
  let tokens = isSmall ? new Uint16Array(1 << 16) : new Uint32Array(1 << 16)
  let weights = new Float32Array(1 << 16)
  const starts = [0]
  const packing: boolean[] = []
  const used = () => starts[starts.length - 1] as number
  const grow = (least: number) => {
    const size = Math.max(least, Math.ceil(tokens.length * 1.5))
    const larger = isSmall ? new Uint16Array(size) : new Uint32Array(size)
    larger.set(tokens)
    tokens = larger
    const largerWeights = new Float32Array(size)
    largerWeights.set(weights)
    weights = largerWeights
  }
  return {
    get count() {
      return packing.length
    },
    get tokenCount() {
      return used()
    },
    lengthOf: (document) => (starts[document + 1] as number) - (starts[document] as number),
    packs: (document) => packing[document] as boolean,
    tokensOf: (document) => tokens.subarray(starts[document], starts[document + 1]),
    weightsOf: (document) => weights.subarray(starts[document], starts[document + 1]),
    add(document) {
      const end = used() + document.tokens.length
      if (end > tokens.length) grow(end)
      tokens.set(document.tokens, used())
      weights.set(document.weights, used())
      starts.push(end)
      packing.push(document.packs)
    },
  }
}
