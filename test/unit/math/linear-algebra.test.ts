import { describe, expect, it } from 'vitest'
import {
  cholesky,
  choleskySolve,
  dot,
  multiply,
  multiplyTransposed,
  paddedMatrix,
  weightedGram,
} from '../../../src/math/linear-algebra.ts'
import { gaussian, seededRandom } from '../../../src/math/random.ts'

function randomMatrix(rows: number, columns: number, seed: number) {
  const random = seededRandom(seed)
  const matrix = paddedMatrix(rows, columns)
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) matrix.values[i * matrix.columns + j] = gaussian(random)
  const vector = (length: number) => Float64Array.from({ length }, () => gaussian(random))
  return { matrix, inColumns: vector(matrix.columns), inRows: vector(matrix.rows) }
}

/** Sums of at most 12 products of numbers near 1, in double precision. */
const DIGITS = 12

describe('padded matrix', () => {
  it('has room for the asked size, in multiples of four', () => {
    expect(paddedMatrix(5, 8)).toMatchObject({ rows: 8, columns: 8 })
  })

  it.each([
    [4, 4],
    [5, 7],
    [11, 3],
  ])('multiplies as defined (%i x %i)', (rows, columns) => {
    const { matrix, inColumns } = randomMatrix(rows, columns, rows)
    const out = new Float64Array(matrix.rows)
    multiply(matrix, inColumns, out)
    for (let i = 0; i < matrix.rows; i++) {
      const row = matrix.values.subarray(i * matrix.columns, (i + 1) * matrix.columns)
      expect(out[i]).toBeCloseTo(dot(row, inColumns), DIGITS)
    }
  })

  it('has an adjoint: (X v) . u = v . (X transposed u)', () => {
    const { matrix, inColumns, inRows } = randomMatrix(11, 6, 1)
    const image = new Float64Array(matrix.rows)
    const back = new Float64Array(matrix.columns).fill(9)
    multiply(matrix, inColumns, image)
    multiplyTransposed(matrix, inRows, back)
    expect(dot(image, inRows)).toBeCloseTo(dot(inColumns, back), DIGITS)
  })

  it('has a weighted Gram matrix: v . G v = sum of weight (X v)^2', () => {
    const { matrix, inColumns, inRows: weights } = randomMatrix(11, 10, 2)
    const { columns } = matrix
    const gram = new Float64Array(columns ** 2)
    weightedGram(matrix, weights, gram)
    let quadratic = 0
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j <= i; j++) quadratic += (i === j ? 1 : 2) * gram[i * columns + j]! * inColumns[i]! * inColumns[j]!
    }
    const image = new Float64Array(matrix.rows)
    multiply(matrix, inColumns, image)
    expect(quadratic).toBeCloseTo(
      image.reduce((sum, value, i) => sum + weights[i]! * value ** 2, 0),
      DIGITS - 2,
    )
  })
})

describe('cholesky', () => {
  it('solves A x = b', () => {
    const { matrix, inRows } = randomMatrix(12, 10, 3)
    const size = matrix.columns
    const a = new Float64Array(size ** 2)
    weightedGram(matrix, inRows.fill(1), a)
    for (let i = 0; i < size; i++) a[i * size + i]! += 1
    const x = Float64Array.from({ length: size }, (_, i) => i - 3)
    const b = x.map((_, i) => x.reduce((sum, value, j) => sum + a[Math.max(i, j) * size + Math.min(i, j)]! * value, 0))
    cholesky(a, size)
    const solved = new Float64Array(size)
    choleskySolve(a, size, b, solved)
    // The condition number is below 100.
    for (let i = 0; i < size; i++) expect(solved[i]).toBeCloseTo(x[i]!, 11)
  })

  it('gives NaN for a matrix that is not positive definite', () => {
    const matrix = new Float64Array([-1])
    cholesky(matrix, 1)
    expect(matrix[0]).toBeNaN()
  })
})
