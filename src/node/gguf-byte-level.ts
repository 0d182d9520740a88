/** @file Tokenizers of kind `gpt2` in GGUF: BPE over bytes, with the rule by which llama.cpp splits a text before. */
import { PalignError } from '../errors.ts'
import type { GgufMetadata } from '../formats/gguf.ts'
import { textField, textsField } from '../formats/gguf-fields.ts'
import { malformed, type TokenizerParts, type Vocabulary } from './gguf-tokenizer-parts.ts'

const CONTRACTIONS = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
const WORDS = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)`
const byDigits = (digits: string) =>
  String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

interface Splitting {
  /** Each splits the pieces that the one before left, into its matches and what is between them. */
  readonly patterns: readonly string[]
  /** Whether a piece that is a token is taken as it is, whatever the merges say. */
  readonly ignoresMerges?: boolean
  readonly addsBos?: boolean
}

const GPT2: Splitting = { patterns: [WORDS] }
const LLAMA3: Splitting = { patterns: [byDigits(String.raw`\p{N}{1,3}`)], ignoresMerges: true, addsBos: true }
const QWEN2: Splitting = { patterns: [byDigits(String.raw`\p{N}`)] }
/** What llama.cpp does where a file does not say how its texts are split. */
const UNSTATED: Splitting = { patterns: [String.raw`[\p{P}\$\+<=>\^~\|]+`, WORDS, String.raw`\p{N}+`, '[0-9][0-9][0-9]'] }

/** Values of `tokenizer.ggml.pre`. */
const SPLITTINGS: Readonly<Record<string, Splitting>> = {
  default: UNSTATED,
  'gpt-2': GPT2,
  'llama-bpe': LLAMA3,
  'llama-v3': LLAMA3,
  llama3: LLAMA3,
  qwen2: QWEN2,
  'deepseek-r1-qwen': QWEN2,
  smollm: { patterns: [String.raw`\p{N}`, WORDS] },
}

/** @throws PalignError `unsupported-model` for a splitting we do not know, `malformed-file` */
export function byteLevelParts(metadata: GgufMetadata, { tokens }: Vocabulary): TokenizerParts {
  const name = textField(metadata, 'tokenizer.ggml.pre') ?? 'default'
  const splitting = Object.hasOwn(SPLITTINGS, name) ? SPLITTINGS[name] : undefined
  if (splitting === undefined) {
    const supported = Object.keys(SPLITTINGS).join(', ')
    throw new PalignError(
      'unsupported-model',
      `GGUF tokenizer splits texts as ${name.slice(0, 100)}, supported are ${supported}`,
      {
        hint: 'use the Hugging Face folder of the model',
      },
    )
  }
  const merges = (textsField(metadata, 'tokenizer.ggml.merges') ?? malformed('no tokenizer.ggml.merges')).map(pairOf)
  const splits = splitting.patterns.map((Regex) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false }))
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }
  return {
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: splitting.ignoresMerges ?? false,
      vocab: Object.fromEntries(tokens.map((text, id) => [text, id])),
      merges,
    },
    normalizer: null,
    preTokenizer: { type: 'Sequence', pretokenizers: [...splits, bytes] },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    addsBos: splitting.addsBos ?? false,
  }
}

/** Two parts with a space between; the first may itself begin with one. */
function pairOf(merge: string): [string, string] {
  const space = merge.indexOf(' ', 1)
  if (space < 0 || space === merge.length - 1) malformed('a merge that is not of two parts')
  return [merge.slice(0, space), merge.slice(space + 1)]
}
