/**
 * @file GGUF, versions 2 and 3, little endian: a header of counts, metadata and descriptions of tensors, then their data,
 * each at a multiple of the alignment. Reading is bounded by rules of our own; what was read is written back byte for byte.
 */
import { PalignError } from '../errors.ts'
import { concatenate } from '../math/bytes.ts'
import type { ByteSource } from './byte-source.ts'
import { type GgmlType, ggmlBlock, ggmlTensorBytes, ggmlTypeNumber, ggmlTypeOf } from './ggml-types.ts'
import { type GgufCursor, ggufCursor, refuseGguf, TOO_FEW_BYTES } from './gguf-cursor.ts'
import {
  type GgufMetadata,
  ggufBudget,
  ggufTextBytes,
  ggufValueBytes,
  readGgufValue,
  uint32Bytes,
  uint64Bytes,
} from './gguf-value.ts'

export type { GgufArray, GgufMetadata, GgufScalar, GgufScalarKind, GgufValue } from './gguf-value.ts'

export interface GgufTensor {
  readonly name: string
  readonly type: GgmlType
  /** Outermost first, as in Hugging Face files: `[out, in]` for a matrix. */
  readonly shape: readonly number[]
}

/** Where a tensor lies: `begin` to `end` are byte offsets in the file. */
export interface GgufTensorEntry extends GgufTensor {
  readonly begin: number
  readonly end: number
}

export interface GgufTensorBytes extends GgufTensor {
  readonly data: Uint8Array
}

export type GgufVersion = 2 | 3

export interface GgufHeader {
  readonly version: GgufVersion
  /** Data and every tensor begin at a multiple of so many bytes. */
  readonly alignment: number
  readonly metadata: GgufMetadata
  /** In the order of their bytes. */
  readonly tensors: readonly GgufTensorEntry[]
}

const MAGIC = 0x46554747
const ALIGNMENT = 'general.alignment'
const DEFAULT_ALIGNMENT = 32

const LIMITS = {
  /** Keys, vocabulary and templates of the largest models take a fifth of that. */
  headerBytes: 64_000_000,
  metadata: 100_000,
  /** The format's own. */
  keyBytes: 65_535,
  tensors: 65_536,
  /** llama.cpp keeps names in 64 bytes with a zero at the end. */
  nameBytes: 63,
  rank: 4,
  dimension: 2 ** 32,
  alignment: 4096,
}
/** What a key with its value and what the description of a tensor take at least. */
const LEAST_METADATA_BYTES = 8 + 4 + 1
const LEAST_TENSOR_BYTES = 8 + 4 + 8 + 4 + 8
/** What is read of a file at first, and how much more each time that it does not suffice. */
const FIRST_BYTES = 1 << 18
const GROWTH = 4

/**
 * Reads and checks the header: tensors must follow each other in the order of their description, each at the next multiple of
 * the alignment and as long as its type and shape say, up to the end of the file.
 * @throws PalignError `malformed-file` with the offset or the tensor and the rule
 */
export async function readGgufHeader(source: ByteSource): Promise<GgufHeader> {
  for (let size = FIRST_BYTES; ; size *= GROWTH) {
    const bytes = await source.slice(0, Math.min(size, source.byteLength, LIMITS.headerBytes))
    try {
      return parseHeader(ggufCursor(bytes, source.byteLength), source.byteLength)
    } catch (error) {
      if (error !== TOO_FEW_BYTES) throw error
      if (size >= LIMITS.headerBytes) refuseGguf(`header is longer than ${LIMITS.headerBytes} bytes`)
      if (size >= source.byteLength) refuseGguf(`file ended before its ${source.byteLength} bytes`)
    }
  }
}

function parseHeader(cursor: GgufCursor, fileBytes: number): GgufHeader {
  const version = readVersion(cursor)
  const tensorCount = cursor.count('number of tensors', { most: LIMITS.tensors, bytesEach: LEAST_TENSOR_BYTES })
  const metadata = readMetadata(cursor)
  const alignment = alignmentOf(metadata)
  if (typeof alignment === 'string') return cursor.refuse(alignment)
  const described: Described[] = []
  const names = new Set<string>()
  for (let i = 0; i < tensorCount; i++) described.push(readTensor(cursor, names))
  const dataStart = cursor.position + paddingOf(cursor.position, alignment)
  // A file of metadata only may end where they end.
  if (tensorCount > 0 || fileBytes > cursor.position) checkZeros(cursor, dataStart - cursor.position)
  return { version, alignment, metadata, tensors: placed(described, { dataStart, alignment, fileBytes }) }
}

