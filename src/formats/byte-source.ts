/** @file What readers of large files ask for: a length and byte ranges, whether from memory, a file or a server. */

export interface ByteSource {
  readonly byteLength: number
  /** Bytes `start` (inclusive) to `end` (exclusive). */
  slice(start: number, end: number): Promise<Uint8Array>
}

export function bytesSource(bytes: Uint8Array): ByteSource {
  return { byteLength: bytes.byteLength, slice: async (start, end) => bytes.subarray(start, end) }
}
