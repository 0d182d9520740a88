/** @file JSONL files, plain or gzipped, read whole and bounded, before and after they are unpacked. */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { PalignError } from '../errors.ts'
import { decodeText, readFileBounded } from './read-file.ts'

export interface JsonLines {
  readonly rows: readonly { readonly line: number; readonly value: unknown }[]
  /** Of the file as it lies there, packed or not. */
  readonly sha256: string
}

export interface JsonLinesLimits {
  /** Of the file, and of what it unpacks to. */
  readonly maxBytes: number
  readonly maxRows: number
}

const unpack = promisify(gunzip)

/** Lines count from 1; empty ones are left out. A file whose name ends in `.gz` is unpacked. @throws PalignError `not-found`, `malformed-file` */
export async function readJsonLines(path: string, { maxBytes, maxRows }: JsonLinesLimits): Promise<JsonLines> {
  const bytes = await readFileBounded(path, maxBytes)
  const text = decodeText(path.endsWith('.gz') ? await unpacked(path, bytes, maxBytes) : bytes, path)
  const rows: { line: number; value: unknown }[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    if (rows.length === maxRows) throw new PalignError('malformed-file', `file ${path} has more than ${maxRows} rows`)
    rows.push({ line: index + 1, value: parsed(path, index + 1, line) })
  }
  if (rows.length === 0) throw new PalignError('malformed-file', `file ${path} holds no rows, expected one JSON object a line`)
  return { rows, sha256: createHash('sha256').update(bytes).digest('hex') }
}

async function unpacked(path: string, bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  try {
    return await unpack(bytes, { maxOutputLength: maxBytes })
  } catch (cause) {
    const tooLong = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    const what = tooLong ? `unpacks to more than ${maxBytes} bytes` : 'cannot be unpacked as gzip'
    throw new PalignError('malformed-file', `file ${path} ${what}`, { cause })
  }
}

function parsed(path: string, line: number, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new PalignError('malformed-file', `file ${path}, line ${line} is no JSON`, { cause })
  }
}
