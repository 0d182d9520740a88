/** @file The two 16-bit float formats of model weights: IEEE binary16 (F16) and bfloat16 (BF16), given as their bits. */

/** Exact. */
export function fromFloat16(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length)
  const outBits = new Uint32Array(out.buffer)
  for (let i = 0; i < bits.length; i++) {
    const half = bits[i]!
    const sign = (half & 0x8000) << 16
    const exponent = (half >>> 10) & 0x1f
    const fraction = half & 0x3ff
    if (exponent === 0) {
      // Zero and subnormals: a multiple of 2^-24.
      out[i] = (sign < 0 ? -1 : 1) * fraction * 2 ** -24
    } else {
      // Bias 15 becomes bias 127; 31 (infinity, NaN) becomes 255.
      outBits[i] = sign | ((exponent === 31 ? 255 : exponent + 112) << 23) | (fraction << 13)
    }
  }
  return out
}

/** Exact: bfloat16 is the upper half of a float32. */
export function fromBfloat16(bits: Uint16Array): Float32Array {
  const out = new Uint32Array(bits.length)
  for (let i = 0; i < bits.length; i++) out[i] = bits[i]! << 16
  return new Float32Array(out.buffer)
}

/** Rounds to nearest, ties to even; what is too large becomes infinity. */
export function toFloat16(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, (value) => {
    const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
    const size = Math.abs(value)
    if (Number.isNaN(value)) return 0x7e00
    if (size >= 65520) return sign | 0x7c00
    // The spacing of halves around `size`: 2^-24 for subnormals, else 2^(exponent - 10).
    const exponent = Math.max(-14, Math.floor(Math.log2(size)))
    const steps = roundHalfEven(size / 2 ** (exponent - 10))
    // Steps beyond the fraction carry into the exponent, as the encoding wants.
    return sign | (((exponent + 14) << 10) + steps)
  })
}

/** Rounds to nearest, ties to even. */
export function toBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.slice().buffer)
  return Uint16Array.from(bits, (word, i) => {
    if (Number.isNaN(values[i]!)) return 0x7fc0
    return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16
  })
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor
}
