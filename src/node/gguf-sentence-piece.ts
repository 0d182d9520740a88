/**
 * @file Tokenizers of kind `llama` in GGUF: SentencePiece BPE. Such a file has scores of pieces and no merges: two neighbours are joined where
 * their text is a piece, the one of highest score first. So the merges are all splits of all pieces, ordered by the score of the whole.
 */
import type { GgufMetadata } from '../formats/gguf.ts'
import { countField, flagField, numbersField } from '../formats/gguf-fields.ts'
import { malformed, type TokenizerParts, type Vocabulary } from './gguf-tokenizer-parts.ts'

const SPACE = '\u2581'
/** SentencePiece makes pieces of at most 16 characters; a hostile file must not make its merges quadratic. */
const LONGEST_PIECE = 256

/** @throws PalignError `malformed-file` */
export function sentencePieceParts(metadata: GgufMetadata, { tokens, isNormal }: Vocabulary): TokenizerParts {
  const scores = numbersField(metadata, 'tokenizer.ggml.scores') ?? malformed('no tokenizer.ggml.scores')
  if (scores.length !== tokens.length) malformed(`${scores.length} scores for ${tokens.length} tokens`)
  const addsSpace = flagField(metadata, 'tokenizer.ggml.add_space_prefix') ?? true
  const unknown = countField(metadata, 'tokenizer.ggml.unknown_token_id')
  const replace = (from: string, content: string) => ({ type: 'Replace', pattern: { String: from }, content })
  return {
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: unknown === undefined ? null : tokens[unknown],
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      vocab: Object.fromEntries(tokens.map((text, id) => [text, id])),
      merges: mergesOf({ tokens, isNormal }, scores),
    },
    normalizer: {
      type: 'Sequence',
      normalizers: [...(addsSpace ? [{ type: 'Prepend', prepend: SPACE }] : []), replace(' ', SPACE)],
    },
    preTokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        replace(SPACE, ' '),
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(addsSpace ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    addsBos: true,
  }
}

/** A part is a piece, or a single character that is none: that too may be joined with its neighbour. */
function mergesOf({ tokens, isNormal }: Vocabulary, scores: readonly number[]): [string, string][] {
  const ids = new Map(tokens.flatMap((text, id) => (isNormal(id) ? [[text, id] as const] : [])))
  const merges: { readonly pair: [string, string]; readonly score: number; readonly order: readonly number[] }[] = []
  for (const [text, id] of ids) {
    const characters = Array.from(text)
    if (characters.length > LONGEST_PIECE)
      malformed(`a piece of ${characters.length} characters, expected at most ${LONGEST_PIECE}`)
    for (let cut = 1; cut < characters.length; cut++) {
      const parts = [characters.slice(0, cut), characters.slice(cut)]
      const pair = parts.map((part) => part.join('')) as [string, string]
      if (!pair.every((part, i) => ids.has(part) || parts[i]!.length === 1)) continue
      // As the converters of Hugging Face do: splits of one piece by the numbers of their parts.
      merges.push({ pair, score: scores[id]!, order: pair.map((part) => ids.get(part) ?? tokens.length) })
    }
  }
  merges.sort((a, b) => b.score - a.score || a.order[0]! - b.order[0]! || a.order[1]! - b.order[1]!)
  return merges.map(({ pair }) => pair)
}
