import { describe, expect, it } from 'vitest'
import { divergence, strengthMeter } from '../../../src/eval/steering-strength.ts'
import type { LanguageModel } from '../../../src/model/language-model.ts'

/** A model whose next token follows the displacement's first number. */
const model = {
  render: async () => [1],
  logits: async ({ displacement }: { displacement?: Float32Array }) => Float32Array.of(displacement?.[0] ?? 0, 0),
} as unknown as LanguageModel

describe('strength of steering', () => {
  it('is nothing for nothing, and grows with the displacement either way', async () => {
    const meter = await strengthMeter(model)
    const of = (value: number) => meter.of({ displacement: Float32Array.of(value) })
    expect(await of(0)).toBe(0)
    expect(await of(1)).toBeGreaterThan(0)
    expect(await of(2)).toBeGreaterThan(await of(1))
    expect(await of(-1)).toBeCloseTo(await of(1), 12)
  })

  it('is the divergence of the unsteered from the steered distribution', () => {
    const [p, q] = [
      [0.5, 0.25, 0.25],
      [0.25, 0.5, 0.25],
    ]
    // .5 ln 2 - .25 ln 2, whatever is added to the logits.
    expect(
      divergence(
        p.map(Math.log),
        q.map((value) => Math.log(value) + 7),
      ),
    ).toBeCloseTo(0.25 * Math.LN2, 12)
    expect(divergence(p.map(Math.log), p.map(Math.log))).toBe(0)
  })

  it('is one of the larger divergences, not their mean', async () => {
    let asked = 0
    const odd = {
      ...model,
      logits: async ({ displacement }: { displacement?: Float32Array }) =>
        Float32Array.of(displacement !== undefined && asked++ % 20 < 2 ? 5 : 0, 0),
    } as unknown as LanguageModel
    const strength = await (await strengthMeter(odd)).of({ displacement: Float32Array.of(1) })
    expect(strength).toBeGreaterThan(1)
  })
})