function readVersion(cursor: GgufCursor): GgufVersion {
  if (cursor.uint32() !== MAGIC) return cursor.refuse('file does not begin with GGUF')
  const version = cursor.uint32()
  if (version === 0x02000000 || version === 0x03000000) {
    return cursor.refuse('file is big-endian, expected little-endian')
  }
  return version === 2 || version === 3 ? version : cursor.refuse(`version is ${version}, expected 2 or 3`)
}

function readMetadata(cursor: GgufCursor): GgufMetadata {
  const count = cursor.count('number of metadata', { most: LIMITS.metadata, bytesEach: LEAST_METADATA_BYTES })
  const metadata = new Map<string, ReturnType<typeof readGgufValue>>()
  const budget = ggufBudget()
  for (let i = 0; i < count; i++) {
    const key = cursor.text('key', LIMITS.keyBytes)
    if (key === '') cursor.refuse('key is empty')
    if (metadata.has(key)) cursor.refuse(`key ${shown(key)} is there twice`)
    metadata.set(key, readGgufValue(cursor, budget))
  }
  return metadata
}

/** What is wrong, as text, where it is none that may be. */
function alignmentOf(metadata: GgufMetadata): number | string {
  const value = metadata.get(ALIGNMENT)
  if (value === undefined) return DEFAULT_ALIGNMENT
  if (value.kind !== 'uint32') return `${ALIGNMENT} is of type ${value.kind}, expected uint32`
  const isFit = value.value >= 1 && value.value <= LIMITS.alignment && (value.value & (value.value - 1)) === 0
  return isFit ? value.value : `${ALIGNMENT} is ${value.value}, expected a power of two up to ${LIMITS.alignment}`
}

interface Described extends GgufTensor {
  readonly bytes: number
  /** From the beginning of the data. */
  readonly offset: bigint
}

function readTensor(cursor: GgufCursor, names: Set<string>): Described {
  const name = cursor.text('name of a tensor', LIMITS.nameBytes)
  if (name === '' || names.has(name)) cursor.refuse(`name of a tensor ${shown(name)} is empty or there twice`)
  names.add(name)
  const rank = cursor.uint32()
  if (rank < 1 || rank > LIMITS.rank) cursor.refuse(`tensor ${shown(name)} has ${rank} dimensions, expected 1 to ${LIMITS.rank}`)
  const shape = Array.from({ length: rank }, () => {
    const size = cursor.uint64()
    if (size < 1n || size > BigInt(LIMITS.dimension)) cursor.refuse(`tensor ${shown(name)} has size ${size}, expected 1 to 2^32`)
    return Number(size)
  }).reverse()
  const number = cursor.uint32()
  const type = ggmlTypeOf(number) ?? cursor.refuse(`tensor ${shown(name)} has type number ${number}, which is not known`)
  const bytes = ggmlTensorBytes(type, shape) ?? cursor.refuse(rowRule({ name, type, shape }))
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) cursor.refuse(`tensor ${shown(name)} takes ${bytes} bytes`)
  return { name, type, shape, bytes: Number(bytes), offset: cursor.uint64() }
}

function checkZeros(cursor: GgufCursor, length: number): void {
  const start = cursor.take(length)
  for (let i = start; i < start + length; i++) if (cursor.view.getUint8(i) !== 0) cursor.refuse('padding is not zero')
}

function placed(
  tensors: readonly Described[],
  { dataStart, alignment, fileBytes }: { readonly dataStart: number; readonly alignment: number; readonly fileBytes: number },
): GgufTensorEntry[] {
  let end = dataStart
  const entries = tensors.map(({ name, type, shape, bytes, offset }) => {
    const begin = end + paddingOf(end, alignment)
    if (BigInt(begin - dataStart) !== offset) {
      refuseGguf(`tensor ${shown(name)} begins at byte ${offset} of the data, expected ${begin - dataStart}: a gap or an overlap`)
    }
    end = begin + bytes
    // Also keeps the sum below 2^53.
    if (end > fileBytes) refuseGguf(`tensor ${shown(name)} ends at byte ${end}, the file at ${fileBytes}`)
    return { name, type, shape, begin, end }
  })
  if (fileBytes > end + paddingOf(end, alignment)) refuseGguf(`tensors end at byte ${end}, the file at ${fileBytes}`)
  return entries
}

export interface GgufContent<T extends GgufTensor> {
  /** Default: 3. */
  readonly version?: GgufVersion | undefined
  /** Default: what the metadata say, else 32. Another one is written into the metadata. */
  readonly alignment?: number | undefined
  readonly metadata: GgufMetadata
  readonly tensors: readonly T[]
}

