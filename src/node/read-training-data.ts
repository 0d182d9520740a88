/** @file JSONL files of training documents, read line by line: bounded, counted and hashed on the way. */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { PalignError, throwIfAborted } from '../errors.ts'
import { type DocumentStore, documentStore, type TokenisedDocument } from '../train/document-store.ts'
import { parseDocument } from '../train/sft-data.ts'
import type { DocumentEncoder } from './document-encoder.ts'
import { openFile } from './read-file.ts'

const MAX_LINE_BYTES = 16 << 20
const MAX_TOKENS = 1 << 30
/** Few enough that tokenising them does not starve the deadline of a template. */
const LINES_AT_ONCE = 64
const NEWLINE = 10

/** What a file was, so that a resumed run knows it again. */
export interface DataFile {
  readonly name: string
  readonly sha256: string
}

export interface TrainingData {
  readonly store: DocumentStore
  readonly files: readonly DataFile[]
}

export interface ReadTrainingDataOptions {
  readonly encoder: DocumentEncoder
  readonly vocabSize: number
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Errors name file and line. @throws PalignError `not-found`, `malformed-file`, `unsupported-model`, `aborted` */
export async function readTrainingData(
  paths: readonly string[],
  { encoder, vocabSize, onProgress, signal }: ReadTrainingDataOptions,
): Promise<TrainingData> {
  const store = documentStore(vocabSize)
  const files: DataFile[] = []
  const sizes = await Promise.all(paths.map(sizeOf))
  const total = sizes.reduce((sum, size) => sum + size, 0)
  let done = 0
  for (const path of paths) {
    const hash = createHash('sha256')
    for await (const lines of inGroups(linesOf(path, hash), LINES_AT_ONCE)) {
      throwIfAborted(signal)
      // Templates are rendered in another thread while the lines before are tokenised here.
      const encoded = await Promise.allSettled(lines.map(({ bytes }) => encodeLine(encoder, bytes)))
      for (const [i, { line, bytes }] of lines.entries()) {
        const result = encoded[i] as PromiseSettledResult<TokenisedDocument[]>
        if (result.status === 'rejected') throw atLine(result.reason, path, line)
        for (const document of result.value) store.add(document)
        done += bytes.length + 1
      }
      if (store.tokenCount > MAX_TOKENS)
        throw new PalignError('malformed-file', `training data have more than ${MAX_TOKENS} tokens`)
      onProgress?.({ done: Math.min(done, total), total })
    }
    files.push({ name: basename(path), sha256: hash.digest('hex') })
  }
  if (store.count === 0) throw new PalignError('malformed-file', `training data ${paths.join(', ')} hold no document`)
  return { store, files }
}

async function encodeLine(encoder: DocumentEncoder, bytes: Uint8Array): Promise<TokenisedDocument[]> {
  let value: unknown
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (text.trim() === '') return []
    value = JSON.parse(text)
  } catch (cause) {
    throw new PalignError('malformed-file', 'line is no JSON in UTF-8', {
      cause,
      hint: 'training data hold one JSON object a line',
    })
  }
  return encoder.encode(parseDocument(value))
}

function atLine(error: unknown, path: string, line: number): unknown {
  if (!(error instanceof PalignError)) return error
  const { code, message, hint } = error
  return new PalignError(code, `file ${path}, line ${line}: ${message}`, { cause: error, ...(hint !== undefined && { hint }) })
}

async function* inGroups<T>(items: AsyncIterable<T>, size: number): AsyncIterable<T[]> {
  let group: T[] = []
  for await (const item of items) {
    group.push(item)
    if (group.length < size) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
}

async function sizeOf(path: string): Promise<number> {
  const file = await openFile(path)
  await file.close()
  return file.byteLength
}

/** Lines without their ends, counted from 1. */
async function* linesOf(path: string, hash: Hash): AsyncIterable<{ readonly line: number; readonly bytes: Uint8Array }> {
  let rest = new Uint8Array(0)
  let line = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk as Uint8Array)
    const bytes = rest.length === 0 ? (chunk as Uint8Array) : Buffer.concat([rest, chunk as Uint8Array])
    let begin = 0
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, begin)) {
      yield { line: ++line, bytes: bytes.subarray(begin, end) }
      begin = end + 1
    }
    rest = new Uint8Array(bytes.subarray(begin))
    if (rest.length > MAX_LINE_BYTES) {
      throw new PalignError('malformed-file', `file ${path}, line ${line + 1} has more than ${MAX_LINE_BYTES} bytes`, {
        hint: 'training data hold one JSON object a line',
      })
    }
  }
  if (rest.length > 0) yield { line: ++line, bytes: rest }
}
