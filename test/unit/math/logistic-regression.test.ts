import { describe, expect, it } from 'vitest'
import { fitLogistic, logisticWorkspace, softplus } from '../../../src/math/logistic-regression.ts'
import { gaussian, seededRandom } from '../../../src/math/random.ts'

interface Data {
  readonly rows: Float64Array
  readonly labels: Uint8Array
}

/** Columns with offsets, unequal scales and a common factor; labels that lean on the first column. */
function someData({ samples = 30, columns = 5, seed = 1, spread = 1 } = {}): Data {
  const random = seededRandom(seed)
  const scales = Array.from({ length: columns }, (_, j) => spread ** (j / columns))
  const rows = new Float64Array(samples * columns)
  const labels = new Uint8Array(samples)
  for (let i = 0; i < samples; i++) {
    const common = gaussian(random)
    for (let j = 0; j < columns; j++) rows[i * columns + j] = scales[j]! * (3 + common + gaussian(random))
    labels[i] = rows[i * columns]! + gaussian(random) > 3 ? 1 : 0
  }
  return { rows, labels }
}

/** Loss and gradient norm by their definition, on the rows as they are. */
function definition({ rows, labels }: Data, { weights, intercept }: { weights: Float64Array; intercept: number }, c = 1) {
  const columns = weights.length
  const gradient = [...weights.map((weight) => weight / c), 0]
  let loss = weights.reduce((sum, weight) => sum + weight ** 2, 0) / (2 * c)
  for (const [i, label] of labels.entries()) {
    const row = rows.subarray(i * columns, (i + 1) * columns)
    const margin = row.reduce((sum, value, j) => sum + value * weights[j]!, intercept)
    const residual = 1 / (1 + Math.exp(-margin)) - label
    for (let j = 0; j < columns; j++) gradient[j]! += residual * row[j]!
    gradient[columns]! += residual
    loss += Math.log(1 + Math.exp(label === 1 ? -margin : margin))
  }
  return { loss, gradientNorm: Math.hypot(...gradient) }
}

function expectClose(actual: Float64Array, expected: Float64Array) {
  // The Hessian is at least 1/c, so a gradient below 1e-6 leaves the weights within 1e-6 c of the minimum.
  for (const [j, value] of expected.entries()) expect(Math.abs(actual[j]! - value)).toBeLessThan(4e-6)
}

