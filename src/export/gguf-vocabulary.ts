/**
 * @file tokenizer.json -> `tokenizer.ggml.*`: BPE over bytes with a splitting that llama.cpp has a name for, or SentencePiece BPE. A tokenizer that it could not follow is refused, and
 * what is written is compared there token by token.
 */
import { PalignError } from '../errors.ts'
import type { GgufValue } from '../formats/gguf.ts'

export interface VocabularyFiles {
  /** Contents of tokenizer.json. */
  readonly tokenizer: Readonly<Record<string, unknown>>
  /** Contents of tokenizer_config.json. */
  readonly config: Readonly<Record<string, unknown>>
  readonly chatTemplate: string | undefined
  /** Tokens that end an answer. */
  readonly endTokens: readonly number[]
  readonly vocabSize: number
}

interface AddedToken {
  readonly id: number
  readonly content: string
  readonly special: boolean
}
interface BpeModel {
  readonly type: string
  readonly vocab: Readonly<Record<string, number>>
  readonly merges: readonly (string | readonly [string, string])[]
  readonly byte_fallback?: boolean
  readonly unk_token?: string | null
}

const TYPES = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const
const SPACE = '\u2581'

const text = (value: string): GgufValue => ({ kind: 'string', value })
const count = (value: number): GgufValue => ({ kind: 'uint32', value })
const flag = (value: boolean): GgufValue => ({ kind: 'bool', value })

/** For programs that give token ids: numbered placeholders, which no text becomes. llama.cpp ends the process where a file has no vocabulary at all. */
export function placeholderVocabulary(vocabSize: number): ReadonlyMap<string, GgufValue> {
  const tokens = Array.from({ length: vocabSize }, (_, id) => placeholder(id))
  return new Map<string, GgufValue>([
    ['tokenizer.ggml.model', text('gpt2')],
    ['tokenizer.ggml.pre', text('gpt-2')],
    ['tokenizer.ggml.tokens', { kind: 'array', of: 'string', values: tokens }],
    ['tokenizer.ggml.token_type', { kind: 'array', of: 'int32', values: tokens.map(() => TYPES.unused) }],
    ['tokenizer.ggml.merges', { kind: 'array', of: 'string', values: [] }],
    ['tokenizer.ggml.add_bos_token', flag(false)],
  ])
}

const placeholder = (id: number) => `[PAD${id}]`

/** @throws PalignError `unsupported-model` for a tokenizer that has no equal in llama.cpp, `malformed-file` */
export function ggufVocabulary(files: VocabularyFiles): ReadonlyMap<string, GgufValue> {
  const model = bpeModel(files.tokenizer)
  const added = addedTokens(files.tokenizer)
  const tokens = tokenTexts(model, added, files.vocabSize)
  const idOf = new Map(tokens.map((token, id) => [token, id]))
  const common = new Map<string, GgufValue>([
    ['tokenizer.ggml.tokens', { kind: 'array', of: 'string', values: tokens }],
    ['tokenizer.ggml.token_type', { kind: 'array', of: 'int32', values: tokenTypes(tokens, model, added, files.vocabSize) }],
    ...namedTokens(files, idOf),
    ['tokenizer.ggml.add_bos_token', flag(addsBefore(files.tokenizer))],
    ['tokenizer.ggml.add_eos_token', flag(false)],
    ...(files.chatTemplate === undefined ? [] : [['tokenizer.chat_template', text(files.chatTemplate)] as const]),
  ])
  return new Map([...(model.byte_fallback ? sentencePiece(files, model, tokens) : byteLevel(files, model)), ...common])
}

function bpeModel(tokenizer: VocabularyFiles['tokenizer']): BpeModel {
  const model = tokenizer.model as BpeModel | undefined
  if (model?.type === 'BPE' && typeof model.vocab === 'object' && Array.isArray(model.merges)) return model
  throw unfit(`tokenizer is of type ${String(model?.type).slice(0, 100)}, expected BPE`)
}

function addedTokens(tokenizer: VocabularyFiles['tokenizer']): readonly AddedToken[] {
  const list = (tokenizer.added_tokens ?? []) as readonly AddedToken[]
  if (Array.isArray(list) && list.every((token) => Number.isInteger(token?.id) && typeof token?.content === 'string')) return list
  throw new PalignError('malformed-file', 'tokenizer.json has no valid list of added_tokens')
}

/** Numbers without a text (the embedding may have more rows) get a text that no text has. */
function tokenTexts(model: BpeModel, added: readonly AddedToken[], vocabSize: number): string[] {
  const tokens = Array.from({ length: vocabSize }, (_, id) => placeholder(id))
  const all = [...Object.entries(model.vocab), ...added.map(({ content, id }) => [content, id] as const)]
  for (const [content, id] of all) {
    if (!(id >= 0 && id < vocabSize))
      throw new PalignError('malformed-file', `tokenizer has token ${id}, the model has ${vocabSize}`)
    tokens[id] = content
  }
  return tokens
}

function tokenTypes(tokens: readonly string[], model: BpeModel, added: readonly AddedToken[], vocabSize: number): number[] {
  const byId = new Map(added.map((token) => [token.id, token]))
  const known = new Set(Object.values(model.vocab))
  return tokens.slice(0, vocabSize).map((token, id) => {
    if (model.unk_token === token) return TYPES.unknown
    const special = byId.get(id)?.special
    if (special !== undefined) return special ? TYPES.control : TYPES.userDefined
    if (!known.has(id)) return TYPES.unused
    return model.byte_fallback && /^<0x[0-9A-F]{2}>$/.test(token) ? TYPES.byte : TYPES.normal
  })
}

