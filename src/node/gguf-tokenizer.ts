/**
 * @file `tokenizer.ggml.*` of a GGUF file -> tokenizer.json, tokenizer_config.json and the tokens that end an answer. Kinds `gpt2` (BPE over
 * bytes) and `llama` (SentencePiece BPE); what llama.cpp decides where the file is silent is decided so here.
 */
import { PalignError } from '../errors.ts'
import type { GgufMetadata } from '../formats/gguf.ts'
import { countField, flagField, numbersField, textField, textsField } from '../formats/gguf-fields.ts'
import { byteLevelParts } from './gguf-byte-level.ts'
import { sentencePieceParts } from './gguf-sentence-piece.ts'
import { malformed, type TokenizerParts, type Vocabulary } from './gguf-tokenizer-parts.ts'

export interface GgufTokenizer {
  readonly tokenizer: Record<string, unknown>
  readonly config: Record<string, unknown>
  readonly endTokens: readonly number[]
}

/** Numbers of `tokenizer.ggml.token_type`. */
const NORMAL = 1
const UNKNOWN = 2
const CONTROL = 3
const USER_DEFINED = 4

/** Keys that name a token, and what templates call it. */
const NAMED = [
  ['bos', 'bos_token'],
  ['eos', 'eos_token'],
  ['unknown', 'unk_token'],
  ['padding', 'pad_token'],
] as const
/** Control tokens that llama.cpp takes for the end of an answer whatever the file names. */
const END_TEXTS: ReadonlySet<string> = new Set([
  '<|eot_id|>',
  '<|im_end|>',
  '<|end|>',
  '<end_of_turn>',
  '<|endoftext|>',
  '<|eom_id|>',
  '<EOT>',
])

/** @throws PalignError `unsupported-model` for a kind we do not know, `malformed-file` for lists that do not fit each other */
export function ggufTokenizer(metadata: GgufMetadata): GgufTokenizer {
  const kind = textField(metadata, 'tokenizer.ggml.model') ?? malformed('no tokenizer.ggml.model')
  const tokens = textsField(metadata, 'tokenizer.ggml.tokens') ?? malformed('no tokenizer.ggml.tokens')
  const types = numbersField(metadata, 'tokenizer.ggml.token_type') ?? tokens.map(() => NORMAL)
  if (types.length !== tokens.length) malformed(`${types.length} types for ${tokens.length} tokens`)
  if (new Set(tokens).size !== tokens.length) malformed('tokens with the same text')
  const named = new Map(NAMED.map(([key, name]) => [name, namedToken(metadata, key, tokens)]))
  const vocabulary: Vocabulary = { tokens, isNormal: (id) => types[id] === NORMAL || types[id] === USER_DEFINED }
  const parts = partsOf(kind, metadata, vocabulary)
  const [bos, eos] = [named.get('bos_token'), named.get('eos_token')]
  const adds = {
    bos: flagField(metadata, 'tokenizer.ggml.add_bos_token') ?? parts.addsBos,
    eos: flagField(metadata, 'tokenizer.ggml.add_eos_token') ?? false,
  }
  const isControl = (id: number) =>
    types[id] === CONTROL || types[id] === UNKNOWN || [...named.values()].includes(id) || endKeys(metadata, tokens).includes(id)
  const added = tokens.flatMap((content, id) =>
    isControl(id) || types[id] === USER_DEFINED
      ? [{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: isControl(id) }]
      : [],
  )
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer: parts.normalizer,
      pre_tokenizer: parts.preTokenizer,
      post_processor: affixes(tokens, adds.bos ? bos : undefined, adds.eos ? eos : undefined),
      decoder: parts.decoder,
      model: parts.model,
    },
    config: {
      tokenizer_class: 'PreTrainedTokenizerFast',
      ...Object.fromEntries([...named].flatMap(([name, id]) => (id === undefined ? [] : [[name, tokens[id]]]))),
      add_bos_token: adds.bos,
      add_eos_token: adds.eos,
      clean_up_tokenization_spaces: false,
      ...chatTemplate(metadata),
    },
    endTokens: [
      ...new Set([
        ...(eos === undefined ? [] : [eos]),
        ...endKeys(metadata, tokens),
        ...tokens.flatMap((text, id) => (END_TEXTS.has(text) && isControl(id) ? [id] : [])),
      ]),
    ],
  }
}

function partsOf(kind: string, metadata: GgufMetadata, vocabulary: Vocabulary): TokenizerParts {
  if (kind === 'gpt2') return byteLevelParts(metadata, vocabulary)
  if (kind === 'llama') return sentencePieceParts(metadata, vocabulary)
  throw new PalignError('unsupported-model', `GGUF tokenizer is of kind ${kind.slice(0, 100)}, supported are gpt2 and llama`, {
    hint: 'choose a model of the Llama, Mistral, Qwen2 or Qwen3 family',
  })
}

function namedToken(metadata: GgufMetadata, key: string, tokens: readonly string[]): number | undefined {
  const id = countField(metadata, `tokenizer.ggml.${key}_token_id`)
  // Files without such a token may hold the largest number instead.
  if (id === undefined || id === 2 ** 32 - 1) return undefined
  return id < tokens.length ? id : malformed(`token ${id} as ${key}, expected less than ${tokens.length}`)
}

/** Tokens that the file itself names as ends of a turn or a message. */
function endKeys(metadata: GgufMetadata, tokens: readonly string[]): number[] {
  return ['eot', 'eom'].map((key) => namedToken(metadata, key, tokens)).filter((id) => id !== undefined)
}

function affixes(tokens: readonly string[], bos: number | undefined, eos: number | undefined): unknown {
  if (bos === undefined && eos === undefined) return null
  const special = (id: number | undefined) => (id === undefined ? [] : [{ SpecialToken: { id: tokens[id], type_id: 0 } }])
  const of = (sequence: string) => [...special(bos), { Sequence: { id: sequence, type_id: 0 } }, ...special(eos)]
  const named = [bos, eos].flatMap((id) =>
    id === undefined ? [] : [[tokens[id], { id: tokens[id], ids: [id], tokens: [tokens[id]] }]],
  )
  return {
    type: 'TemplateProcessing',
    single: of('A'),
    pair: [...of('A'), ...of('B')],
    special_tokens: Object.fromEntries(named),
  }
}

function chatTemplate(metadata: GgufMetadata): { readonly chat_template?: string } {
  const template = textField(metadata, 'tokenizer.chat_template')
  return template === undefined ? {} : { chat_template: template }
}
