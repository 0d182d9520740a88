/** @file Ridge regression of many targets at once: W = (X'X + lambda I)^-1 X'Y. */
import { cholesky, choleskySolve } from './linear-algebra.ts'

export interface RidgeProblem {
  /** `[rows, inputs]`, centred. */
  readonly x: Float64Array
  /** `[rows, outputs]`, centred. */
  readonly y: Float64Array
  readonly rows: number
  /** Above 0: the matrix is positive definite then. */
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
  cholesky(gram, inputs)
  const [column, solved] = [new Float64Array(inputs), new Float64Array(inputs)]
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) column[i] = weights[i * outputs + o]!
    choleskySolve(gram, inputs, column, solved)
    for (let i = 0; i < inputs; i++) weights[i * outputs + o] = solved[i]!
  }
  return weights
}
