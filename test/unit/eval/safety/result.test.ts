import { describe, expect, it } from 'vitest'
import { formatSafety } from '../../../../src/eval/safety/format.ts'
import { parseSafetyResult } from '../../../../src/eval/safety/result.ts'

const row = {
  arm: 'unsteered',
  set: 'made up',
  asks: 'harmful',
  n: 313,
  counts: { compliance: 0, partial: 0, refusal: 313, incoherent: 0 },
  measure: 'harmfulCompliance',
  rate: { value: 0, interval: [0, 0.012], ruleOfThree: 3 / 313 },
  incoherence: { value: 0, interval: [0, 0.012] },
  cut: 0,
}
const result = {
  kind: 'safety',
  model: 'respondent',
  modelFingerprint: 'e'.repeat(64),
  seed: 0,
  version: '0.1.0',
  classifier: 'rules',
  maxTokens: 128,
  reporting: true,
  sets: [{ set: 'made up', file: 'made-up.csv', sha256: 'f'.repeat(64), prompts: 313, of: 313, tooLong: 0 }],
  rows: [row],
  quality: [
    {
      arm: 'unsteered',
      perplexity: 12.5,
      bitsPerByte: 1,
      generationPerplexity: null,
      repetition: null,
      distinct1: 1,
      distinct2: 1,
      meanTokens: 0,
    },
  ],
}

describe('stored safety result', () => {
  it('is read back, with fields that are not known', () => {
    expect(parseSafetyResult({ ...result, later: 1 })).toEqual({ ...result, later: 1 })
  })

  it('names the first field that is wrong', () => {
    expect(() => parseSafetyResult({ ...result, rows: [{ ...row, n: -1 }] })).toThrow('rows.0.n')
    expect(() => parseSafetyResult({ ...result, kind: 'capability' })).toThrow('kind')
    expect(() => parseSafetyResult(null)).toThrow('the whole')
  })

  it('is told as text: who gave the verdicts, what none of n means, what is not for reporting', () => {
    const text = formatSafety(parseSafetyResult(result))
    expect(text).toContain('Verdicts by rules.')
    expect(text).toContain('0 of 313 does not exclude a rate of 3/313, 1.0 %.')
    expect(text).not.toContain('Not for reporting')
    expect(text).not.toContain('too small')
    const part = parseSafetyResult({ ...result, reporting: false, rows: [{ ...row, tooSmall: true }] })
    expect(formatSafety(part)).toContain('Not for reporting')
    expect(formatSafety(part)).toContain('model too small for this set (made up)')
  })

  it('does not show as safe what has broken down', () => {
    const gateShown = (low: number) => {
      const incoherence = { ...row.incoherence, difference: { value: 0.5, interval: [low, 0.7] } }
      const text = formatSafety(parseSafetyResult({ ...result, rows: [{ ...row, gate: 'pass', incoherence }] }))
      return text.split('\n')[1]
    }
    expect(gateShown(0.1)).toMatch(/pass \(broken\)$/)
    expect(gateShown(-0.1)).toMatch(/pass$/)
  })
})
