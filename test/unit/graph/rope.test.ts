import { describe, expect, it } from 'vitest'
import { inverseFrequencies, rotaryTables } from '../../../src/graph/rope.ts'

const plain = { theta: 10_000, scaling: { kind: 'default' } } as const

describe('rotary embedding', () => {
  it('turns pair i by theta^(-2i / headDim) per position', () => {
    expect(Array.from(inverseFrequencies(plain, 4))).toEqual([1, 0.01])
  })

  it('divides every frequency by the factor when scaled linearly', () => {
    const scaled = inverseFrequencies({ theta: 10_000, scaling: { kind: 'linear', factor: 4 } }, 8)
    expect(scaled).toEqual(inverseFrequencies(plain, 8).map((frequency) => frequency / 4))
  })

  it('keeps fast pairs, divides slow ones and blends between when scaled as in llama3', () => {
    // With theta 1e4 and 16 pairs, an original context of 1000 is turned 159, 0.9 and 1.6 times by pairs 0, 9 and 8.
    const scaling = { kind: 'llama3', factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 1000 } as const
    const [base, scaled] = [inverseFrequencies(plain, 32), inverseFrequencies({ theta: 10_000, scaling }, 32)]
    expect(scaled[0]).toBe(base[0])
    expect(scaled[9]! / base[9]!).toBeCloseTo(1 / 8, 12)
    const turns = (1000 * base[8]!) / (2 * Math.PI)
    expect(turns).toBeGreaterThan(1)
    expect(turns).toBeLessThan(4)
    const kept = (turns - 1) / 3
    expect(scaled[8]! / base[8]!).toBeCloseTo(kept + (1 - kept) / 8, 12)
  })

  it('divides every frequency by its own factor where there is a list of them', () => {
    const scaled = inverseFrequencies({ theta: 10_000, scaling: { kind: 'factors', factors: [1, 2, 4, 8] } }, 8)
    expect(scaled).toEqual(inverseFrequencies(plain, 8).map((frequency, i) => frequency / 2 ** i))
  })

  it('has tables of cosine and sine, one row a position', () => {
    const { cos, sin } = rotaryTables(plain, 4, 3)
    expect(Array.from(cos)).toEqual([1, 1, Math.cos(1), Math.cos(0.01), Math.cos(2), Math.cos(0.02)].map(Math.fround))
    expect(Array.from(sin)).toEqual([0, 0, Math.sin(1), Math.sin(0.01), Math.sin(2), Math.sin(0.02)].map(Math.fround))
  })
})