function namedTokens({ config, endTokens }: VocabularyFiles, idOf: ReadonlyMap<string, number>): [string, GgufValue][] {
  const named = (name: string): number | undefined => {
    const value = config[name]
    const content = typeof value === 'string' ? value : (value as { content?: unknown } | null | undefined)?.content
    return typeof content === 'string' ? idOf.get(content) : undefined
  }
  const ids = {
    bos: named('bos_token'),
    eos: named('eos_token') ?? endTokens.at(-1),
    unknown: named('unk_token'),
    padding: named('pad_token'),
  }
  const eot = endTokens.find((id) => id !== ids.eos && id !== ids.bos)
  return Object.entries({ ...ids, eot }).flatMap(([name, id]): [string, GgufValue][] =>
    id === undefined ? [] : [[`tokenizer.ggml.${name}_token_id`, count(id)]],
  )
}

/** Whether a text begins with a token that the post-processor adds. */
function addsBefore(tokenizer: VocabularyFiles['tokenizer']): boolean {
  return flattened(tokenizer.post_processor, 'processors').some((step) => {
    const [first] = (step.single ?? []) as readonly object[]
    return first !== undefined && 'SpecialToken' in first
  })
}

/** Merges -> scores: the piece that is merged first has the highest; the order is all that counts. */
function sentencePiece({ tokenizer }: VocabularyFiles, model: BpeModel, tokens: readonly string[]): [string, GgufValue][] {
  const rank = new Map<string, number>()
  for (const [i, merge] of model.merges.entries()) {
    const piece = typeof merge === 'string' ? merge.replace(' ', '') : merge.join('')
    if (!rank.has(piece)) rank.set(piece, -i - 1)
  }
  const steps = [...flattened(tokenizer.normalizer, 'normalizers'), ...flattened(tokenizer.pre_tokenizer, 'pretokenizers')]
  const strange = steps.find(({ type }) => !['Prepend', 'Replace', 'Metaspace'].includes(String(type)))
  if (strange !== undefined)
    throw unfit(`tokenizer has a step ${String(strange.type).slice(0, 100)}, which SentencePiece has not`)
  const prefix = steps.some(({ type, prepend, prepend_scheme: scheme, add_prefix_space: old }) =>
    type === 'Prepend' ? prepend === SPACE : type === 'Metaspace' && scheme !== 'never' && old !== false,
  )
  return [
    ['tokenizer.ggml.model', text('llama')],
    ['tokenizer.ggml.pre', text('default')],
    [
      'tokenizer.ggml.scores',
      { kind: 'array', of: 'float32', values: tokens.map((token) => rank.get(token) ?? -model.merges.length - 1) },
    ],
    ['tokenizer.ggml.add_space_prefix', flag(prefix)],
  ]
}

/** How published tokenizers spell the splittings -> what llama.cpp calls them. */
const SPLITTINGS: readonly { readonly pre: string; readonly has: RegExp; readonly digits?: true }[] = [
  {
    pre: 'llama-bpe',
    has: /^\(\?i:'s\|'t\|'re\|'ve\|'m\|'ll\|'d\)\|\[\^\\r\\n\\p\{L\}\\p\{N\}\]\?\\p\{L\}\+\|\\p\{N\}\{1,3\}\|/,
  },
  { pre: 'qwen2', has: /^\(\?i:'s\|'t\|'re\|'ve\|'m\|'ll\|'d\)\|\[\^\\r\\n\\p\{L\}\\p\{N\}\]\?\\p\{L\}\+\|\\p\{N\}\|/ },
]

function byteLevel({ tokenizer }: VocabularyFiles, model: BpeModel): [string, GgufValue][] {
  const merges = model.merges.map((merge) => (typeof merge === 'string' ? merge : merge.join(' ')))
  return [
    ['tokenizer.ggml.model', text('gpt2')],
    ['tokenizer.ggml.pre', text(splittingOf(tokenizer))],
    ['tokenizer.ggml.merges', { kind: 'array', of: 'string', values: merges }],
  ]
}

function splittingOf(tokenizer: VocabularyFiles['tokenizer']): string {
  const steps = flattened(tokenizer.pre_tokenizer, 'pretokenizers')
  const normalizers = flattened(tokenizer.normalizer, 'normalizers')
  const splits = steps.filter(({ type }) => type === 'Split')
  const bytes = steps.find(({ type }) => type === 'ByteLevel')
  const isPlain = normalizers.every(({ type }) => type === 'NFC') && bytes !== undefined && bytes.add_prefix_space !== true
  const pattern = String((splits[0]?.pattern as { Regex?: string } | undefined)?.Regex ?? '')
  if (isPlain && splits.length === 1 && steps.length === 2) {
    const found = SPLITTINGS.find(({ has }) => has.test(pattern))
    if (found !== undefined) return found.pre
  }
  if (isPlain && splits.length === 0 && bytes?.use_regex !== false) {
    if (steps.length === 1) return 'gpt-2'
    if (steps.length === 2 && steps[0]?.type === 'Digits' && steps[0].individual_digits === true) return 'smollm'
  }
  throw unfit(
    `tokenizer splits texts by a rule that llama.cpp has no name for${pattern === '' ? '' : `: ${pattern.slice(0, 60)}`}`,
  )
}

type Step = Readonly<Record<string, unknown>>

/** The steps of a sequence, or the one step. */
function flattened(node: unknown, members: string): readonly Step[] {
  if (typeof node !== 'object' || node === null) return []
  const step = node as Step
  return step.type === 'Sequence' && Array.isArray(step[members])
    ? (step[members] as unknown[]).flatMap((one) => flattened(one, members))
    : [step]
}

function unfit(message: string): PalignError {
  return new PalignError('unsupported-model', message, {
    hint: 'give a GGUF file of the same model whose tokenizer is taken over (--source), or --without-tokenizer for programs that give token ids',
  })
}
