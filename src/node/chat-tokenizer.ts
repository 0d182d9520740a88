/**
 * @file Text <-> tokens for one model folder. Chat text is split where the template itself wrote a control token; whatever a
 * person wrote is encoded as plain text, even when it spells a control token.
 */
import { Tokenizer } from '@huggingface/tokenizers'
import { PalignError } from '../errors.ts'
import type { Tokens } from '../model/language-model.ts'
import { tokenWeights } from './token-weights.ts'

/** The part of the library that is used here; its own declarations do not resolve under `nodenext`. */
interface LibraryTokenizer {
  encode(text: string, options: { readonly add_special_tokens: boolean }): { readonly ids: number[] }
  decode(ids: number[], options: { readonly skip_special_tokens: boolean }): string
}

interface AddedToken {
  readonly id: number
  readonly content: string
  readonly special: boolean
  readonly lstrip?: boolean
  readonly rstrip?: boolean
}

/** Text whose `person` parts were written by a person (or a model) and whose `template` parts by the chat template. */
export interface TextPart {
  readonly from: 'template' | 'person'
  readonly text: string
}

export interface WeightedPart extends TextPart {
  /** How much the prediction of its tokens counts in a training loss. */
  readonly weight: number
}

export interface WeightedTokens {
  readonly tokens: number[]
  /** One for each token. */
  readonly weights: number[]
}

export interface ChatTokenizer {
  /** As the tokenizer's defaults do (with a beginning token if it adds one); control tokens in the text stay plain text. */
  encode(text: string): number[]
  encodeParts(parts: readonly TextPart[]): number[]
  /** The tokens of `encodeParts` with their weights; a token over the border of two parts counts as the later one. */
  encodeWeightedParts(parts: readonly WeightedPart[]): WeightedTokens
  /** The tokens that `encode` makes of the whole text. */
  encodeWeighted(parts: readonly Omit<WeightedPart, 'from'>[]): WeightedTokens
  decode(tokens: Tokens): string
  /** Spellings that a person must not be able to turn into tokens. */
  readonly controlTokens: readonly string[]
}

/** Repeated stretches (a system prompt before 180 items, the statements and options of training documents) are encoded once. */
const CACHED_STRETCHES = 4096

/**
 * @param tokenizerJson contents of tokenizer.json
 * @param tokenizerConfig contents of tokenizer_config.json
 * @param template the chat template: an added token that it writes is a control token even if not marked special
 */
export function chatTokenizer(
  tokenizerJson: Record<string, unknown>,
  tokenizerConfig: Record<string, unknown>,
  template: string | undefined,
): ChatTokenizer {
  const added = addedTokens(tokenizerJson)
  const control = new Map(added.filter((token) => token.special || template?.includes(token.content)).map((t) => [t.content, t]))
  const full = build(tokenizerJson, tokenizerConfig)
  const kept = added.filter((token) => !control.has(token.content))
  const plain = { ...tokenizerJson, added_tokens: kept, post_processor: null }
  const first = build(plain, tokenizerConfig)
  // A stretch after a control token is not the beginning of the text: the Metaspace scheme `first` must not prepend there.
  const preTokenizer = neverPrepending(tokenizerJson.pre_tokenizer)
  const isSame = JSON.stringify(preTokenizer) === JSON.stringify(tokenizerJson.pre_tokenizer)
  const later = isSame ? first : build({ ...plain, pre_tokenizer: preTokenizer }, tokenizerConfig)
  const [prefix, suffix] = affixes(full, first)
  const split = control.size === 0 ? undefined : new RegExp(`(${[...control.keys()].sort(longestFirst).map(escaped).join('|')})`)
  const unknown = unknownId(tokenizerJson)
  const forbidden = new Set([...control.values()].map((token) => token.id).filter((id) => id !== unknown))
  const cache = new Map<string, number[]>()

  function encodeStretch(text: string, isFirst: boolean): number[] {
    const key = `${isFirst ? 'f' : 'l'}${text}`
    const known = cache.get(key)
    if (known !== undefined) return known
    const ids = encodeAnew(text, isFirst)
    if (cache.size >= CACHED_STRETCHES) cache.delete(cache.keys().next().value as string)
    cache.set(key, ids)
    return ids
  }

  function encodeAnew(text: string, isFirst: boolean): number[] {
    const ids = (isFirst ? first : later).encode(text, { add_special_tokens: false }).ids
    const forged = ids.find((id) => forbidden.has(id))
    if (forged !== undefined) {
      throw new PalignError('unsupported-model', `tokenizer turns plain text into control token ${forged}`, {
        hint: 'this tokenizer cannot keep user text apart from control tokens; use another model',
      })
    }
    return ids
  }

  /** Control tokens and the stretches of text between them. */
  function* pieces<P extends TextPart>(parts: readonly P[]): Iterable<Piece<P>> {
    let stretch: P[] = []
    let isFirst = true
    let stripNext = false
    const append = (part: P, text: string) => {
      const kept = stripNext ? text.trimStart() : text
      stripNext &&= kept === ''
      if (kept !== '') stretch.push({ ...part, text: kept })
    }
    for (const part of parts) {
      const texts = part.from === 'person' || split === undefined ? [part.text] : part.text.split(split)
      for (const [i, text] of texts.entries()) {
        // Odd pieces are the captured control tokens.
        const token = i % 2 === 1 ? control.get(text) : undefined
        if (token === undefined) {
          append(part, text)
          continue
        }
        if (token.lstrip) stretch = withoutTrailingSpace(stretch)
        if (stretch.length > 0) yield { kind: 'stretch', parts: stretch, isFirst }
        yield { kind: 'control', id: token.id, part }
        stretch = []
        isFirst = false
        stripNext = token.rstrip === true
      }
    }
    if (stretch.length > 0) yield { kind: 'stretch', parts: stretch, isFirst }
  }

  const weighted = (parts: readonly { readonly text: string; readonly weight: number }[], isFirst: boolean) => {
    // Parts come again in other documents, the whole does not.
    const tokens = parts.length > 1 ? encodeAnew(textOf(parts), isFirst) : encodeStretch(textOf(parts), isFirst)
    return { tokens, weights: tokenWeights(parts, tokens, (text, isStart) => encodeStretch(text, isFirst && isStart)) }
  }

  return {
    controlTokens: [...control.keys()],
    encode: (text) => [...prefix, ...encodeStretch(text, true), ...suffix],
    encodeParts(parts) {
      const ids: number[] = []
      for (const piece of pieces(parts)) {
        if (piece.kind === 'control') ids.push(piece.id)
        else for (const id of encodeStretch(textOf(piece.parts), piece.isFirst)) ids.push(id)
      }
      return ids
    },
    encodeWeightedParts(parts) {
      const all: WeightedTokens = { tokens: [], weights: [] }
      const add = ({ tokens, weights }: WeightedTokens) => {
        for (const [i, id] of tokens.entries()) {
          all.tokens.push(id)
          all.weights.push(weights[i] as number)
        }
      }
      for (const piece of pieces(parts)) {
        add(
          piece.kind === 'control' ? { tokens: [piece.id], weights: [piece.part.weight] } : weighted(piece.parts, piece.isFirst),
        )
      }
      return all
    },
    encodeWeighted(parts) {
      const { tokens, weights } = weighted(parts, true)
      const [first, last] = [parts[0]?.weight ?? 0, parts.at(-1)?.weight ?? 0]
      return {
        tokens: [...prefix, ...tokens, ...suffix],
        weights: [...prefix.map(() => first), ...weights, ...suffix.map(() => last)],
      }
    },
    decode(tokens) {
      const ids = Array.from(tokens)
      return ids.length === 0 ? '' : full.decode(ids, { skip_special_tokens: true })
    },
  }
}

