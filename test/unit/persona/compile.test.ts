import { describe, expect, it } from 'vitest'
import { headSlice, zeroDisplacement } from '../../../src/model/displacement.ts'
import { compileDisplacement } from '../../../src/persona/compile.ts'
import { type Intervention, interventionAt } from '../../../src/persona/intervention.ts'
import { labelContrasts } from '../../../src/probes/labels.ts'
import { PLANTED_HEAD, PLANTED_SHAPE, plantRecording } from '../probes/planted.ts'

const shape = PLANTED_SHAPE
const { recorded, answers } = plantRecording(1)
const labelled = labelContrasts(recorded, answers)
const first = interventionAt(PLANTED_HEAD, labelled)
const second = interventionAt({ layer: 2, head: 3 }, labelled)
const both = [first, second]

describe('interventionAt', () => {
  it('keeps the head, a unit direction of headDim numbers and a positive sigma', () => {
    expect(first).toMatchObject(PLANTED_HEAD)
    expect(first.direction).toHaveLength(shape.headDim)
    expect(first.sigma).toBeGreaterThan(0)
  })

  it('takes nothing of a probe but its head', () => {
    const probe = { ...PLANTED_HEAD, trainAccuracy: 1 }
    expect(Object.keys(interventionAt(probe, labelled)).sort()).toEqual(['direction', 'head', 'layer', 'sigma'])
  })
})

describe('compileDisplacement', () => {
  it('is exactly zero at alpha 0', () => {
    expect(compileDisplacement(both, 0, shape)).toEqual(zeroDisplacement(shape))
  })

  it('is exactly zero without interventions', () => {
    expect(compileDisplacement([], 4, shape)).toEqual(zeroDisplacement(shape))
  })

  it('doubles exactly with alpha', () => {
    const twice = compileDisplacement(both, 3, shape).map((value) => 2 * value)
    expect(compileDisplacement(both, 6, shape)).toEqual(twice)
  })

  it('turns round with the sign of alpha', () => {
    const negated = compileDisplacement(both, 3, shape).map((value) => 0 - value)
    expect(compileDisplacement(both, -3, shape)).toEqual(negated)
  })

  it('is linear in alpha', () => {
    const [one, two, sum] = [1.3, 2.4, 3.7].map((alpha) => compileDisplacement(both, alpha, shape))
    // Two roundings of 32-bit numbers of size up to 10.
    for (const [j, value] of sum!.entries()) expect(Math.abs(one![j]! + two![j]! - value)).toBeLessThan(2e-6)
  })

  it('adds disjoint heads', () => {
    const separate = compileDisplacement([second], 2, shape)
    const sum = compileDisplacement([first], 2, shape).map((value, j) => value + separate[j]!)
    expect(compileDisplacement(both, 2, shape)).toEqual(sum)
  })

  it('moves its own head by alpha sigmas along the direction, and no other head', () => {
    const displacement = compileDisplacement([first], 2, shape)
    const slice = headSlice(displacement, shape, first)
    const moved = slice.reduce((sum, value, j) => sum + value * first.direction[j]!, 0)
    expect(moved).toBeCloseTo(2 * first.sigma, 5)
    slice.fill(0)
    expect(displacement).toEqual(zeroDisplacement(shape))
  })

  it.each([NaN, Infinity, -Infinity])('refuses alpha %s', (alpha) => {
    expect(() => compileDisplacement(both, alpha, shape)).toThrow(`alpha is ${alpha}, expected a finite number`)
  })

  it('refuses a sigma that is not finite', () => {
    expect(() => compileDisplacement([{ ...first, sigma: NaN }], 1, shape)).toThrow('displacement contains NaN or infinity')
  })

  it.each<[string, Partial<Intervention>]>([
    ['a layer', { layer: 3 }],
    ['a head', { head: 4 }],
    ['a negative head', { head: -1 }],
    ['a half layer', { layer: 0.5 }],
    ['a head width', { direction: new Float32Array(17) }],
  ])('refuses %s the model lacks', (_, wrong) => {
    expect(() => compileDisplacement([{ ...first, ...wrong }], 1, shape)).toThrow('the model has 3 layers x 4 heads x 16')
  })
})
