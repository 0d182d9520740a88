import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { add, interpolate, mix, negate, scale, subtract, withPrompt } from '../../../src/persona/algebra.ts'
import { contentHash } from '../../../src/persona/content-hash.ts'
import { type AdapterPersona, compilePersona, type SteeringPersona } from '../../../src/persona/persona.ts'
import { personaFromRecord, personaToRecord } from '../../../src/persona/persona-record.ts'
import { adapter, described, fingerprint, prompt, shape, steering } from '../../fixtures/small-personas.ts'

const model = { shape, fingerprint }
const compiled = (persona: SteeringPersona) => compilePersona(persona, model).displacement!

/** What is compiled has two roundings of 2^-24 to each number, of the head's length at most; sums of sums have more of them. */
const ROUNDING = 1e-6

/** Largest difference, over the largest number that took part. */
function distance(a: Float32Array, b: Float32Array | number[], scaleOf: readonly Float32Array[]): number {
  const largest = Math.max(1e-30, ...scaleOf.flatMap((values) => Array.from(values, Math.abs)))
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!))) / largest
}

const component = fc.double({ min: -1, max: 1, noNaN: true }).filter((value) => value === 0 || Math.abs(value) > 1e-3)
const intervention = fc
  .record({
    layer: fc.integer({ min: 0, max: shape.layers - 1 }),
    head: fc.integer({ min: 0, max: shape.heads - 1 }),
    values: fc.array(component, { minLength: shape.headDim, maxLength: shape.headDim }),
    sigma: fc.double({ min: 1e-3, max: 100, noNaN: true }),
  })
  .filter(({ values }) => values.some((value) => value !== 0))
  .map(({ layer, head, values, sigma }) => {
    const norm = Math.hypot(...values)
    return { layer, head, sigma, direction: Float32Array.from(values, (value) => value / norm) }
  })
/** Also with several interventions on one head. */
const persona = fc
  .record({ interventions: fc.array(intervention, { maxLength: 6 }), alpha: fc.double({ min: -8, max: 8, noNaN: true }) })
  .map((fields): SteeringPersona => ({ ...steering, ...fields }))
const weight = fc.double({ min: -4, max: 4, noNaN: true })

describe('the sum of personas', () => {
  it('compiles to the weighted sum of what they compile to', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(persona, weight), { minLength: 1, maxLength: 5 }), async (drawn) => {
        const sum = await mix(drawn.map(([operand, w]) => ({ persona: operand, weight: w })))
        const parts = drawn.map(([operand, w]) => compiled(operand).map((value) => w * value))
        const expected = Array.from(parts[0]!, (_, i) => drawn.reduce((total, [one, w]) => total + w * compiled(one)[i]!, 0))
        // Compiling an operand rounds after each of its interventions.
        const operands = drawn.flatMap(([one, w]) => one.interventions.map(({ sigma }) => Float32Array.of(w * one.alpha * sigma)))
        expect(distance(compiled(sum), expected, [...parts, ...operands])).toBeLessThan(ROUNDING)
      }),
    )
  })

  it('does not depend on the order, and on the grouping up to rounding', async () => {
    await fc.assert(
      fc.asyncProperty(persona, persona, persona, async (a, b, c) => {
        expect(compiled(await add(a, b))).toEqual(compiled(await add(b, a)))
        const [left, right] = [await add(await add(a, b), c), await add(a, await add(b, c))]
        const sizes = [a, b, c].flatMap(({ interventions, alpha }) =>
          interventions.map(({ sigma }) => Float32Array.of(alpha * sigma)),
        )
        expect(distance(compiled(left), compiled(right), sizes)).toBeLessThan(ROUNDING)
      }),
    )
  })

  it('with what was taken away is nothing: v - v moves no head', async () => {
    await fc.assert(
      fc.asyncProperty(persona, async (a) => {
        const zero = await subtract(a, a)
        expect(zero.interventions).toEqual([])
        expect(compiled(zero).every((value) => Object.is(value, 0))).toBe(true)
      }),
    )
  })

  it('ends at its operands, and is their mean in the middle', async () => {
    const other = { ...steering, alpha: -1, interventions: [steering.interventions[1]!] }
    const ends = [compiled(await interpolate(steering, other, 0)), compiled(await interpolate(steering, other, 1))]
    expect(distance(ends[0]!, compiled(steering), [compiled(steering)])).toBeLessThan(ROUNDING)
    expect(distance(ends[1]!, compiled(other), [compiled(other)])).toBeLessThan(ROUNDING)
    const middle = Array.from(compiled(steering), (value, i) => (value + compiled(other)[i]!) / 2)
    expect(distance(compiled(await interpolate(steering, other, 0.5)), middle, [compiled(steering)])).toBeLessThan(ROUNDING)
  })

  it('comes back from its record bit for bit', async () => {
    await fc.assert(
      fc.asyncProperty(persona, persona, weight, async (a, b, w) => {
        const sum = await mix([
          { persona: a, weight: w },
          { persona: b, weight: 1 },
        ])
        const back = personaFromRecord(personaToRecord(sum)) as SteeringPersona
        expect(compiled(back)).toEqual(compiled(sum))
        expect(await contentHash(back)).toBe(await contentHash(sum))
      }),
    )
  })

  it('says that it was not measured, and of what it was made', async () => {
    const sum = await mix([
      { persona: described, weight: 0.7 },
      { persona: steering, weight: -0.3 },
    ])
    expect(sum).toMatchObject({ method: 'mix', unit: 'mix', alpha: 1, provenance: undefined })
    expect(sum.calibration.curve).toEqual([])
    expect(sum.about?.parents).toEqual([
      { sha256: await contentHash(described), weight: 0.7 },
      { sha256: await contentHash(steering), weight: -0.3 },
    ])
    expect(sum.about?.evaluation).toBeUndefined()
  })

  it('ends with the first of its parents, and keeps all their licences', async () => {
    const later = { ...described, about: { ...described.about, expires: '2030-01-01T00:00:00.000Z', license: 'MIT' } }
    const { about } = await add(later, described)
    expect(about).toMatchObject({ expires: described.about?.expires, license: 'MIT AND CC-BY-4.0', owner: 'key_1' })
    const strangers = await add(described, { ...described, about: { owner: 'key_2' } })
    expect(strangers.about?.owner).toBeUndefined()
    expect(strangers.about?.expires).toBe(described.about?.expires)
  })

  it('takes another alpha as a multiple of the whole', async () => {
    const twice = compilePersona(await add(steering, steering), model, { alpha: 0.5 }).displacement!
    expect(distance(twice, compiled(steering), [compiled(steering)])).toBeLessThan(ROUNDING)
    expect((await mix([{ persona: steering, weight: 1 }], { alpha: 3 })).alpha).toBe(3)
  })
})

