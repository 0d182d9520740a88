/** @file Where parsers read from: a file, an array of bytes, a range request. */

export interface ByteSource {
  readonly byteLength: number
  /** Bytes `[start, end)`; both inside the source. */
  slice(start: number, end: number): Promise<Uint8Array>
}

export function bytesSource(bytes: Uint8Array): ByteSource {
  return { byteLength: bytes.length, slice: async (start, end) => bytes.subarray(start, end) }
}
