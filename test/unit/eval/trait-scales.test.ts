import { describe, expect, it } from 'vitest'
import { answerTable } from '../../../src/eval/answer-table.ts'
import { correlationDistance, traitScales } from '../../../src/eval/trait-scales.ts'
import { DOMAINS, IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { papi300 } from '../../fixtures/papi-300.ts'
import { hasSharedData } from '../../shared-data.ts'

const { items } = IPIP_NEO_300

/** Answers 3 + keying * level of the item's domain. */
const rowOf = (levels: Readonly<Record<string, number>>) =>
  items.map(({ domain, keying }) => 3 + keying * (levels[domain as string] ?? 0))

describe('scales of personas', () => {
  const levels = [
    { A: 1, C: 1, E: 2, N: -1, O: 0 },
    { A: 0, C: 0, E: 0, N: 0, O: 0 },
    { A: -1, C: -1, E: -2, N: 1, O: 0 },
  ]
  const scales = traitScales(Float32Array.from(levels.flatMap(rowOf)), items)
  const at = (a: string, b: string) => scales.correlations[DOMAINS.indexOf(a as 'A')]![DOMAINS.indexOf(b as 'A')]

  it('correlate in the direction of the scales, whatever the keying', () => {
    expect(at('A', 'C')).toBeCloseTo(1, 10)
    expect(at('C', 'N')).toBeCloseTo(-1, 10)
    expect(at('A', 'A')).toBe(1)
  })

  it('have no correlation, and no mean reliability, where a domain does not vary', () => {
    expect(at('O', 'A')).toBeNull()
    expect(scales.alpha).toBeNull()
    expect(correlationDistance(scales.correlations, scales.correlations)).toBeNull()
  })

  it('are at a distance of the root mean square of what differs', () => {
    const matrix = (r: number) => DOMAINS.map((_, i) => DOMAINS.map((__, j) => (i === j ? 1 : r)))
    const other = matrix(0.1).map((row, i) => row.map((r, j) => (i + j === 1 ? 0.6 : r)))
    expect(correlationDistance(matrix(0.1), matrix(0.1))).toBe(0)
    // One of ten pairs differs, by .5.
    expect(correlationDistance(matrix(0.1), other)).toBeCloseTo(0.5 / Math.sqrt(10), 10)
  })

  it.skipIf(!hasSharedData)('are those that are known of the 300 test persons (needs the research data)', () => {
    const table = answerTable(papi300(), items)
    const human = traitScales(
      Float32Array.from(table.worded, (answer) => answer || Number.NaN),
      items,
    )
    // Means of the published 60-item alphas and omegas: N .976 E .966 O .942 A .948 C .971; .977 .968 .945 .950 .971.
    expect(human.alpha).toBeCloseTo((0.976 + 0.966 + 0.942 + 0.948 + 0.971) / 5, 2)
    expect(human.omega).toBeCloseTo((0.977 + 0.968 + 0.945 + 0.95 + 0.971) / 5, 2)
    const r = (a: string, b: string) => human.correlations[DOMAINS.indexOf(a as 'A')]![DOMAINS.indexOf(b as 'A')]
    expect(r('C', 'N')).toBeCloseTo(-0.584, 2)
    expect(r('A', 'C')).toBeCloseTo(0.438, 2)
    expect(r('E', 'O')).toBeCloseTo(0.365, 2)
  })
})
