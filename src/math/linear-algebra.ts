/**
 * @file Dense linear algebra in double precision, for the inner loops of the probes: no function here allocates, except `paddedMatrix`.
 * Rows and columns are padded with zeros to multiples of four, so that every loop is unrolled without a remainder.
 */

/** Row-major `[rows, columns]`; both counts include the padding, which must stay zero. */
export interface PaddedMatrix {
  readonly rows: number
  readonly columns: number
  readonly values: Float64Array
}

const padded = (count: number) => Math.ceil(count / 4) * 4

/** A matrix of zeros with room for at least `rows` x `columns`. */
export function paddedMatrix(rows: number, columns: number): PaddedMatrix {
  return { rows: padded(rows), columns: padded(columns), values: new Float64Array(padded(rows) * padded(columns)) }
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

export function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, a))
}

/** target += factor * source. */
export function addScaled(target: Float64Array, factor: number, source: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i]! += factor * source[i]!
}

/** out = X v. `v` is `[columns]`, `out` is `[rows]`. */
export function multiply({ rows, columns, values }: PaddedMatrix, v: Float64Array, out: Float64Array): void {
  for (let i = 0; i < rows; i += 4) {
    const row0 = i * columns
    const row1 = row0 + columns
    const row2 = row1 + columns
    const row3 = row2 + columns
    let sum0 = 0
    let sum1 = 0
    let sum2 = 0
    let sum3 = 0
    for (let j = 0; j < columns; j++) {
      const factor = v[j]!
      sum0 += values[row0 + j]! * factor
      sum1 += values[row1 + j]! * factor
      sum2 += values[row2 + j]! * factor
      sum3 += values[row3 + j]! * factor
    }
    out[i] = sum0
    out[i + 1] = sum1
    out[i + 2] = sum2
    out[i + 3] = sum3
  }
}

/** out = X' u. `u` is `[rows]`, `out` is `[columns]`. */
export function multiplyTransposed({ rows, columns, values }: PaddedMatrix, u: Float64Array, out: Float64Array): void {
  out.fill(0)
  for (let i = 0; i < rows; i += 4) {
    const row0 = i * columns
    const row1 = row0 + columns
    const row2 = row1 + columns
    const row3 = row2 + columns
    const u0 = u[i]!
    const u1 = u[i + 1]!
    const u2 = u[i + 2]!
    const u3 = u[i + 3]!
    for (let j = 0; j < columns; j++) {
      out[j]! += u0 * values[row0 + j]! + u1 * values[row1 + j]! + u2 * values[row2 + j]! + u3 * values[row3 + j]!
    }
  }
}

/**
 * The lower triangle of X' diag(weights) X, row-major `[columns, columns]`; what lies above the diagonal is unspecified.
 * Blocks of 4 x 2 entries are summed in registers.
 */
export function weightedGram({ rows, columns, values }: PaddedMatrix, weights: Float64Array, out: Float64Array): void {
  for (let j = 0; j < columns; j += 4) {
    for (let k = 0; k < j + 4; k += 2) {
      let sum00 = 0
      let sum01 = 0
      let sum10 = 0
      let sum11 = 0
      let sum20 = 0
      let sum21 = 0
      let sum30 = 0
      let sum31 = 0
      for (let i = 0; i < rows; i++) {
        const row = i * columns
        const weight = weights[i]!
        const right0 = weight * values[row + k]!
        const right1 = weight * values[row + k + 1]!
        const left0 = values[row + j]!
        const left1 = values[row + j + 1]!
        const left2 = values[row + j + 2]!
        const left3 = values[row + j + 3]!
        sum00 += left0 * right0
        sum01 += left0 * right1
        sum10 += left1 * right0
        sum11 += left1 * right1
        sum20 += left2 * right0
        sum21 += left2 * right1
        sum30 += left3 * right0
        sum31 += left3 * right1
      }
      const corner = j * columns + k
      out[corner] = sum00
      out[corner + 1] = sum01
      out[corner + columns] = sum10
      out[corner + columns + 1] = sum11
      out[corner + 2 * columns] = sum20
      out[corner + 2 * columns + 1] = sum21
      out[corner + 3 * columns] = sum30
      out[corner + 3 * columns + 1] = sum31
    }
  }
}

/** Sum of a[i] * a[j] over `count` pairs from two starts in one array; four sums at a time, so that additions need not wait for each other. */
function dotWithin(a: Float64Array, i: number, j: number, count: number): number {
  let sum0 = 0
  let sum1 = 0
  let sum2 = 0
  let sum3 = 0
  let k = 0
  for (; k + 3 < count; k += 4) {
    sum0 += a[i + k]! * a[j + k]!
    sum1 += a[i + k + 1]! * a[j + k + 1]!
    sum2 += a[i + k + 2]! * a[j + k + 2]!
    sum3 += a[i + k + 3]! * a[j + k + 3]!
  }
  for (; k < count; k++) sum0 += a[i + k]! * a[j + k]!
  return sum0 + sum1 + (sum2 + sum3)
}

/** Replaces the lower triangle of a positive definite `[size, size]` matrix by its Cholesky factor; NaN where it is not positive definite. */
export function cholesky(matrix: Float64Array, size: number): void {
  for (let i = 0; i < size; i++) {
    const row = i * size
    for (let j = 0; j < i; j++) {
      matrix[row + j] = (matrix[row + j]! - dotWithin(matrix, row, j * size, j)) / matrix[j * size + j]!
    }
    matrix[row + i] = Math.sqrt(matrix[row + i]! - dotWithin(matrix, row, row, i))
  }
}

/** out = A^-1 b, given the Cholesky factor of A `[size, size]`. */
export function choleskySolve(factor: Float64Array, size: number, b: Float64Array, out: Float64Array): void {
  for (let i = 0; i < size; i++) {
    const row = i * size
    let sum = b[i]!
    for (let j = 0; j < i; j++) sum -= factor[row + j]! * out[j]!
    out[i] = sum / factor[row + i]!
  }
  for (let i = size - 1; i >= 0; i--) {
    const row = i * size
    const solved = out[i]! / factor[row + i]!
    out[i] = solved
    for (let j = 0; j < i; j++) out[j]! -= factor[row + j]! * solved
  }
}