type Piece<P> =
  | { readonly kind: 'control'; readonly id: number; readonly part: P }
  | { readonly kind: 'stretch'; readonly parts: readonly P[]; readonly isFirst: boolean }

const textOf = (parts: readonly { readonly text: string }[]) => parts.map(({ text }) => text).join('')

function withoutTrailingSpace<P extends TextPart>(parts: readonly P[]): P[] {
  const kept = [...parts]
  while (kept.length > 0) {
    const last = kept.pop() as P
    const text = last.text.trimEnd()
    if (text !== '') return [...kept, { ...last, text }]
  }
  return kept
}

function build(json: Record<string, unknown>, config: Record<string, unknown>): LibraryTokenizer {
  try {
    return new Tokenizer(json, config)
  } catch (cause) {
    throw new PalignError('unsupported-model', `tokenizer.json cannot be used: ${(cause as Error).message}`, { cause })
  }
}

function addedTokens(json: Record<string, unknown>): AddedToken[] {
  const list = json.added_tokens
  const valid =
    Array.isArray(list) &&
    list.every((token) => typeof token?.id === 'number' && typeof token?.content === 'string' && token.content !== '')
  if (!valid) throw new PalignError('malformed-file', 'tokenizer.json has no valid list of added_tokens')
  return list as AddedToken[]
}

function neverPrepending(preTokenizer: unknown): unknown {
  if (typeof preTokenizer !== 'object' || preTokenizer === null) return preTokenizer
  const node = preTokenizer as Record<string, unknown>
  if (Array.isArray(node.pretokenizers)) return { ...node, pretokenizers: node.pretokenizers.map(neverPrepending) }
  return node.type === 'Metaspace' && node.prepend_scheme === 'first' ? { ...node, prepend_scheme: 'never' } : node
}

/** What the post-processor puts before and after a text, found by looking for the plain ids inside the full ones. */
function affixes(full: LibraryTokenizer, plain: LibraryTokenizer): [number[], number[]] {
  const inner = plain.encode('a', { add_special_tokens: false }).ids
  const outer = full.encode('a', { add_special_tokens: true }).ids
  for (let start = 0; start + inner.length <= outer.length; start++) {
    if (inner.every((id, i) => id === outer[start + i])) return [outer.slice(0, start), outer.slice(start + inner.length)]
  }
  throw new PalignError('unsupported-model', 'tokenizer.json has a post-processor that changes the text itself')
}

function unknownId(json: Record<string, unknown>): number | undefined {
  const model = json.model as { unk_token?: string; unk_id?: number; vocab?: Record<string, number> } | undefined
  return model?.unk_id ?? (model?.unk_token === undefined ? undefined : model.vocab?.[model.unk_token])
}

const longestFirst = (a: string, b: string) => b.length - a.length
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
