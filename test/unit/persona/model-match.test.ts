import { describe, expect, it } from 'vitest'
import { isOfOtherModel } from '../../../src/persona/model-match.ts'
import { compilePersona } from '../../../src/persona/persona.ts'
import { adapter, fingerprint, prompt, shape, steering } from '../../fixtures/small-personas.ts'

const other = { shape: { ...shape, vocabSize: 11, hiddenSize: 5 }, fingerprint: 'b'.repeat(64) }
const allowModelMismatch = true

describe('a persona of another model', () => {
  it('is refused, unless that is allowed by name', () => {
    for (const persona of [steering, adapter]) {
      expect(() => compilePersona(persona, other)).toThrow(/fitted on model aaaaaaaaaaaa, this model is bbbbbbbbbbbb/)
      expect(() => compilePersona(persona, other, { allowModelMismatch: false })).toThrow(/fitted on model/)
    }
    const here = { shape, fingerprint }
    expect(compilePersona(steering, other, { allowModelMismatch })).toEqual(compilePersona(steering, here))
    expect(compilePersona(adapter, other, { allowModelMismatch }).adapter).toBe(adapter.adapter)
  })

  it.each([
    ['layers', { ...shape, layers: 3 }],
    ['heads', { ...shape, heads: 4 }],
    ['size of heads', { ...shape, headDim: 4 }],
  ])('is refused with other %s whatever is allowed', (_, different) => {
    const model = { ...other, shape: different }
    for (const persona of [steering, adapter]) {
      expect(() => compilePersona(persona, model, { allowModelMismatch })).toThrow(
        expect.objectContaining({ code: 'incompatible-persona', message: expect.stringContaining('2 layers x 2 heads x 3') }),
      )
    }
  })

  it('of which the shape is unknown is refused whatever is allowed', () => {
    expect(() => compilePersona({ ...adapter, shape: undefined }, other, { allowModelMismatch })).toThrow(/unknown shape/)
  })

  it('is known as such; what names no model is of none', () => {
    expect(isOfOtherModel(steering, other)).toBe(true)
    expect(isOfOtherModel(steering, { fingerprint })).toBe(false)
    expect(isOfOtherModel(prompt, other)).toBe(false)
    expect(isOfOtherModel({ ...adapter, model: undefined }, other)).toBe(false)
  })
})
