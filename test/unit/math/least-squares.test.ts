import { describe, expect, it } from 'vitest'
import { leastSquares } from '../../../src/math/least-squares.ts'
import { multiply, multiplyTransposed, paddedMatrix } from '../../../src/math/linear-algebra.ts'
import { gaussian, seededRandom } from '../../../src/math/random.ts'

function problem(rows: number, columns: number, seed = 1) {
  const random = seededRandom(seed)
  const matrix = paddedMatrix(rows, columns)
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) matrix.values[i * matrix.columns + j] = gaussian(random)
  const drawn = (length: number, used: number) => Float64Array.from({ length }, (_, i) => (i < used ? gaussian(random) : 0))
  return { matrix, target: drawn(matrix.rows, rows), start: drawn(matrix.columns, columns) }
}

describe('leastSquares', () => {
  it('finds the x that the target was made of, whatever the start', () => {
    const { matrix, start } = problem(12, 6)
    const x = Float64Array.from(start, (value) => 3 * value)
    const target = new Float64Array(matrix.rows)
    multiply(matrix, x, target)
    const found = leastSquares({ matrix, target, start })
    for (let i = 0; i < 6; i++) expect(found[i]).toBeCloseTo(x[i]!, 10)
  })

  it('leaves a residual that no column of the matrix can lessen', () => {
    const { matrix, target, start } = problem(13, 7)
    const x = leastSquares({ matrix, target, start })
    const [reached, slopes] = [new Float64Array(matrix.rows), new Float64Array(matrix.columns)]
    multiply(matrix, x, reached)
    multiplyTransposed(
      matrix,
      target.map((y, i) => y - reached[i]!),
      slopes,
    )
    for (const slope of slopes) expect(slope).toBeCloseTo(0, 10)
  })

  it('keeps the start in a column of zeros', () => {
    const { matrix, target, start } = problem(9, 4)
    for (let row = 0; row < 9; row++) matrix.values[row * matrix.columns + 2] = 0
    expect(leastSquares({ matrix, target, start })[2]).toBe(start[2])
  })

  it('shares between two equal columns as the start has it', () => {
    const { matrix, target } = problem(9, 4)
    for (let row = 0; row < 9; row++) matrix.values[row * matrix.columns + 1] = matrix.values[row * matrix.columns]!
    const start = Float64Array.of(1, 0, 0, 0)
    const [first, second] = leastSquares({ matrix, target, start })
    // The difference of the two is not decided by the matrix; the ridge moves it by rounding only.
    expect(first! - second!).toBeCloseTo(1, 6)
  })

  it('gives the start back where the matrix is zero', () => {
    const { target, start } = problem(8, 4)
    expect(leastSquares({ matrix: paddedMatrix(8, 4), target, start })).toEqual(start)
  })
})
