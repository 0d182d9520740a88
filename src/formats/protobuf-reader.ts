/**
 * @file Protocol buffers, reading: a message as a sequence of fields with their places in the file, so that what nobody touches can be written
 * back byte for byte. Wire types are varint, 64-bit, length-delimited and 32-bit; groups are refused, since ONNX has none.
 */
import { PalignError } from '../errors.ts'
import type { ByteSource } from './byte-source.ts'

export type WireType = 0 | 1 | 2 | 5

/** Offsets are those of the file. */
export interface ProtobufField {
  readonly number: number
  readonly wireType: WireType
  /** Of the tag. */
  readonly start: number
  /** Of a varint itself, of a fixed number, or of the bytes behind their length. */
  readonly valueStart: number
  readonly end: number
}

/** Bytes and where they begin in the file. */
export interface PlacedBytes {
  readonly bytes: Uint8Array
  readonly offset: number
}

/** 64 bits, seven a byte. */
const VARINT_BYTES = 10
/** A tag and a length. */
const HEADER_BYTES = 2 * VARINT_BYTES
const WINDOW_BYTES = 1 << 18

/** The fields of a message in memory. @throws PalignError `malformed-file` */
export function protobufFields({ bytes, offset }: PlacedBytes): ProtobufField[] {
  const fields: ProtobufField[] = []
  const end = offset + bytes.length
  for (let at = offset; at < end; ) {
    const field = fieldAt({ bytes, offset }, at, end)
    fields.push(field)
    at = field.end
  }
  return fields
}

/** The value of a field that lies in these bytes. */
export function valueBytes({ bytes, offset }: PlacedBytes, { valueStart, end }: ProtobufField): Uint8Array {
  return bytes.subarray(valueStart - offset, end - offset)
}

/** Reads a file piece by piece, forwards: a megabyte of small fields costs a few reads, a gigabyte that is passed over none. */
export interface FieldReader {
  /** Visits the fields between two offsets in their order; nothing is kept of them. */
  walk(start: number, end: number, visit: (field: ProtobufField) => void | Promise<void>): Promise<void>
  /** A copy of its own. */
  bytes(start: number, end: number): Promise<PlacedBytes>
}

export function fieldReader(source: ByteSource): FieldReader {
  let window: PlacedBytes = { bytes: new Uint8Array(), offset: 0 }
  const holds = (start: number, end: number) => start >= window.offset && end <= window.offset + window.bytes.length
  const load = async (start: number, end: number) => {
    const last = Math.min(source.byteLength, Math.max(end, start + WINDOW_BYTES))
    const bytes = await source.slice(start, last)
    if (bytes.length !== last - start) refuseProtobuf(start, 'the file ends inside it')
    window = { bytes, offset: start }
  }
  return {
    async walk(start, end, visit) {
      for (let at = start; at < end; ) {
        const header = Math.min(end, at + HEADER_BYTES)
        if (!holds(at, header)) await load(at, header)
        const field = fieldAt(window, at, end)
        const visiting = visit(field)
        if (visiting !== undefined) await visiting
        at = field.end
      }
    },
    async bytes(start, end) {
      if (!holds(start, end)) {
        if (end - start > WINDOW_BYTES) return { bytes: await source.slice(start, end), offset: start }
        await load(start, end)
      }
      return { bytes: window.bytes.slice(start - window.offset, end - window.offset), offset: start }
    },
  }
}

/** The field whose tag is at `at`; only its header need lie in `held`. `end` is that of its message. */
function fieldAt(held: PlacedBytes, at: number, end: number): ProtobufField {
  const tag = varintAt(held, at, end)
  const number = Math.floor(tag.value / 8)
  const wireType = tag.value % 8
  if (number < 1 || number >= 2 ** 29) refuseProtobuf(at, `field number ${number} is not between 1 and 2^29 - 1`)
  const field = (type: WireType, valueStart: number, length: number): ProtobufField => {
    // Lengths come from the file: compared with what is left before anything is read.
    if (length > end - valueStart) refuseProtobuf(at, `${length} bytes are more than its message has left, ${end - valueStart}`)
    return { number, wireType: type, start: at, valueStart, end: valueStart + length }
  }
  switch (wireType) {
    case 0:
      return field(0, tag.end, varintAt(held, tag.end, end).end - tag.end)
    case 1:
      return field(1, tag.end, 8)
    case 2: {
      const length = varintAt(held, tag.end, end)
      return field(2, length.end, length.value)
    }
    case 5:
      return field(5, tag.end, 4)
    default:
      return refuseProtobuf(at, `wire type ${wireType} is not known`)
  }
}

/** As an unsigned number; beyond 2^53 it is rounded, which is enough to see that a length is too large. */
function varintAt({ bytes, offset }: PlacedBytes, at: number, end: number): { readonly value: number; readonly end: number } {
  let value = 0
  let scale = 1
  for (let i = 0; i < VARINT_BYTES; i++) {
    if (at + i >= end || at + i - offset >= bytes.length) refuseProtobuf(at, 'its message ends inside a varint')
    const byte = bytes[at + i - offset]!
    if (i === VARINT_BYTES - 1 && byte > 1) break
    value += (byte & 0x7f) * scale
    scale *= 128
    if (byte < 0x80) return { value, end: at + i + 1 }
  }
  return refuseProtobuf(at, `varint is longer than ${VARINT_BYTES} bytes or 64 bits`)
}

/** int32, int64, enum or bool: a varint as a signed number; rounded beyond 2^53. */
export function signedVarint(bytes: Uint8Array): number {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 7n) | BigInt(bytes[i]! & 0x7f)
  return Number(BigInt.asIntN(64, value))
}

/** The numbers of a packed field. */
export function packedVarints({ bytes, offset }: PlacedBytes): number[] {
  const values: number[] = []
  for (let at = 0; at < bytes.length; ) {
    const { end } = varintAt({ bytes, offset: 0 }, at, bytes.length)
    if (end - at > VARINT_BYTES) refuseProtobuf(offset + at, 'varint is too long')
    values.push(signedVarint(bytes.subarray(at, end)))
    at = end
  }
  return values
}

export function refuseProtobuf(offset: number, rule: string): never {
  throw new PalignError('malformed-file', `onnx field at byte ${offset} is wrong: ${rule}`, {
    hint: 'fetch or export the file again',
  })
}
