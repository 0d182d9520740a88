/**
 * @file Safetensors: 8 bytes of header length (little endian), a JSON header, then the tensors back to back.
 * Reading is bounded by rules of our own, stricter than the format: see LIMITS and `readSafetensorsHeader`.
 */
import { PalignError } from '../errors.ts'
import type { ByteSource } from './byte-source.ts'
import { type JsonValue, parseStrictJson } from './strict-json.ts'

/** Bytes an element takes. Types of less than a byte are not known here. */
const ELEMENT_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
} as const
export type Dtype = keyof typeof ELEMENT_BYTES

/** Where a tensor lies: `begin` to `end` are byte offsets in the file. */
export interface TensorEntry {
  readonly name: string
  readonly dtype: Dtype
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly tensors: readonly TensorEntry[]
  readonly metadata: Readonly<Record<string, string>>
}

export interface TensorBytes {
  readonly name: string
  readonly dtype: Dtype
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

const LENGTH_BYTES = 8
/** For files of few tensors, such as personas and adapters: what a million characters of metadata take in UTF-8, and more. A hostile header of 25 MB costs seconds. */
export const SMALL_HEADER_BYTES = 4_000_000
const LIMITS = {
  /** A header of 25 MB describes about 200,000 tensors: more than the largest open models have. */
  headerBytes: 25_000_000,
  metadataCharacters: 1_000_000,
  rank: 8,
  dimension: 2 ** 32,
  /** A header has lists of sizes and of two offsets: a long one is refused before it is parsed to its end. */
  listElements: 64,
}

/**
 * Reads and checks the header: the tensors must fill the file from the header to the end without gap or overlap, and each
 * must be exactly as long as dtype and shape say. Throws `malformed-file` with the offset or the tensor and the rule.
 */
export async function readSafetensorsHeader(
  source: ByteSource,
  { mostHeaderBytes = LIMITS.headerBytes }: { readonly mostHeaderBytes?: number | undefined } = {},
): Promise<SafetensorsHeader> {
  const size = await readHeaderLength(source, mostHeaderBytes)
  const dataStart = LENGTH_BYTES + size
  const bytes = await readRange(source, LENGTH_BYTES, dataStart)
  if (bytes[0] !== 0x7b) refuse('header at byte 8 does not start with {')
  const json = parseStrictJson(decodeUtf8(bytes), 'safetensors header', { mostElements: LIMITS.listElements })
  const { __metadata__: metadata, ...entries } = record(json, 'header')
  const tensors = Object.entries(entries).map(([name, entry]) => parseEntry(name, entry, dataStart))
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end)
  checkContiguous(tensors, dataStart, source.byteLength)
  return { tensors, metadata: metadata === undefined ? {} : parseMetadata(metadata) }
}

async function readHeaderLength(source: ByteSource, most: number): Promise<number> {
  if (source.byteLength < LENGTH_BYTES + 2) refuse(`file of ${source.byteLength} bytes is too short for a header`)
  const bytes = await readRange(source, 0, LENGTH_BYTES)
  const size = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
  if (size < 2n || size > BigInt(most)) {
    refuse(`header length ${size} at byte 0 is not between 2 and ${most}`)
  }
  if (size > BigInt(source.byteLength - LENGTH_BYTES)) {
    refuse(`header length ${size} at byte 0 is more than the file has left, ${source.byteLength - LENGTH_BYTES}`)
  }
  return Number(size)
}

async function readRange(source: ByteSource, start: number, end: number): Promise<Uint8Array> {
  const bytes = await source.slice(start, end)
  if (bytes.byteLength !== end - start) refuse(`file ends before byte ${end}`)
  return bytes
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return refuse('header is not valid UTF-8')
  }
}

function parseEntry(name: string, value: JsonValue, dataStart: number): TensorEntry {
  const { dtype, shape, data_offsets: offsets, ...rest } = record(value, `tensor ${shown(name)}`)
  if (!isDtype(dtype)) return refuse(`tensor ${shown(name)} has an unknown dtype`)
  if (!isCounts(shape, LIMITS.dimension) || shape.length > LIMITS.rank) {
    return refuse(`tensor ${shown(name)} has a shape that is not at most ${LIMITS.rank} sizes up to 2^32`)
  }
  if (!isCounts(offsets, Number.MAX_SAFE_INTEGER) || offsets.length !== 2) {
    return refuse(`tensor ${shown(name)} has data_offsets that are not two byte offsets`)
  }
  if (Object.keys(rest).length > 0) refuse(`tensor ${shown(name)} has fields other than dtype, shape and data_offsets`)
  const [begin, end] = offsets as [number, number]
  // Eight dimensions of 2^32 overflow doubles, so the product is taken in BigInt.
  if (tensorBytes(dtype, shape) !== BigInt(end) - BigInt(begin)) {
    refuse(`tensor ${shown(name)} takes ${tensorBytes(dtype, shape)} bytes by dtype and shape but ${end - begin} by its offsets`)
  }
  return { name, dtype, shape, begin: dataStart + begin, end: dataStart + end }
}

