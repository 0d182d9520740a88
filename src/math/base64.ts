/** @file Numbers as text, to the last bit: base64 of little-endian float32. */

export function floatsToBase64(values: Float32Array): string {
  const bytes = new Uint8Array(values.length * 4)
  const view = new DataView(bytes.buffer)
  values.forEach((value, i) => {
    view.setFloat32(i * 4, value, true)
  })
  const pieces: string[] = []
  for (let start = 0; start < bytes.length; start += PIECE)
    pieces.push(String.fromCharCode(...bytes.subarray(start, start + PIECE)))
  return btoa(pieces.join(''))
}

/** Arguments of one call; the stack bounds them. */
const PIECE = 8192

/** @throws RangeError for text that is not exactly `count` numbers */
export function floatsFromBase64(text: string, count: number): Float32Array {
  const characters = decoded(text)
  if (characters.length !== count * 4) throw new RangeError(`base64 has ${characters.length} bytes, expected ${count * 4}`)
  const view = new DataView(Uint8Array.from(characters, (character) => character.charCodeAt(0)).buffer)
  return Float32Array.from({ length: count }, (_, i) => view.getFloat32(i * 4, true))
}

function decoded(text: string): string {
  try {
    return atob(text)
  } catch (cause) {
    throw new RangeError('text is not base64', { cause })
  }
}
