/** @file 32-bit floats as the bytes that files hold: little endian, whatever the machine. */

export function floatBytes(values: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.length * 4)
  const view = new DataView(bytes.buffer)
  for (const [i, value] of values.entries()) view.setFloat32(i * 4, value, true)
  return bytes
}
