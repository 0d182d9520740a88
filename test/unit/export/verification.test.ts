import { describe, expect, it } from 'vitest'
import { type Compared, compareDistributions, faultOf } from '../../../src/export/verification.ts'
import { fillNote, NOTE_PLACE, noteText, type Verification } from '../../../src/export/verification-note.ts'
import { logSoftmax } from '../../../src/math/log-softmax.ts'

const distance = (totalVariation: number) => ({
  totalVariation,
  meanTotalVariation: totalVariation / 2,
  logProbability: totalVariation,
})
const compared = (toSteered: number, toBase: number, effect: number, rounding = 0): Compared => ({
  exportToSteered: distance(toSteered),
  exportToBase: distance(toBase),
  steeredToBase: distance(effect),
  zeroToBase: distance(rounding),
})

describe('verification of an export', () => {
  it('measures half the sum of absolute differences, and the largest over places', () => {
    const [p, q, r] = [
      [0.5, 0.5],
      [0.25, 0.75],
      [0.9, 0.1],
    ].map((values) => Float64Array.from(values, Math.log))
    const { totalVariation, meanTotalVariation, logProbability } = compareDistributions([[p!, p!]], [[q!, r!]])
    expect(totalVariation).toBeCloseTo(0.4, 12)
    expect(meanTotalVariation).toBeCloseTo(0.325, 12)
    expect(logProbability).toBeCloseTo(Math.log(5), 12)
  })

  it('finds no distance between logits that differ by a constant', () => {
    const [a, b] = [logSoftmax([1, 2, 3]), logSoftmax([101, 102, 103])]
    expect(compareDistributions([[a]], [[b]]).totalVariation).toBeLessThan(1e-12)
  })

  it('passes what answers as the steered engine', () => {
    expect(faultOf(compared(1e-6, 0.4, 0.4, 1e-6), 'float')).toBeUndefined()
  })

  it('fails what answers as the base model while steering does something, however little', () => {
    for (const effect of [0.4, 1e-4]) expect(faultOf(compared(effect, 0, effect), 'float')).toContain('ignores the persona')
  })

  it('fails what is near the steered engine but not near enough for floats', () => {
    expect(faultOf(compared(2e-3, 0.4, 0.4), 'float')).toContain('away from the steered engine')
    expect(faultOf(compared(2e-3, 0.4, 0.4), 'narrow')).toBeUndefined()
  })

  it('fails a narrow target beyond a twentieth of what steering does and what the target rounds', () => {
    expect(faultOf(compared(0.05, 0.4, 0.4, 0.02), 'narrow')).toContain('expected at most 0.020')
  })

  it('fails an export that is another model at alpha 0', () => {
    expect(faultOf(compared(1e-6, 0.4, 0.4, 0.01), 'float')).toContain('alpha 0')
  })

  it('passes an export of nothing that is the base model, and fails one that is not', () => {
    expect(faultOf(compared(0, 0, 0), 'float')).toBeUndefined()
    expect(faultOf(compared(0.1, 0.1, 0), 'float')).toContain('changes nothing')
  })

  it('refuses vocabularies of different size', () => {
    expect(() => compareDistributions([[new Float64Array(2)]], [[new Float64Array(3)]])).toThrow(
      'target has 3 tokens, expected 2',
    )
  })
})

describe('note of a verification', () => {
  const verification: Verification = {
    kind: 'verified',
    target: 'x "1" \\',
    date: '2026-01-01',
    compared: compared(0, 1, 1),
    places: 32,
  }

  it('fills the place that was written for it, and nothing else', () => {
    const bytes = new TextEncoder().encode(`{"a":"${NOTE_PLACE}","b":1}`)
    fillNote(bytes, verification)
    const json = JSON.parse(new TextDecoder().decode(bytes)) as { a: string; b: number }
    expect(json).toEqual({ a: noteText(verification), b: 1 })
    expect(json.a).toContain('verified: x ?1? ?; 2026-01-01')
  })

  it('is refused where the place is missing or there twice', () => {
    for (const text of ['', NOTE_PLACE + NOTE_PLACE]) {
      expect(() => fillNote(new TextEncoder().encode(text), verification)).toThrow('exactly once')
    }
  })
})
