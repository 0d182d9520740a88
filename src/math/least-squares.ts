/** @file Least squares by normal equations: the minimum of |A x - y|, also where A does not decide all of x. */
import {
  addScaled,
  cholesky,
  choleskySolve,
  multiply,
  multiplyTransposed,
  type PaddedMatrix,
  weightedGram,
} from './linear-algebra.ts'

export interface LeastSquaresProblem {
  /** A */
  readonly matrix: PaddedMatrix
  /** y, `[matrix.rows]`; zero where the matrix is padded. */
  readonly target: Float64Array
  /** `[matrix.columns]`; what A does not decide stays as it is here. */
  readonly start: Float64Array
}

/** Of the mean diagonal of A'A: far above what rounding makes of a zero eigenvalue, far below those that matter. */
const RIDGE = 1e-9
/** Each takes the share of the ridge in an eigenvalue off what is left of the error. */
const REFINEMENTS = 4

/**
 * x, `[matrix.columns]`: repeatedly x += (A'A + lambda I)^-1 A'(y - A x), beginning at `start`. It converges to the solution
 * nearest to `start`, and no step divides by an eigenvalue of zero.
 */
export function leastSquares({ matrix, target, start }: LeastSquaresProblem): Float64Array {
  const { rows, columns } = matrix
  const gram = new Float64Array(columns * columns)
  weightedGram(matrix, new Float64Array(rows).fill(1), gram)
  let trace = 0
  for (let i = 0; i < columns; i++) trace += gram[i * columns + i]!
  const x = Float64Array.from(start)
  if (trace === 0) return x
  const lambda = (RIDGE * trace) / columns
  for (let i = 0; i < columns; i++) gram[i * columns + i]! += lambda
  cholesky(gram, columns)
  const [residual, right, step] = [new Float64Array(rows), new Float64Array(columns), new Float64Array(columns)]
  for (let round = 0; round < REFINEMENTS; round++) {
    multiply(matrix, x, residual)
    for (let i = 0; i < rows; i++) residual[i] = target[i]! - residual[i]!
    multiplyTransposed(matrix, residual, right)
    choleskySolve(gram, columns, right, step)
    addScaled(x, 1, step)
  }
  return x
}