describe('fitLogistic', () => {
  it.each([
    ['few rows', someData({ samples: 7, columns: 2 })],
    ['more columns than rows', someData({ samples: 20, columns: 40 })],
    ['many rows', someData({ samples: 200, columns: 12 })],
    ['columns of very unequal scale', someData({ samples: 60, columns: 30, spread: 1e4 })],
    ['columns of tiny scale', someData({ samples: 60, columns: 30, spread: 1e-6 })],
  ])('reaches the minimum by its definition: %s', (_, data) => {
    const fit = fitLogistic(data)
    const { loss, gradientNorm } = definition(data, fit)
    expect(gradientNorm).toBeLessThan(1.1e-6)
    expect(fit.gradientNorm).toBeLessThan(1e-6)
    expect(fit.loss).toBeCloseTo(loss, 9)
  })

  it('is lower than every neighbour', () => {
    const data = someData()
    const fit = fitLogistic(data)
    for (let j = 0; j < fit.weights.length; j++) {
      for (const delta of [-0.01, 0.01]) {
        const weights = fit.weights.with(j, fit.weights[j]! + delta)
        expect(definition(data, { weights, intercept: fit.intercept }).loss).toBeGreaterThan(fit.loss)
      }
    }
  })

  it('knows the weight for two points, where w = 2 / (1 + exp(w))', () => {
    const { weights, intercept } = fitLogistic({ rows: Float64Array.of(-1, 1), labels: [0, 1] })
    expect(weights[0]!).toBeCloseTo(2 / (1 + Math.exp(weights[0]!)), 6)
    expect(intercept).toBeCloseTo(0, 6)
  })

  it('keeps the weights when all rows move by the same vector', () => {
    const { rows, labels } = someData()
    const shift = [100, -20, 3, 0, 7]
    const moved = fitLogistic({ rows: rows.map((value, i) => value + shift[i % 5]!), labels })
    const fit = fitLogistic({ rows, labels })
    expectClose(moved.weights, fit.weights)
    const moves = shift.reduce((sum, value, j) => sum + value * fit.weights[j]!, 0)
    expect(moved.intercept).toBeCloseTo(fit.intercept - moves, 3)
  })

  it('turns the weights round when the labels are exchanged', () => {
    const { rows, labels } = someData()
    const { weights } = fitLogistic({ rows, labels: labels.map((label) => 1 - label) })
    expectClose(
      weights.map((weight) => -weight),
      fitLogistic({ rows, labels }).weights,
    )
  })

  it('treats duplicated rows as twice the c', () => {
    const { rows, labels } = someData()
    const twice = fitLogistic({ rows: Float64Array.of(...rows, ...rows), labels: [...labels, ...labels] })
    expectClose(twice.weights, fitLogistic({ rows, labels, c: 2 }).weights)
  })

  it('treats scaled rows as a scaled c', () => {
    const { rows, labels } = someData()
    const scaled = fitLogistic({ rows: rows.map((value) => 10 * value), labels, c: 0.01 })
    expectClose(
      scaled.weights.map((weight) => 10 * weight),
      fitLogistic({ rows, labels }).weights,
    )
  })

  it('gives finite weights for separable classes', () => {
    const rows = Float64Array.from({ length: 40 }, (_, i) => (i < 20 ? -1000 : 1000) - i)
    const labels = Array.from({ length: 40 }, (_, i) => (i < 20 ? 0 : 1))
    const fit = fitLogistic({ rows, labels })
    expect(fit.weights[0]).toBeGreaterThan(0)
    expect(fit.gradientNorm).toBeLessThan(1e-6)
    expect(fit.loss).toBeLessThan(0.001)
  })

  it('gives constant columns no weight', () => {
    const { rows, labels } = someData()
    const { weights } = fitLogistic({ rows: rows.map((value, i) => (i % 5 === 2 ? 8 : value)), labels })
    expect(weights[2]).toBe(0)
    expect(weights[0]).not.toBe(0)
  })

  it('gives the log-odds of the labels when all columns are constant', () => {
    const { weights, intercept } = fitLogistic({ rows: new Float64Array(8).fill(2), labels: [1, 1, 1, 0] })
    expect([...weights]).toEqual([0, 0])
    expect(intercept).toBeCloseTo(Math.log(3), 6)
  })

  it('gives the same bits in a workspace that was used before', () => {
    const { rows, labels } = someData({ samples: 60, columns: 30 })
    const workspace = logisticWorkspace(60, 30)
    fitLogistic({ ...someData({ samples: 60, columns: 30, seed: 2, spread: 1e4 }), workspace })
    expect(fitLogistic({ rows, labels, workspace })).toEqual(fitLogistic({ rows, labels }))
  })

  it('gives the same bits for 32-bit rows as for the same numbers in 64 bits', () => {
    const { rows, labels } = someData()
    const single = Float32Array.from(rows)
    expect(fitLogistic({ rows: single, labels })).toEqual(fitLogistic({ rows: Float64Array.from(single), labels }))
  })

  it.each([
    ['one class', { labels: [1, 1] }, 'labels are all 1'],
    ['another label', { labels: [1, 2] }, 'label 1 is 2'],
    ['no row', { rows: new Float64Array(), labels: [] }, 'rows hold 0 numbers for 0 labels'],
    ['rows that do not fit the labels', { rows: new Float64Array(3) }, 'rows hold 3 numbers for 2 labels'],
    ['NaN', { rows: Float64Array.of(1, 2, NaN, 4) }, 'column 0 of the rows contains NaN or infinity'],
    ['infinity', { rows: Float64Array.of(1, 2, 3, -Infinity) }, 'column 1 of the rows contains NaN or infinity'],
    ['c of 0', { c: 0 }, 'c is 0, expected a positive number'],
    ['c of NaN', { c: NaN }, 'c is NaN, expected a positive number'],
    ['a workspace of another size', { workspace: logisticWorkspace(2, 3) }, 'workspace is for 2 x 3 numbers, the rows are 2 x 2'],
    ['a scale out of reach', { rows: Float64Array.of(1e200, 0, 0, 1) }, 'logistic regression stopped at a gradient norm'],
  ])('refuses %s', (_, wrong, message) => {
    expect(() => fitLogistic({ rows: Float64Array.of(1, 2, 3, 4), labels: [0, 1], ...wrong })).toThrow(message)
  })
})

describe('softplus', () => {
  it('neither overflows nor cancels', () => {
    expect(softplus(1000)).toBe(1000)
    expect(softplus(-1000)).toBe(0)
    expect(softplus(0)).toBe(Math.LN2)
    expect(softplus(-40)).toBeCloseTo(Math.exp(-40), 30)
  })
})
