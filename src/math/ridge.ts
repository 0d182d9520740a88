/** @file Ridge regression of many targets at once: W = (X'X + lambda I)^-1 X'Y. */

export interface RidgeProblem {
  /** `[rows, inputs]`, centred. */
  readonly x: Float64Array
  /** `[rows, outputs]`, centred. */
  readonly y: Float64Array
  readonly rows: number
  readonly lambda: number
}

/** @returns `[inputs, outputs]` */
export function ridgeWeights({ x, y, rows, lambda }: RidgeProblem): Float64Array {
  const inputs = x.length / rows
  const outputs = y.length / rows
  const gram = new Float64Array(inputs * inputs)
  const weights = new Float64Array(inputs * outputs)
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < inputs; i++) {
      const value = x[r * inputs + i]!
      if (value === 0) continue
      for (let j = 0; j <= i; j++) gram[i * inputs + j]! += value * x[r * inputs + j]!
      for (let o = 0; o < outputs; o++) weights[i * outputs + o]! += value * y[r * outputs + o]!
    }
  }
  for (let i = 0; i < inputs; i++) gram[i * inputs + i]! += lambda
  solveInPlace(gram, weights, inputs, outputs)
  return weights
}

/** Cholesky factor of the lower triangle of `a` `[n, n]`, then both substitutions on every column of `b` `[n, columns]`. */
function solveInPlace(a: Float64Array, b: Float64Array, n: number, columns: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = a[i * n + j]!
      for (let k = 0; k < j; k++) rest -= a[i * n + k]! * a[j * n + k]!
      if (i === j && rest <= 0) throw new RangeError(`matrix is not positive definite: pivot ${i} is ${rest}`)
      a[i * n + j] = i === j ? Math.sqrt(rest) : rest / a[j * n + j]!
    }
  }
  const eliminate = (i: number, k: number, factor: number) => {
    for (let c = 0; c < columns; c++) b[i * columns + c]! -= factor * b[k * columns + c]!
  }
  const divide = (i: number) => {
    for (let c = 0; c < columns; c++) b[i * columns + c]! /= a[i * n + i]!
  }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) eliminate(i, k, a[i * n + k]!)
    divide(i)
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) eliminate(i, k, a[k * n + i]!)
    divide(i)
  }
}
