/** @file Tokenizers of GGUF files against those of llama.cpp, and against the tokenizer.json that a file was made of. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { bytesSource } from '../../src/formats/byte-source.ts'
import { readGgufHeader } from '../../src/formats/gguf.ts'
import { seededRandom } from '../../src/math/random.ts'
import { chatTokenizer } from '../../src/node/chat-tokenizer.ts'
import { ggufTokenizer } from '../../src/node/gguf-tokenizer.ts'
import {
  byteLevelMetadata,
  count,
  flag,
  ggufModel,
  type Metadata,
  smallByteLevelTokenizer,
  text,
  texts,
  types,
} from '../fixtures/gguf-model.ts'
import { llamaCpp, openLlamaCpp } from '../fixtures/llama-cpp.ts'
import { configJson, randomModel } from '../fixtures/random-model.ts'

const shared = new URL('../../../shared/models/', import.meta.url).pathname
const hasShared = existsSync(`${shared}stories260K`)
const scratch = mkdtempSync(join(tmpdir(), 'palign-gguf-tokenizer-'))
afterAll(() => rmSync(scratch, { recursive: true }))
const noLlama = (await llamaCpp()) === undefined

const PIECES = [
  'Once upon a time', ' there was', "She's", " THEY'LL", "don't", '1234', ' 12345 and 6', '3.14', '\n', '\n\n', '\r\n', '\t', '  ', '   x', ' ',
  'ein Käse', 'Straße', 'naïve café', '日本語', 'русский', '😀', '👩‍👩‍👧', '...', '!!', '(a+b)=c', 'x^2 ~ y|z', '$5<6', 'a\u00a0b', '٣٤', 'Ⅷ', '²',
  'thethethe', '\u2581', '<0x41>', '#hash_tag', '--', '“quoted”',
] // biome-ignore format: a list
const random = seededRandom(5)
const TEXTS = [
  ...PIECES,
  ...Array.from({ length: 300 }, () =>
    Array.from({ length: 1 + Math.floor(random() * 8) }, () => PIECES[Math.floor(random() * PIECES.length)]).join(''),
  ),
]

function tokenizerOf(metadata: Metadata | ReadonlyMap<string, never>) {
  const { tokenizer, config } = ggufTokenizer(metadata as Metadata)
  return chatTokenizer(JSON.parse(JSON.stringify(tokenizer)), JSON.parse(JSON.stringify(config)), undefined)
}

const differing = (ours: (text: string) => number[], theirs: (text: string) => number[]) =>
  TEXTS.map((text) => [text, ours(text), theirs(text)] as const).filter(([, a, b]) => String(a) !== String(b))

describe.skipIf(!hasShared).each(['stories260K', 'babyllama-tok361'])(
  'the tokenizer in %s-f32.gguf (needs ../shared/models)',
  (name) => {
    const path = `${shared}${name}/${name}-f32.gguf`
    const ours = async () => tokenizerOf((await readGgufHeader(bytesSource(readFileSync(path)))).metadata as Metadata)
    const folder = `${shared}${name}/hf`
    const json = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'))

    it('encodes and decodes as the tokenizer.json of the same model', async () => {
      const [found, expected] = [await ours(), chatTokenizer(json('tokenizer.json'), json('tokenizer_config.json'), undefined)]
      expect(differing(found.encode, expected.encode)).toEqual([])
      for (const text of TEXTS) expect(found.decode(found.encode(text))).toBe(expected.decode(expected.encode(text)))
    })

    it.skipIf(noLlama)('encodes as llama.cpp (needs node-llama-cpp)', async () => {
      const theirs = await openLlamaCpp(path, { vocabOnly: true })
      expect(differing((await ours()).encode, (text) => [1, ...theirs.encode(text)])).toEqual([])
      await theirs.dispose()
    })
  },
)

async function fileOf(name: string, tokenizer: Metadata): Promise<string> {
  const vocabSize = (tokenizer.get('tokenizer.ggml.tokens') as { values: readonly string[] }).values.length
  const { json, files } = randomModel({ json: configJson({ vocab_size: vocabSize, num_hidden_layers: 1 }) })
  const path = join(scratch, `${name}.gguf`)
  writeFileSync(path, await ggufModel({ json, weights: files.get('model.safetensors')!, tokenizer }))
  return path
}

describe('a byte-level tokenizer', () => {
  it.skipIf(noLlama).each(['default', 'gpt-2', 'llama-bpe', 'llama-v3', 'llama3', 'qwen2', 'deepseek-r1-qwen', 'smollm'])(
    'that splits as %s encodes as llama.cpp (needs node-llama-cpp)',
    async (pre) => {
      const metadata = byteLevelMetadata(smallByteLevelTokenizer(), pre)
      const theirs = await openLlamaCpp(await fileOf(pre, metadata), { vocabOnly: true })
      expect(differing(tokenizerOf(metadata).encode, theirs.encode)).toEqual([])
      await theirs.dispose()
    },
  )

  it('is that of the tokenizer.json it was made of, but for the splitting', () => {
    const json = JSON.parse(readFileSync('models/respondent/tokenizer.json', 'utf8'))
    const found = tokenizerOf(byteLevelMetadata(json, 'gpt-2'))
    const split = ggufTokenizer(byteLevelMetadata(json, 'gpt-2')).tokenizer.pre_tokenizer
    const expected = chatTokenizer({ ...json, pre_tokenizer: split }, {}, undefined)
    expect(differing(found.encode, expected.encode)).toEqual([])
    expect(found.controlTokens).toEqual(expected.controlTokens)
  })
})

/** Pieces made by joining others, each worth less than those before: as SentencePiece trains them. */
function sentencePieceMetadata(): Metadata {
  const pick = seededRandom(9)
  const characters = ['\u2581', ...'abcdehnorstu', '.', '1']
  const pieces = [...characters]
  while (pieces.length < 150) {
    const [left, right] = [0, 1].map(() => pieces[Math.floor(pick() ** 2 * pieces.length)]!)
    const joined = `${left}${right}`
    if (joined.length <= 6 && !pieces.includes(joined)) pieces.push(joined)
  }
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)
  const tokens = ['<unk>', '<s>', '</s>', ...bytes, ...pieces]
  const kinds = [2, 3, 3, ...bytes.map(() => 6), ...pieces.map(() => 1)]
  return new Map([
    ['tokenizer.ggml.model', text('llama')],
    ['tokenizer.ggml.tokens', texts(tokens)],
    ['tokenizer.ggml.token_type', types(kinds)],
    ['tokenizer.ggml.scores', { kind: 'array', of: 'float32', values: tokens.map((_, id) => -id) }],
    ['tokenizer.ggml.bos_token_id', count(1)],
    ['tokenizer.ggml.eos_token_id', count(2)],
    ['tokenizer.ggml.unknown_token_id', count(0)],
  ])
}

describe('a SentencePiece tokenizer', () => {
  it.skipIf(noLlama).each([true, false])(
    'that puts a space before: %s, encodes as llama.cpp (needs node-llama-cpp)',
    async (space) => {
      const metadata = sentencePieceMetadata().set('tokenizer.ggml.add_space_prefix', flag(space))
      const theirs = await openLlamaCpp(await fileOf(`spm-${space}`, metadata), { vocabOnly: true })
      expect(differing(tokenizerOf(metadata).encode, (one) => [1, ...theirs.encode(one)])).toEqual([])
      await theirs.dispose()
    },
  )
})