/**
 * The bytes before the data, padded to the alignment. The data of the tensors follow in this order, after each
 * `ggufPadding` zeros, also after the last.
 * @throws PalignError `invalid-input` for names, shapes, values or an alignment that no reader would take
 */
export function ggufStart({ version = 3, alignment, metadata, tensors }: GgufContent<GgufTensor>): Uint8Array {
  const all = withAlignment(metadata, alignment)
  const step = ggufAlignment(all)
  const pieces = [uint32Bytes(MAGIC), uint32Bytes(version), uint64Bytes(tensors.length), uint64Bytes(all.size)]
  for (const [key, value] of all) {
    if (key === '') throw new PalignError('invalid-input', 'metadata key is empty')
    pieces.push(ggufTextBytes(key))
    for (const bytes of ggufValueBytes(value)) pieces.push(bytes)
  }
  const names = new Set<string>()
  let offset = 0
  for (const tensor of tensors) {
    checkTensor(tensor, names)
    const { name, type, shape } = tensor
    pieces.push(ggufTextBytes(name), uint32Bytes(shape.length), ...[...shape].reverse().map(uint64Bytes))
    pieces.push(uint32Bytes(ggmlTypeNumber(type)), uint64Bytes(offset))
    const bytes = ggufTensorBytes(tensor)
    offset += bytes + paddingOf(bytes, step)
  }
  const size = pieces.reduce((sum, { length }) => sum + length, 0)
  return concatenate([...pieces, new Uint8Array(paddingOf(size, step))])
}

/** A whole file in memory. @throws PalignError `invalid-input` as `ggufStart`, and for data of another length */
export function writeGguf(content: GgufContent<GgufTensorBytes>): Uint8Array {
  const step = ggufAlignment(withAlignment(content.metadata, content.alignment))
  return concatenate([
    ggufStart(content),
    ...content.tensors.flatMap((tensor) => {
      const bytes = ggufTensorBytes(tensor)
      if (tensor.data.length !== bytes) {
        throw new PalignError('invalid-input', `tensor ${shown(tensor.name)} has ${tensor.data.length} bytes, expected ${bytes}`)
      }
      return [tensor.data, new Uint8Array(paddingOf(bytes, step))]
    }),
  ])
}

/** Bytes of a tensor without its padding. @throws PalignError `invalid-input` where a row is not whole blocks */
export function ggufTensorBytes(tensor: GgufTensor): number {
  const bytes = ggmlTensorBytes(tensor.type, tensor.shape)
  if (bytes === undefined) throw new PalignError('invalid-input', rowRule(tensor))
  return Number(bytes)
}

/** Zeros that follow so many bytes of data. */
export function ggufPadding(byteLength: number, alignment: number): Uint8Array {
  return new Uint8Array(paddingOf(byteLength, alignment))
}

/** The alignment that metadata ask for. @throws PalignError `invalid-input` */
export function ggufAlignment(metadata: GgufMetadata): number {
  const alignment = alignmentOf(metadata)
  if (typeof alignment === 'string') throw new PalignError('invalid-input', `metadata field ${alignment}`)
  return alignment
}

function withAlignment(metadata: GgufMetadata, alignment: number | undefined): GgufMetadata {
  if (alignment === undefined || alignment === ggufAlignment(metadata)) return metadata
  return new Map([...metadata, [ALIGNMENT, { kind: 'uint32', value: alignment }]])
}

function checkTensor({ name, shape }: GgufTensor, names: Set<string>): void {
  const length = new TextEncoder().encode(name).length
  const isSize = (size: number) => Number.isInteger(size) && size >= 1 && size <= LIMITS.dimension
  if (length < 1 || length > LIMITS.nameBytes || names.has(name)) {
    throw new PalignError('invalid-input', `tensor name ${shown(name)} is taken or not of 1 to ${LIMITS.nameBytes} bytes`)
  }
  if (shape.length < 1 || shape.length > LIMITS.rank || !shape.every(isSize)) {
    throw new PalignError('invalid-input', `tensor ${shown(name)} has shape [${shape}], expected 1 to ${LIMITS.rank} sizes`)
  }
  names.add(name)
}

function rowRule({ name, type, shape }: GgufTensor): string {
  return `tensor ${shown(name)} has rows of ${shape.at(-1)}, expected a multiple of ${ggmlBlock(type).elements} for ${type}`
}

function paddingOf(length: number, alignment: number): number {
  return (alignment - (length % alignment)) % alignment
}

/** Names come from the file: quoted, and short enough for a message. */
function shown(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}...` : name)
}
