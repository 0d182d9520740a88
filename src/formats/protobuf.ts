/** @file Protocol buffers, writing: the wire types that ONNX messages use (varint, 32-bit, length-delimited). */
import { concatenate } from '../math/bytes.ts'

const VARINT = 0
const LENGTH_DELIMITED = 2
const FIXED_32 = 5

/** Appends fields to one message. */
export interface ProtobufWriter {
  /** int32, int64 or enum; integers up to 2^53, negatives as 64-bit two's complement. */
  integer(field: number, value: number): void
  float(field: number, value: number): void
  text(field: number, value: string): void
  bytes(field: number, value: Uint8Array): void
  message(field: number, write: (message: ProtobufWriter) => void): void
  /** Tag and length of bytes that are written behind this message by other means. */
  lengthOf(field: number, length: number): void
}

/** The bytes of the message that `write` fills. */
export function protobufMessage(write: (message: ProtobufWriter) => void): Uint8Array {
  const chunks: Uint8Array[] = []
  const varint = (value: number) => chunks.push(encodeVarint(value))
  const tag = (field: number, wireType: number) => varint(field * 8 + wireType)
  const bytes = (field: number, value: Uint8Array) => {
    tag(field, LENGTH_DELIMITED)
    varint(value.byteLength)
    chunks.push(value)
  }
  write({
    integer(field, value) {
      tag(field, VARINT)
      varint(value)
    },
    float(field, value) {
      tag(field, FIXED_32)
      const chunk = new Uint8Array(4)
      new DataView(chunk.buffer).setFloat32(0, value, true)
      chunks.push(chunk)
    },
    text: (field, value) => bytes(field, new TextEncoder().encode(value)),
    bytes,
    lengthOf(field, length) {
      tag(field, LENGTH_DELIMITED)
      varint(length)
    },
    message: (field, writeInner) => bytes(field, protobufMessage(writeInner)),
  })
  return concatenate(chunks)
}

/** Seven bits a byte, lowest first; the top bit says that more follow. */
function encodeVarint(value: number): Uint8Array {
  const out: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  while (rest > 0x7fn) {
    out.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  out.push(Number(rest))
  return Uint8Array.from(out)
}
