import { describe, expect, it } from 'vitest'
import { IPIP_NEO_120, IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import {
  JOHNSON_NORMS_120,
  JOHNSON_NORMS_300,
  type Norm,
  type NormTable,
  normFor,
  percentileOf,
  type ScaleNorm,
  SD3_WEB_NORMS,
  tInterval,
  tScore,
} from '../../../src/items/norms.ts'
import { hasSharedData, sharedJson } from '../../shared-data.ts'

function norm(table: NormTable, person: Parameters<typeof normFor>[1]): Norm {
  const found = normFor(table, person)
  if (found.kind === 'no-norm') throw new Error(found.reason)
  return found
}

describe('norm tables', () => {
  it.each([
    [JOHNSON_NORMS_120, IPIP_NEO_120, 8],
    [JOHNSON_NORMS_300, IPIP_NEO_300, 4],
  ])('of Johnson have every scale in every group (%#)', (table, questionnaire, groups) => {
    const codes = [...questionnaire.domains, ...questionnaire.facets].map((trait) => trait.code)
    expect(table.form).toBe(questionnaire.id)
    expect(table.cells).toHaveLength(groups)
    for (const cell of table.cells) {
      expect(Object.keys(cell.scales)).toEqual(codes)
      expect(Object.values(cell.scales).every(({ mean, sd, alpha }) => mean > 0 && sd > 0 && alpha > 0.6 && alpha < 1)).toBe(true)
    }
  })

  it('say where they come from', () => {
    for (const table of [JOHNSON_NORMS_120, JOHNSON_NORMS_300, SD3_WEB_NORMS]) {
      for (const field of [table.id, table.version, table.source, table.licence]) expect(field).not.toBe('')
    }
    expect([JOHNSON_NORMS_120.statistic, SD3_WEB_NORMS.statistic]).toEqual(['published', 'recomputed'])
  })

  it.skipIf(!hasSharedData)('of Johnson are those of the source table (needs shared data)', () => {
    type Line = { mean: number; sd: number }
    type Cell = { domains: Record<string, Line>; facets: Record<string, Line> }
    const { norms } = sharedJson('norms/ipipneo_johnson_norms.json') as { norms: Record<string, Record<string, Cell>> }
    const ages: Record<string, number> = { '<21': 20, '21-40': 21, '41-60': 60, '>60': 61, '>20': 21 }
    for (const [form, table] of [
      ['120', JOHNSON_NORMS_120],
      ['300', JOHNSON_NORMS_300],
    ] as const) {
      for (const [key, cell] of Object.entries(norms[form]!)) {
        const { scales } = norm(table, { sex: key.startsWith('M') ? 'male' : 'female', age: ages[key.slice(1)] })
        const lines = Object.entries({ ...cell.domains, ...cell.facets })
        expect(lines.map(([code, { mean, sd }]) => [code, mean, sd]).sort()).toEqual(
          Object.entries(scales)
            .map(([code, { mean, sd }]) => [code, mean, sd])
            .sort(),
        )
      }
    }
  })
})

describe('the norm group of a person', () => {
  it.each([
    [10, 'women under 21'],
    [20, 'women under 21'],
    [21, 'women 21-40'],
    [40, 'women 21-40'],
    [41, 'women 41-60'],
    [60, 'women 41-60'],
    [61, 'women over 60'],
    [99, 'women over 60'],
  ])('at age %i is %s', (age, cell) => {
    expect(norm(JOHNSON_NORMS_120, { sex: 'female', age })).toMatchObject({ cell, id: 'johnson-ipip-neo-120' })
  })

  it.each([{ age: 30 }, { sex: 'other', age: 30 }, { sex: 'male' }, { sex: 'male', age: 5 }] as const)(
    'is absent with a reason for %o, since the table has no pooled group',
    (person) => {
      expect(normFor(JOHNSON_NORMS_300, person)).toEqual({
        kind: 'no-norm',
        reason: expect.stringMatching(/^norm table johnson-ipip-neo-300 has no group for sex .+, age .+$/),
      })
    },
  )

  it('is everybody where the table has one group', () => {
    expect(norm(SD3_WEB_NORMS, {})).toMatchObject({ cell: 'web respondents', respondents: 17740 })
  })
})

describe('T scores and percentiles', () => {
  it.each([
    ['male', { N: 53.052, E: 45.464, O: 38.53, A: 40.672, C: 40.54 }],
    ['female', { N: 49.913, E: 44.003, O: 36.626, A: 32.52, C: 38.774 }],
  ] as const)('all answers 3 at 21-40, %s', (sex, expected) => {
    const { scales } = norm(JOHNSON_NORMS_120, { sex, age: 30 })
    for (const [domain, t] of Object.entries(expected)) expect(tScore(72, scales[domain]!)).toBeCloseTo(t, 3)
  })

  it('are 50 and 50 at the mean', () => {
    const scale: ScaleNorm = { mean: 100, sd: 20, alpha: 0.9 }
    expect(tScore(100, scale)).toBe(50)
    expect(percentileOf(100, 24, scale)).toEqual({ value: 50, basis: 'normal' })
    expect(percentileOf(120, 24, scale).value).toBeCloseTo(84.134, 3)
  })

  it.each([
    ['M', 19.363],
    ['N', 48.044],
    ['P', 59.371],
  ])('SD3 sum 27 on %s has the counted rank', (scale, percentile) => {
    expect(percentileOf(27, 9, norm(SD3_WEB_NORMS, {}).scales[scale]!)).toEqual({ value: percentile, basis: 'empirical' })
  })

  it('a prorated sum lies between the ranks of its neighbours, and beyond the table its ends hold', () => {
    const scale = norm(SD3_WEB_NORMS, {}).scales.M!
    expect(percentileOf(27.5, 9, scale).value).toBeCloseTo((19.363 + 22.486) / 2, 10)
    expect(percentileOf(2, 9, scale).value).toBe(scale.percentileBySum![0])
    expect(percentileOf(50, 9, scale).value).toBe(scale.percentileBySum!.at(-1))
  })

  it('the 95 % band is 1.96 errors of measurement to both sides', () => {
    const [low, high] = tInterval(60, 0.91)
    expect(low).toBeCloseTo(60 - 1.96 * 3, 10)
    expect(high).toBeCloseTo(60 + 1.96 * 3, 10)
    expect(tInterval(42, 1)).toEqual([42, 42])
  })
})
