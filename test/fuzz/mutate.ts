/** @file Bytes changed as files are damaged and as attackers change them: from a seed, the same every time. */
import { concatenate } from '../../src/math/bytes.ts'

/** Numbers at which readers go wrong, little endian of 8 bytes. */
const EXTREMES = [
  0n,
  1n,
  2n,
  31n,
  32n,
  127n,
  128n,
  255n,
  65_535n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
]

/** One to six changes of a file, of which some keep its length. */
export function mutated(file: Uint8Array, random: () => number): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(file)
  const below = (n: number) => Math.floor(random() * Math.max(1, n))
  for (let changes = 1 + below(6); changes > 0; changes--) bytes = changed(bytes, below)
  return bytes
}

function changed(bytes: Uint8Array, below: (n: number) => number): Uint8Array {
  const at = below(bytes.length)
  switch (below(9)) {
    case 0:
      bytes[at]! ^= 1 << below(8)
      return bytes
    case 1:
      bytes[at] = below(256)
      return bytes
    case 2:
      return bytes.slice(0, at)
    case 3: {
      // A length, an offset or a size: of 4 or 8 bytes, at any place.
      const extreme = new Uint8Array(8)
      new DataView(extreme.buffer).setBigUint64(0, EXTREMES[below(EXTREMES.length)]!, true)
      const width = below(2) === 0 ? 4 : 8
      bytes.set(extreme.subarray(0, Math.min(width, bytes.length - at)), at)
      return bytes
    }
    case 4: {
      const inserted = Uint8Array.from({ length: 1 + below(16) }, () => below(256))
      return concatenate([bytes.subarray(0, at), inserted, bytes.subarray(at)])
    }
    case 5:
      return concatenate([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + below(16)))])
    case 6: {
      // The same piece again, elsewhere.
      const from = below(bytes.length)
      const piece = bytes.slice(from, from + 1 + below(48))
      return concatenate([bytes.subarray(0, at), piece, bytes.subarray(at)])
    }
    case 7: {
      // A digit of JSON, a varint that goes on.
      bytes[at] = [0x39, 0x2d, 0x65, 0x2e, 0x5b, 0x7b, 0x22, 0x80, 0xff][below(9)]!
      return bytes
    }
    default: {
      const to = below(bytes.length)
      const piece = bytes.slice(at, at + 1 + below(24))
      bytes.set(piece.subarray(0, bytes.length - to), to)
      return bytes
    }
  }
}
