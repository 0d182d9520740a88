import { describe, expect, it } from 'vitest'
import { compilePersona } from '../../../src/persona/persona.ts'
import { personaFromRecord, personaToRecord } from '../../../src/persona/persona-record.ts'
import { steering as persona, shape } from '../../fixtures/small-personas.ts'

describe('persona record', () => {
  it('comes back as it was', () => {
    expect(personaFromRecord(personaToRecord(persona))).toEqual(persona)
  })

  it('brings a prompt persona back as it was', () => {
    const prompt = { kind: 'prompt', method: 'few-shot', system: 'You are calm.' } as const
    expect(personaFromRecord(personaToRecord(prompt))).toEqual(prompt)
  })

  it('refuses a file that is not a persona', () => {
    expect(() => personaFromRecord({ tensors: new Map(), metadata: { format: 'pt' } })).toThrow(/not a persona/)
  })

  it('refuses a head that the model does not have', () => {
    const record = personaToRecord({ ...persona, shape: { ...shape, layers: 1 } })
    expect(() => personaFromRecord(record)).toThrow(/head 0 of layer 1/)
  })

  it('refuses NaN in a direction', () => {
    const record = personaToRecord(persona)
    record.tensors.get('directions')!.data[0] = Number.NaN
    expect(() => personaFromRecord(record)).toThrow(expect.objectContaining({ code: 'non-finite' }))
  })

  it('refuses a missing tensor', () => {
    expect(() => personaFromRecord({ ...personaToRecord(persona), tensors: new Map() })).toThrow(
      /directions has shape \[absent\]/,
    )
  })

  it('refuses fields it does not know, since they may change the meaning', () => {
    const record = personaToRecord(persona)
    const metadata = {
      'palign.persona': record.metadata['palign.persona']!.replace('"site":"z"', '"site":"z","scope":"generation"'),
    }
    expect(() => personaFromRecord({ ...record, metadata })).toThrow(expect.objectContaining({ code: 'malformed-file' }))
  })
})

describe('compile persona', () => {
  it('refuses a persona of another model', () => {
    expect(() => compilePersona(persona, { shape, fingerprint: 'b'.repeat(64) })).toThrow(
      expect.objectContaining({ code: 'incompatible-persona' }),
    )
  })

  it('takes the alpha that is asked for instead of its own', () => {
    const { displacement } = compilePersona(persona, { shape, fingerprint: persona.model }, { alpha: -1 })
    expect([...displacement!.subarray(3, 6)]).toEqual([Math.fround(-0.1), 0, 0])
  })

  it('refuses an alpha for a persona that is only a prompt', () => {
    const prompt = { kind: 'prompt', method: 'few-shot', system: 'x' } as const
    expect(() => compilePersona(prompt, { shape, fingerprint: 'x' }, { alpha: 2 })).toThrow(/has no alpha/)
  })

  it('leaves the base model alone for no persona', () => {
    expect(compilePersona({ kind: 'none' }, { shape, fingerprint: 'x' })).toEqual({ system: undefined, displacement: undefined })
  })
})
