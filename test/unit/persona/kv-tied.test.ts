import { describe, expect, it } from 'vitest'
import { gaussian, seededRandom } from '../../../src/math/random.ts'
import { headSlice, zeroDisplacement } from '../../../src/model/displacement.ts'
import { layerSlice, outputBias } from '../../../src/model/output-bias.ts'
import type { ModelShape } from '../../../src/model/shape.ts'
import { isKvTied, projectKvTied } from '../../../src/persona/kv-tied.ts'

const shape: ModelShape = { layers: 3, heads: 6, kvHeads: 2, headDim: 4, hiddenSize: 20, vocabSize: 9, contextLength: 8 }
const WIDTH = 24

function weightsOf({ layers, hiddenSize }: ModelShape, seed = 1) {
  const random = seededRandom(seed)
  const matrices = Array.from({ length: layers }, () => Float32Array.from({ length: hiddenSize * WIDTH }, () => gaussian(random)))
  return (layer: number) => matrices[layer]!
}
const weights = weightsOf(shape)

function drawn(of: ModelShape, seed = 3) {
  const random = seededRandom(seed)
  return zeroDisplacement(of).map(() => gaussian(random))
}

/** The same for all heads of each group. */
function tiedDisplacement() {
  const displacement = drawn(shape)
  for (let layer = 0; layer < 3; layer++) {
    for (let head = 0; head < 6; head++) {
      const first = headSlice(displacement, shape, { layer, head: head - (head % 3) })
      headSlice(displacement, shape, { layer, head }).set(first)
    }
  }
  return displacement
}

const length = (values: ArrayLike<number>) => Math.hypot(...Array.from(values))
/** |W_o (a - b)| of a layer. */
const distance = (layer: number, a: Float32Array, b: Float32Array) =>
  length(
    outputBias(
      weights(layer),
      layerSlice(a, shape, layer).map((x, i) => x - layerSlice(b, shape, layer)[i]!),
    ),
  )

describe('isKvTied', () => {
  it('holds where the heads of every group move alike', () => {
    expect(isKvTied(tiedDisplacement(), shape)).toBe(true)
    expect(isKvTied(zeroDisplacement(shape), shape)).toBe(true)
  })

  it('fails for one number of one head', () => {
    const displacement = tiedDisplacement()
    headSlice(displacement, shape, { layer: 2, head: 4 })[1]! += 1e-3
    expect(isKvTied(displacement, shape)).toBe(false)
  })

  it('holds for any displacement where every head has its own keys and values', () => {
    const own = { ...shape, kvHeads: 6 }
    expect(isKvTied(drawn(own), own)).toBe(true)
  })
})

describe('projectKvTied', () => {
  it('leaves what is tied as it is, to the bit', async () => {
    const displacement = tiedDisplacement()
    const projected = await projectKvTied(displacement, shape, weights)
    expect(projected).toMatchObject({ displacement, residuals: [0, 0, 0], residual: 0 })
    expect(projected.groups.subarray(4, 8)).toEqual(headSlice(displacement, shape, { layer: 0, head: 3 }))
  })

  it('gives something tied, and the same again from that', async () => {
    const once = await projectKvTied(drawn(shape), shape, weights)
    expect(isKvTied(once.displacement, shape)).toBe(true)
    const twice = await projectKvTied(once.displacement, shape, weights)
    expect(twice.groups).toEqual(once.groups)
  })

  it('is exact where every head has its own keys and values', async () => {
    const own = { ...shape, kvHeads: 6 }
    const displacement = drawn(own)
    expect(await projectKvTied(displacement, own, weights)).toMatchObject({ displacement, groups: displacement, residual: 0 })
  })

  it('is exact where the output cannot tell the heads of a group apart', async () => {
    // All heads of a group are read by the same columns, so that only the sum over them counts.
    const alike = weightsOf(shape)
    for (let layer = 0; layer < 3; layer++) {
      const matrix = alike(layer)
      matrix.forEach((_, i) => {
        const column = i % WIDTH
        const head = Math.floor(column / 4)
        matrix[i] = matrix[i - column + (head - (head % 3)) * 4 + (column % 4)]!
      })
    }
    const { residual } = await projectKvTied(drawn(shape), shape, alike)
    // Rounding of the result to 32-bit numbers.
    expect(residual).toBeLessThan(1e-6)
  })

  it('is nearer to what reaches the stream than the mean over each group and than any small change of itself', async () => {
    const displacement = drawn(shape)
    const { groups, displacement: tied, residuals } = await projectKvTied(displacement, shape, weights)
    const repeat = (c: Float32Array) =>
      displacement.map((_, i) => {
        const [layer, head] = [Math.floor(i / WIDTH), Math.floor((i % WIDTH) / 4)]
        return c[layer * 8 + Math.floor(head / 3) * 4 + (i % 4)]!
      })
    expect(repeat(groups)).toEqual(tied)
    const means = groups.map((_, i) => {
      const start = Math.floor(i / 4) * 12 + (i % 4)
      return (displacement[start]! + displacement[start + 4]! + displacement[start + 8]!) / 3
    })
    for (let layer = 0; layer < 3; layer++) {
      const found = distance(layer, tied, displacement)
      expect(found).toBeLessThan(distance(layer, repeat(means), displacement))
      for (let i = 0; i < 8; i++) {
        for (const step of [-0.01, 0.01]) {
          const other = groups.map((value, at) => (at === layer * 8 + i ? value + step : value))
          expect(found).toBeLessThan(distance(layer, repeat(other), displacement))
        }
      }
      const all = length(outputBias(weights(layer), layerSlice(displacement, shape, layer)))
      // 32-bit rounding of the displacement against sums in doubles.
      expect(residuals[layer]).toBeCloseTo(found / all, 5)
    }
  })

  it('takes the mean of a group where the output does not read it', async () => {
    const blind = () => new Float32Array(20 * WIDTH)
    const displacement = drawn(shape)
    const { groups, residual } = await projectKvTied(displacement, shape, blind)
    expect(groups[0]).toBeCloseTo((displacement[0]! + displacement[4]! + displacement[8]!) / 3, 6)
    expect(residual).toBe(0)
  })

  it('counts layers that are kept exactly in the total', async () => {
    const displacement = tiedDisplacement()
    headSlice(displacement, shape, { layer: 1, head: 0 }).fill(5)
    const { residuals, residual } = await projectKvTied(displacement, shape, weights)
    expect(residuals[0]).toBe(0)
    expect(residuals[1]).toBeGreaterThan(residual)
    expect(residual).toBeGreaterThan(0)
  })

  it('asks for no weights of layers that nothing moves', async () => {
    const displacement = zeroDisplacement(shape)
    headSlice(displacement, shape, { layer: 1, head: 0 }).fill(1)
    const asked: number[] = []
    await projectKvTied(displacement, shape, (layer) => {
      asked.push(layer)
      return weights(layer)
    })
    expect(new Set(asked)).toEqual(new Set([1]))
  })
})
