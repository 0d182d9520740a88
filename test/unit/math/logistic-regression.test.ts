import { describe, expect, it } from 'vitest'
import { fitLogistic } from '../../../src/math/logistic-regression.ts'
import { gaussian, seededRandom } from '../../../src/math/random.ts'

function problem(n: number, d: number, { seed = 1, scale = 1, offset = 0 } = {}) {
  const random = seededRandom(seed)
  const truth = Array.from({ length: d }, () => gaussian(random))
  const rows = Float64Array.from({ length: n * d }, () => offset + scale * gaussian(random))
  const labels = Uint8Array.from({ length: n }, (_, i) => {
    const score = truth.reduce((sum, w, j) => sum + (w * (rows[i * d + j]! - offset)) / scale, 0)
    return score + 2 * gaussian(random) > 0 ? 1 : 0
  })
  return { rows, labels }
}

/** The objective, written out independently. */
function objective(rows: Float64Array, labels: Uint8Array, weights: Float64Array, intercept: number): number {
  const d = weights.length
  let sum = 0
  labels.forEach((label, i) => {
    let score = intercept
    for (let j = 0; j < d; j++) score += weights[j]! * rows[i * d + j]!
    sum += Math.log(1 + Math.exp(label === 1 ? -score : score))
  })
  return sum + weights.reduce((squares, w) => squares + w * w, 0) / 2
}

describe('logistic regression', () => {
  it.each([
    { n: 40, d: 3, scale: 1, offset: 0 },
    { n: 240, d: 128, scale: 1, offset: 0 },
    { n: 240, d: 128, scale: 0.01, offset: 5 },
    { n: 60, d: 20, scale: 100, offset: -300 },
  ])('stops at the optimum for $n rows of $d columns, scale $scale, offset $offset', ({ n, d, scale, offset }) => {
    const { rows, labels } = problem(n, d, { scale, offset })
    const fit = fitLogistic({ rows: rows.slice(), labels })
    expect(fit.gradientNorm).toBeLessThan(1e-6)
    const best = objective(rows, labels, fit.weights, fit.intercept)
    // Relative: sums of hundreds of logarithms at offsets of hundreds round at 1e-9.
    expect(Math.abs(best - fit.loss) / best).toBeLessThan(1e-8)
    const random = seededRandom(9)
    for (let trial = 0; trial < 20; trial++) {
      const moved = fit.weights.map((w) => w + (0.01 / scale) * gaussian(random))
      expect(objective(rows, labels, moved, fit.intercept)).toBeGreaterThan(best)
    }
  })

  it('keeps weights finite on separable data, as the penalty demands', () => {
    const fit = fitLogistic({ rows: Float64Array.of(-2, -1, 1, 2), labels: [0, 0, 1, 1] })
    expect(fit.weights[0]).toBeGreaterThan(0.5)
    expect(fit.weights[0]).toBeLessThan(2)
    expect(fit.intercept).toBeCloseTo(0, 6)
  })

  it('gives a constant column no weight and leaves the rest to the intercept', () => {
    const fit = fitLogistic({ rows: new Float64Array(8).fill(7), labels: [0, 1, 1, 1, 0, 1, 1, 1] })
    expect(fit.weights[0]).toBeCloseTo(0, 12)
    expect(fit.intercept).toBeCloseTo(Math.log(6 / 2), 6)
  })

  it('refuses labels of one class', () => {
    expect(() => fitLogistic({ rows: Float64Array.of(1, 2), labels: [1, 1] })).toThrow(/labels are all 1/)
  })

  it('refuses NaN and says in which column', () => {
    expect(() => fitLogistic({ rows: Float64Array.of(1, 2, Number.NaN, 4), labels: [0, 1] })).toThrow(
      expect.objectContaining({ code: 'non-finite', message: expect.stringContaining('column 0') }),
    )
  })
})
