/** @file A GGUF file as a model folder: configuration, tokenizer, and weights written some rows at a time. */
import { open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { errorAt } from '../errors.ts'
import type { ByteSource } from '../formats/byte-source.ts'
import { type GgufMetadata, readGgufHeader } from '../formats/gguf.ts'
import { textField } from '../formats/gguf-fields.ts'
import { safetensorsStart } from '../formats/safetensors.ts'
import { type ImportedTensor, importGguf } from '../graph/gguf-model.ts'
import { writeFileAtomic } from './atomic-write.ts'
import { ggufTokenizer } from './gguf-tokenizer.ts'
import { openFile } from './read-file.ts'

/** What is read at once: large enough for whole blocks of a disk, small enough to leave the thread free in between. */
const CHUNK_BYTES = 4 << 20

export interface GgufFolderOptions {
  readonly path: string
  /** sha256 of the file. */
  readonly hash: string
  /** Where the files are written; exists. */
  readonly folder: string
}

/**
 * Checks the whole file before it writes the first byte of weights; never more than some rows in memory.
 * @throws PalignError `not-found`, `malformed-file`, `unsupported-model` for what palign does not run exactly
 */
export async function writeGgufFolder({ path, hash, folder }: GgufFolderOptions): Promise<void> {
  const file = await openFile(path)
  try {
    const header = await readGgufHeader(file)
    const { json, tensors } = await importGguf(file, header)
    const { tokenizer, config, endTokens } = ggufTokenizer(header.metadata)
    const write = (name: string, content: unknown) => writeFileAtomic(join(folder, name), `${JSON.stringify(content, null, 1)}\n`)
    await write('config.json', json)
    await write('generation_config.json', { eos_token_id: endTokens })
    await write('tokenizer.json', tokenizer)
    await write('tokenizer_config.json', config)
    // Apart from the weights: the same file under another name must give the same fingerprint.
    await write('source.json', { file: basename(path), sha256: hash, ...about(header.metadata) })
    const architecture = textField(header.metadata, 'general.architecture') ?? ''
    await writeWeights(join(folder, 'model.safetensors'), file, tensors, {
      format: 'pt',
      source: 'gguf',
      architecture,
      sha256: hash,
    })
  } catch (error) {
    throw errorAt(`file ${path}`, error)
  } finally {
    await file.close()
  }
}

/** What a file says about where it comes from. */
function about(metadata: GgufMetadata): Record<string, string | undefined> {
  const text = (key: string) => {
    const value = metadata.get(`general.${key}`)
    return value?.kind === 'string' ? value.value : undefined
  }
  return { architecture: text('architecture'), name: text('name'), license: text('license') }
}

async function writeWeights(
  path: string,
  source: ByteSource,
  tensors: readonly ImportedTensor[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const out = await open(path, 'wx')
  try {
    await out.writeFile(safetensorsStart({ tensors, metadata }))
    // A file handle keeps its place: a piece follows the one before.
    for (const tensor of tensors) for await (const piece of pieces(source, tensor)) await out.writeFile(piece)
    await out.sync()
  } finally {
    await out.close()
  }
}

async function* pieces(file: ByteSource, { shape, source }: ImportedTensor): AsyncIterable<Uint8Array> {
  if (source === undefined) {
    yield new Uint8Array(4 * shape.reduce((product, size) => product * size, 1))
    return
  }
  const { tensor, rows, rowsTogether, convert } = source
  const rowBytes = (tensor.end - tensor.begin) / rows
  const step = Math.max(1, Math.floor(CHUNK_BYTES / (rowBytes * rowsTogether))) * rowsTogether
  for (let row = 0; row < rows; row += step) {
    const count = Math.min(step, rows - row)
    const begin = tensor.begin + row * rowBytes
    yield convert(await file.slice(begin, begin + count * rowBytes), count)
  }
}
