/** @file The Cholesky factor of a covariance matrix: turns independent normal numbers into correlated ones. */

/**
 * Lower triangular L with L L^T = matrix, for a symmetric positive definite `matrix` [n, n].
 * A matrix that is not positive definite is a RangeError.
 */
export function cholesky(matrix: readonly (readonly number[])[]): number[][] {
  const factor = matrix.map((row) => row.map(() => 0))
  for (let i = 0; i < matrix.length; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i]![j]!
      for (let k = 0; k < j; k++) rest -= factor[i]![k]! * factor[j]![k]!
      if (i === j && rest <= 0) throw new RangeError(`matrix is not positive definite: pivot ${i} is ${rest}`)
      factor[i]![j] = i === j ? Math.sqrt(rest) : rest / factor[j]![j]!
    }
  }
  return factor
}
