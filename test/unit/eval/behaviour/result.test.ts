import { describe, expect, it } from 'vitest'
import { behave } from '../../../../src/eval/behaviour/behave.ts'
import { formatBehaviour } from '../../../../src/eval/behaviour/format-behaviour.ts'
import { parseBehaviourResult } from '../../../../src/eval/behaviour/result.ts'
import { steerableTrait } from '../../../../src/eval/behaviour/traits.ts'
import { statementsOf, twoTraitModel } from '../../../fixtures/two-trait-model.ts'

const model = twoTraitModel()
const measures = await behave({
  model,
  statements: [
    { trait: 'extraversion', statements: statementsOf('extraversion') },
    { trait: 'machiavellianism', statements: statementsOf('machiavellianism') },
  ],
  steerable: [steerableTrait('extraversion', undefined)!],
  random: 2,
  seed: 0,
})
const result = {
  kind: 'behaviour',
  model: 'two-trait',
  modelFingerprint: model.fingerprint,
  seed: 0,
  version: '1',
  statements: { perTrait: 8, files: [{ trait: 'extraversion', sha256: 'a'.repeat(64) }] },
  ...measures,
}
const stored = JSON.parse(JSON.stringify(result)) as typeof result

describe('stored behaviour result', () => {
  it('is read back as it was written', () => {
    expect(parseBehaviourResult(stored)).toEqual(result)
  })

  it.each([
    ['another kind', { kind: 'evaluation' }, /kind/],
    ['a trait that is none', { base: [{ ...stored.base[0], trait: 'luck' }] }, /base\.0\.trait/],
    ['a dose without points', { doses: [{ ...stored.doses[0], points: [] }] }, /doses\.0\.points/],
    ['a matrix of another size', { leakage: { ...stored.leakage, effects: [[1]] } }, /leakage: expected matrices/],
    ['no fingerprint', { modelFingerprint: 'x' }, /modelFingerprint/],
    ['no base', { base: [] }, /base/],
  ])('is refused with %s, and the field is named', (_, change, message) => {
    const parse = () => parseBehaviourResult({ ...stored, ...change })
    expect(parse).toThrow(message)
    expect(parse).toThrow(/^result is no behaviour result/)
  })

  it('is refused where it is no object', () => {
    expect(() => parseBehaviourResult([])).toThrow(/the whole/)
  })
})

describe('behaviour as text', () => {
  const text = formatBehaviour(parseBehaviourResult(stored))

  it('has a row for every trait, every persona and every steered trait of the matrix', () => {
    expect(text).toMatch(/^machiavellianism +0\.000 +0\.500 +0\.200 +3\.000$/m)
    expect(text).toMatch(/^extraversion +low +2 +0\.000 +-2\.000 +-4\.000 /m)
    // 4 over .5 sqrt(8 / 6).
    expect(text).toMatch(/^extraversion +6\.928 +0\.000$/m)
  })

  it('shows as a dash what has no value, and says what was not done', () => {
    expect(text).toMatch(/^extraversion +0\.000 +-$/m)
    expect(text).toContain('machiavellianism is measured but not steered')
  })

  it('warns where the model answers neither Yes nor No', () => {
    const silent = { ...stored, base: [{ ...stored.base[0]!, unanswered: 0.95 }] }
    expect(formatBehaviour(parseBehaviourResult(silent))).toContain('hardly ever says Yes or No')
    expect(text).not.toContain('hardly ever')
  })
})
