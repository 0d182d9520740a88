/** @file Plain loops over row-major matrices, for the references the engine is compared with. Sums are doubles. */

export type Floats = Float32Array | Float64Array

/** x `[n, width]` times the transpose of m `[out, width]`. */
export function timesTransposed(x: Float64Array, m: Floats, width: number): Float64Array {
  const out = m.length / width
  return Float64Array.from({ length: (x.length / width) * out }, (_, at) =>
    dot(row(x, Math.floor(at / out), width), row(m, at % out, width)),
  )
}

/** x `[n, inner]` times m `[inner, width]`. */
export function times(x: Float64Array, m: Floats, width: number): Float64Array {
  const inner = m.length / width
  const out = new Float64Array((x.length / inner) * width)
  x.forEach((value, at) => {
    addTo(row(out, Math.floor(at / inner), width), row(m, at % inner, width), value)
  })
  return out
}

/** target `[out, width]` += the transpose of a `[n, out]` times b `[n, width]`. */
export function addOuter(target: Float64Array, a: Float64Array, b: Float64Array, width: number): void {
  const out = target.length / width
  a.forEach((value, at) => {
    addTo(row(target, at % out, width), row(b, Math.floor(at / out), width), value)
  })
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let total = 0
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!
  return total
}

export function sum(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + b[i]!)
}

/** target += scale * added, in place; gives the target back. */
export function addTo<T extends Float64Array>(target: T, added: ArrayLike<number>, scale = 1): T {
  for (let i = 0; i < target.length; i++) target[i]! += scale * added[i]!
  return target
}

/** Row `index` of a matrix with rows of `width`: a view. */
export function row<T extends Floats>(matrix: T, index: number, width: number): T {
  return matrix.subarray(index * width, (index + 1) * width) as T
}

export function rows(matrix: Float64Array, width: number): Float64Array[] {
  return Array.from({ length: matrix.length / width }, (_, i) => row(matrix, i, width))
}
