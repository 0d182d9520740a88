import { describe, expect, it } from 'vitest'
import { cholesky } from '../../../src/math/cholesky.ts'

describe('Cholesky factor', () => {
  it('multiplied by its transpose is the matrix', () => {
    const matrix = [
      [4, 1.2, -0.6],
      [1.2, 2, 0.3],
      [-0.6, 0.3, 1],
    ]
    const factor = cholesky(matrix)
    matrix.forEach((row, i) => {
      row.forEach((entry, j) => {
        const product = factor[i]!.reduce((sum, value, k) => sum + value * factor[j]![k]!, 0)
        expect(product).toBeCloseTo(entry, 12)
      })
    })
  })

  it('refuses a matrix that is not positive definite', () => {
    expect(() =>
      cholesky([
        [1, 2],
        [2, 1],
      ]),
    ).toThrow('not positive definite')
  })
})