describe('a multiple of a persona', () => {
  it('of 1 is the same displacement, of 0 none and of -1 the opposite, to the last bit', async () => {
    await fc.assert(
      fc.asyncProperty(persona, async (a) => {
        expect(compiled(await scale(a, 1))).toEqual(compiled(a))
        expect(compiled(await scale(a, 0)).every((value) => value === 0)).toBe(true)
        // Plus zero: numbers too small for 32 bits become a zero of either sign.
        expect(Array.from(compiled(await negate(a)), (value) => value + 0)).toEqual(Array.from(compiled(a), (value) => 0 - value))
      }),
    )
  })

  it('keeps the calibration, which was measured along the same directions', async () => {
    expect(await scale(steering, -2)).toMatchObject({ alpha: -4, calibration: steering.calibration, unit: 'sigma' })
  })

  it('of an adapter is a multiple of its update', async () => {
    const half = await scale(adapter, 0.5)
    expect(half.adapter).toEqual({ ...adapter.adapter, alpha: 1 })
    expect(half.about?.parents).toEqual([{ sha256: await contentHash(adapter), weight: 0.5 }])
  })
})

describe('a prompt beside a steering persona', () => {
  it('leaves the displacement as it is, and its alpha unmeasured', async () => {
    const both = await withPrompt(steering, prompt)
    expect(compilePersona(both, model)).toMatchObject({ system: prompt.system, displacement: compiled(steering) })
    expect(both.calibration.curve).toEqual([])
    expect(both.about?.parents).toEqual([
      { sha256: await contentHash(steering), weight: 1 },
      { sha256: await contentHash(prompt), weight: 1 },
    ])
  })
})

describe('what has no sum is refused', () => {
  const as = (value: unknown) => value as SteeringPersona
  it.each<[string, unknown, RegExp]>([
    ['two prompts', prompt, /is a prompt, and texts have no sum/],
    ['a prompt within a persona', { ...steering, kind: 'prompt+steering', system: 'x' }, /has a prompt, and texts have no sum/],
    ['an adapter', adapter, /is an adapter.*scaled only/],
  ])('%s', async (_, operand, message) => {
    await expect(add(as(operand), as(operand))).rejects.toThrow(message)
    await expect(withPrompt(as(operand), prompt)).rejects.toMatchObject({ code: 'invalid-input' })
  })

  it('personas of two models, both named', async () => {
    const other = { ...steering, model: 'b'.repeat(64) }
    await expect(add(steering, other)).rejects.toThrow(/two models, aaaaaaaaaaaa and bbbbbbbbbbbb/)
    await expect(add(steering, other)).rejects.toMatchObject({ code: 'incompatible-persona' })
    const wider = { ...steering, shape: { ...shape, headDim: 4 } }
    await expect(add(steering, wider)).rejects.toThrow(/disagree on its shape/)
  })

  it('a weight, a factor or an alpha that is no number', async () => {
    await expect(scale(steering, Number.NaN)).rejects.toMatchObject({ code: 'non-finite' })
    await expect(scale(adapter as AdapterPersona, Number.POSITIVE_INFINITY)).rejects.toMatchObject({ code: 'non-finite' })
    await expect(mix([{ persona: steering, weight: Number.NaN }])).rejects.toThrow(/weight is NaN/)
    await expect(mix([{ persona: steering, weight: 1 }], { alpha: Number.NaN })).rejects.toThrow(/alpha is NaN/)
    const huge = { ...steering, alpha: 1e200, interventions: [{ ...steering.interventions[0]!, sigma: 1e200 }] }
    await expect(add(huge, huge)).rejects.toThrow(/infinite in head 1 of layer 0/)
  })

  it('nothing at all', async () => {
    await expect(mix([])).rejects.toThrow(/has 0 personas/)
  })
})