function parseMetadata(value: JsonValue): Record<string, string> {
  const metadata = record(value, '__metadata__')
  let characters = 0
  for (const [key, text] of Object.entries(metadata)) {
    if (typeof text !== 'string') return refuse('__metadata__ holds something other than text')
    characters += key.length + text.length
  }
  if (characters > LIMITS.metadataCharacters) refuse(`__metadata__ is longer than ${LIMITS.metadataCharacters} characters`)
  return metadata as Record<string, string>
}

function checkContiguous(tensors: readonly TensorEntry[], dataStart: number, fileEnd: number): void {
  let expected = dataStart
  for (const { name, begin, end } of tensors) {
    if (begin !== expected) refuse(`tensor ${shown(name)} begins at byte ${begin}, expected ${expected}: a gap or an overlap`)
    expected = end
  }
  if (expected !== fileEnd) refuse(`tensors end at byte ${expected}, the file at ${fileEnd}`)
}

/**
 * Bytes of a file with these tensors in this order: deterministic, and what `readSafetensorsHeader` read it writes back
 * byte for byte. The header is padded with spaces so that the data begin at a multiple of 8.
 */
export function writeSafetensors({
  tensors,
  metadata = {},
}: {
  readonly tensors: readonly TensorBytes[]
  readonly metadata?: Readonly<Record<string, string>>
}): Uint8Array {
  for (const { name, dtype, shape, data } of tensors) {
    if (tensorBytes(dtype, shape) !== BigInt(data.byteLength)) {
      throw new PalignError(
        'invalid-input',
        `tensor ${shown(name)} has ${data.byteLength} bytes, expected ${tensorBytes(dtype, shape)} for ${dtype} [${shape}]`,
      )
    }
  }
  const start = safetensorsStart({ tensors, metadata })
  const out = new Uint8Array(tensors.reduce((sum, { data }) => sum + data.byteLength, start.length))
  out.set(start)
  let at = start.length
  for (const { data } of tensors) {
    out.set(data, at)
    at += data.byteLength
  }
  return out
}

/** The bytes before the data, for files too large for memory: the tensors follow in this order, without gaps. */
export function safetensorsStart({
  tensors,
  metadata = {},
}: {
  readonly tensors: readonly Omit<TensorBytes, 'data'>[]
  readonly metadata?: Readonly<Record<string, string>>
}): Uint8Array {
  const header = new TextEncoder().encode(headerJson(tensors, metadata))
  const size = Math.ceil(header.length / 8) * 8
  const out = new Uint8Array(LENGTH_BYTES + size).fill(0x20)
  new DataView(out.buffer).setBigUint64(0, BigInt(size), true)
  out.set(header, LENGTH_BYTES)
  return out
}

function headerJson(tensors: readonly Omit<TensorBytes, 'data'>[], metadata: Readonly<Record<string, string>>): string {
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : []
  const names = new Set<string>(['__metadata__'])
  let begin = 0
  for (const { name, dtype, shape } of tensors) {
    const end = begin + Number(tensorBytes(dtype, shape))
    if (names.has(name)) throw new PalignError('invalid-input', `tensor name ${shown(name)} is taken`)
    names.add(name)
    entries.push([name, { dtype, shape, data_offsets: [begin, end] }])
    begin = end
  }
  // Written by hand: an object would move names that look like numbers to the front.
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`
}

export function elementBytes(dtype: Dtype): number {
  return ELEMENT_BYTES[dtype]
}

function tensorBytes(dtype: Dtype, shape: readonly number[]): bigint {
  return shape.reduce((product, size) => product * BigInt(size), BigInt(ELEMENT_BYTES[dtype]))
}

function isDtype(value: JsonValue | undefined): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(ELEMENT_BYTES, value)
}

function isCounts(value: JsonValue | undefined, most: number): value is number[] {
  return (
    Array.isArray(value) && value.every((size) => typeof size === 'number' && Number.isInteger(size) && size >= 0 && size <= most)
  )
}

function record(value: JsonValue, name: string): { readonly [key: string]: JsonValue } {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return refuse(`${name} is not an object`)
  return value
}

/** Names come from the file: quoted, and short enough for a message. */
function shown(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}...` : name)
}

function refuse(message: string): never {
  throw new PalignError('malformed-file', `safetensors ${message}`, { hint: 'fetch or export the file again' })
}
