/** @file A place in the first bytes of a GGUF file, with checks against all that the file has left. */
import { PalignError } from '../errors.ts'

/** Thrown where more of the file's beginning must be read; never leaves the reader. */
export const TOO_FEW_BYTES = Symbol('too few bytes')

export interface GgufCursor {
  readonly view: DataView
  /** Where the next byte is read. */
  readonly position: number
  /** Moves on by so many bytes and gives where they begin. */
  take(bytes: number): number
  uint32(): number
  uint64(): bigint
  /** A 64-bit count of things that take at least `bytesEach` bytes in the file. */
  count(name: string, limits: { readonly most: number; readonly bytesEach: number }): number
  /** A 64-bit length and as many bytes of UTF-8. */
  text(name: string, mostBytes: number): string
  refuse(rule: string): never
}

/** @param fileBytes length of the file whose beginning `bytes` is */
export function ggufCursor(bytes: Uint8Array, fileBytes: number): GgufCursor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let at = 0

  const refuse = (rule: string): never => refuseGguf(`at byte ${at}: ${rule}`)
  const take = (length: number): number => {
    if (at + length > fileBytes) refuse(`file ends ${at + length - fileBytes} bytes too early`)
    if (at + length > bytes.byteLength) throw TOO_FEW_BYTES
    at += length
    return at - length
  }
  const uint64 = () => view.getBigUint64(take(8), true)
  const count: GgufCursor['count'] = (name, { most, bytesEach }) => {
    const value = uint64()
    if (value > BigInt(most)) refuse(`${name} is ${value}, expected at most ${most}`)
    const left = Math.floor((fileBytes - at) / bytesEach)
    if (value > BigInt(left)) refuse(`${name} is ${value}, the file has bytes left for ${left}`)
    return Number(value)
  }

  return {
    view,
    get position() {
      return at
    },
    take,
    uint32: () => view.getUint32(take(4), true),
    uint64,
    count,
    text(name, mostBytes) {
      const start = take(count(`${name} length`, { most: mostBytes, bytesEach: 1 }))
      try {
        return decoder.decode(bytes.subarray(start, at))
      } catch {
        return refuse(`${name} is not valid UTF-8`)
      }
    },
    refuse,
  }
}

export function refuseGguf(message: string): never {
  throw new PalignError('malformed-file', `GGUF ${message}`, { hint: 'fetch or export the file again' })
}
