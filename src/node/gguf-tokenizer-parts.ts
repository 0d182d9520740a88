/** @file What the kinds of tokenizer in GGUF files have in common: the vocabulary they are given and the parts they give. */
import { PalignError } from '../errors.ts'

export interface Vocabulary {
  /** Texts of tokens by number. */
  readonly tokens: readonly string[]
  /** Whether a token is an ordinary piece of text. */
  isNormal(id: number): boolean
}

/** What the kinds of tokenizer give to tokenizer.json. */
export interface TokenizerParts {
  readonly model: Record<string, unknown>
  readonly normalizer: unknown
  readonly preTokenizer: unknown
  readonly decoder: unknown
  /** Whether a beginning token is added where the file does not say. */
  readonly addsBos: boolean
}

export function malformed(what: string): never {
  throw new PalignError('malformed-file', `GGUF tokenizer has ${what}`, { hint: 'fetch or export the file again' })
}
