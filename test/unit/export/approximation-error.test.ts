import { describe, expect, it } from 'vitest'
import { approximationError } from '../../../src/export/approximation-error.ts'

/** Logits of these chances. */
const giving =
  (...chances: number[]) =>
  async () =>
    Float32Array.from(chances, Math.log)
const prompts = [[1], [2, 3]]

describe('approximationError', () => {
  it('is 0 for what is exact, beside the effect of steering', async () => {
    const steered = giving(0.5, 0.25, 0.25)
    const measured = await approximationError({ unsteered: giving(0.25, 0.5, 0.25), steered, approximated: steered, prompts })
    expect(measured.prompts).toBe(2)
    expect(measured.error).toEqual({ mean: 0, largest: 0 })
    // Rounding of logits to 32 bits.
    expect(measured.effect.mean).toBeCloseTo(0.25, 6)
  })

  it('is the effect itself for an approximation that does nothing', async () => {
    const unsteered = giving(0.9, 0.1)
    const { error, effect } = await approximationError({ unsteered, steered: giving(0.2, 0.8), approximated: unsteered, prompts })
    expect(error).toEqual(effect)
    expect(error.largest).toBeCloseTo(0.7, 6)
  })

  it('tells the mean over prompts and the largest', async () => {
    const unsteered = giving(0.5, 0.5)
    const steered = (tokens: readonly number[]) => (tokens.length === 1 ? giving(0.5, 0.5)() : giving(0.9, 0.1)())
    const { error } = await approximationError({ unsteered, steered, approximated: unsteered, prompts })
    expect(error.mean).toBeCloseTo(0.2, 6)
    expect(error.largest).toBeCloseTo(0.4, 6)
  })

  it('refuses to measure on nothing', async () => {
    const logits = giving(1)
    await expect(approximationError({ unsteered: logits, steered: logits, approximated: logits, prompts: [] })).rejects.toThrow(
      'approximation is measured on no prompt',
    )
  })
})
