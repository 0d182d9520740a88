/** @file Export to a GGUF file, from one of the same model or from a Hugging Face folder, and its verification in llama.cpp. */
import { open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { biasesOf, type Carrier } from '../export/bias.ts'
import { chooseCarrier } from '../export/carriers.ts'
import {
  type GgufPiece,
  ggufArchitectureOf,
  modelMetadata,
  type PlannedTensor,
  planFromGguf,
  planFromWeights,
} from '../export/gguf-export.ts'
import { ggufVocabulary, placeholderVocabulary } from '../export/gguf-vocabulary.ts'
import { NOTE_KEY, NOTE_PLACE } from '../export/verification-note.ts'
import type { ByteSource } from '../formats/byte-source.ts'
import { floatTensor, readFloats } from '../formats/float-tensor.ts'
import { type GgufMetadata, type GgufValue, ggufAlignment, ggufPadding, ggufStart, readGgufHeader } from '../formats/gguf.ts'
import { textField } from '../formats/gguf-fields.ts'
import { modelShape } from '../graph/llama-config.ts'
import { reorderRotaryRows } from '../graph/rotary-rows.ts'
import { assertFloat, locateWeights } from '../graph/weights.ts'
import type { Displacement } from '../model/displacement.ts'
import { isKvTied } from '../persona/kv-tied.ts'
import type { ExportTarget } from './export-target.ts'
import { readModelFolder } from './model-folder.ts'
import { readEndTokens, readModelText } from './model-text.ts'
import { readTokenizerConfig } from './read-config.ts'
import { openFile, readJson } from './read-file.ts'
import { outputWeightsOf } from './read-weight.ts'
import { openLlamaExport } from './verify-llama.ts'

/** Verification texts are short; llama.cpp sets memory aside for what is asked here. */
const VERIFIED_TOKENS = 512
const MAX_TOKENIZER_BYTES = 64 << 20
const COPY_BYTES = 16 << 20

export interface GgufTargetOptions {
  readonly folder: string
  /** The persona, of which it depends which bias can carry it. */
  readonly displacement: Displacement
  /** GGUF file of the same model, whose tensors and tokenizer are taken over. */
  readonly source?: string | undefined
  readonly carrier?: Carrier | undefined
  /** For programs that give token ids. */
  readonly withoutTokenizer?: boolean | undefined
  readonly provenance: Readonly<Record<string, string>>
}

interface Plan {
  readonly metadata: GgufMetadata
  tensors(biases: readonly Float64Array[]): readonly PlannedTensor[]
  /** The file that pieces are read from, by its name in the model folder; `undefined` is the source file. */
  pathOf(file: string | undefined): string
}

/** @throws PalignError `incompatible-persona` where llama.cpp has no place for the persona; `unsupported-model` for what cannot be written */
export async function ggufTarget(options: GgufTargetOptions): Promise<ExportTarget> {
  const { folder, source, withoutTokenizer = false, provenance } = options
  const { config, files } = await readModelFolder(folder)
  const shape = modelShape(config)
  const weights = locateWeights(config, files)
  const header = source === undefined ? undefined : await readHeader(source)
  const architecture =
    header === undefined ? ggufArchitectureOf(config) : (textField(header.metadata, 'general.architecture') ?? 'none')
  const tied = isKvTied(options.displacement, shape)
  const carrier = chooseCarrier({ target: 'llama.cpp', architecture, tied, wanted: options.carrier })
  const dtype = header === undefined ? assertFloat(weights.get('model.layers.0.self_attn.o_proj.weight')!).dtype : undefined
  const own = async (): Promise<Plan> => ({
    metadata: new Map([
      ...modelMetadata(config, architecture, dtype!),
      ...(withoutTokenizer ? placeholderVocabulary(config.vocabSize) : await vocabularyOf(folder, config.vocabSize)),
    ]),
    tensors: (biases) => planFromWeights({ config, weights, architecture }, carrier, biases),
    pathOf: (file) => join(folder, file!),
  })
  const plan: Plan =
    header === undefined
      ? await own()
      : { metadata: header.metadata, tensors: (biases) => planFromGguf(header, carrier, biases), pathOf: () => source! }
  const isFloat = header === undefined ? dtype !== 'BF16' : header.tensors.every(({ type }) => type === 'F32' || type === 'F16')
  const outputWeights = outputWeightsOf(folder, weights)
  return {
    kind: 'file',
    precision: isFloat ? 'float' : 'narrow',
    noteIn: '',
    facts: {
      carrier: carrier === 'o-bias' ? 'attn_output.bias' : 'attn_v.bias',
      architecture,
      ...(source !== undefined && { source: basename(source) }),
    },
    async write(path, displacement) {
      // At alpha 0 heads are tied whatever the persona is; the carrier stays the same, so that the same file is tried.
      const tensors = plan.tensors(await biasesOf(carrier, { displacement, shape, outputWeights }))
      const notes = Object.entries({ ...provenance, [NOTE_KEY]: NOTE_PLACE }).map(([key, value]): [string, GgufValue] => [
        key,
        { kind: 'string', value },
      ])
      await writeGgufFile(path, { metadata: new Map([...plan.metadata, ...notes]), tensors, pathOf: plan.pathOf })
    },
    open: (path) =>
      openLlamaExport({ path, vocabSize: config.vocabSize, contextSize: VERIFIED_TOKENS, tokenizer: !withoutTokenizer }),
  }
}

async function readHeader(path: string) {
  const file = await openFile(path)
  try {
    return await readGgufHeader(file)
  } finally {
    await file.close()
  }
}

async function vocabularyOf(folder: string, vocabSize: number): Promise<GgufMetadata> {
  const tokenizer = (await readJson(join(folder, 'tokenizer.json'), MAX_TOKENIZER_BYTES)) as Record<string, unknown>
  const { chatTemplate } = await readModelText(folder)
  return ggufVocabulary({
    tokenizer,
    config: await readTokenizerConfig(folder),
    chatTemplate,
    endTokens: await readEndTokens(folder),
    vocabSize,
  })
}

export interface GgufFile extends Pick<Plan, 'pathOf'> {
  readonly metadata: GgufMetadata
  readonly tensors: readonly PlannedTensor[]
}

/** One tensor, or a piece of one, in memory at a time. */
export async function writeGgufFile(path: string, { metadata, tensors, pathOf }: GgufFile): Promise<void> {
  const alignment = ggufAlignment(metadata)
  const out = await open(path, 'wx')
  try {
    await out.writeFile(ggufStart({ metadata, tensors }))
    for (const { name, piece } of tensors) {
      let length = 0
      for await (const bytes of bytesOf(name, piece, pathOf)) {
        // A file handle keeps its place.
        await out.writeFile(bytes)
        length += bytes.length
      }
      await out.writeFile(ggufPadding(length, alignment))
    }
    await out.sync()
  } finally {
    await out.close()
  }
}

async function* bytesOf(name: string, piece: GgufPiece, pathOf: Plan['pathOf']): AsyncIterable<Uint8Array> {
  switch (piece.kind) {
    case 'values':
      yield floatTensor(name, [piece.values.length], piece.values).data
      return
    case 'copy':
      yield* withFile(pathOf(undefined), (file) => slices(file, piece.from.begin, piece.from.end))
      return
    case 'add':
      yield* withFile(pathOf(undefined), async function* (file) {
        const { begin, end } = piece.to
        const before = await readFloats(file, { name, dtype: 'F32', shape: [], begin, end })
        yield floatTensor(
          name,
          [before.length],
          before.map((x, i) => x + piece.values[i]!),
        ).data
      })
      return
    case 'weight':
      yield* withFile(pathOf(piece.weight.file), (file) => weightBytes(file, piece))
      return
    default:
      throw piece satisfies never
  }
}

async function* weightBytes(
  file: ByteSource,
  { weight, headDim, add }: GgufPiece & { kind: 'weight' },
): AsyncIterable<Uint8Array> {
  const [rows] = weight.shape as [number]
  if (weight.shape.length === 1) {
    const values = await readFloats(file, weight)
    const { data } = floatTensor(weight.name, weight.shape, add === undefined ? values : values.map((x, i) => x + add[i]!))
    yield headDim === undefined ? data : reorderRotaryRows(data, { rows, headDim, to: 'pairs' })
    return
  }
  if (headDim === undefined) {
    yield* slices(file, weight.begin, weight.end)
    return
  }
  yield reorderRotaryRows(await file.slice(weight.begin, weight.end), { rows, headDim, to: 'pairs' })
}

async function* slices(file: ByteSource, begin: number, end: number): AsyncIterable<Uint8Array> {
  for (let at = begin; at < end; at += COPY_BYTES) yield file.slice(at, Math.min(end, at + COPY_BYTES))
}

async function* withFile(path: string, use: (file: ByteSource) => AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const file = await openFile(path)
  try {
    yield* use(file)
  } finally {
    await file.close()
  }
}
