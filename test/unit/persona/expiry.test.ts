import { describe, expect, it } from 'vitest'
import { assertCurrent, isExpired } from '../../../src/persona/expiry.ts'
import { described, steering } from '../../fixtures/small-personas.ts'

const end = Date.parse('2027-01-02T00:00:00Z')

describe('a persona with a time', () => {
  it('is good until then and refused from then on, with the date', () => {
    expect(isExpired(described, end - 1)).toBe(false)
    expect(() => assertCurrent(described, end - 1)).not.toThrow()
    expect(isExpired(described, end)).toBe(true)
    expect(() => assertCurrent(described, end, 'persona me')).toThrow('persona me expired at 2027-01-02T00:00:00.000Z')
    expect(() => assertCurrent(described, end)).toThrow(expect.objectContaining({ code: 'incompatible-persona' }))
  })

  it('without one is good for ever, as nobody is', () => {
    expect(isExpired(steering, Number.MAX_SAFE_INTEGER)).toBe(false)
    expect(isExpired({ kind: 'none' }, Number.MAX_SAFE_INTEGER)).toBe(false)
  })
})
