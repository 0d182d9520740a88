import { describe, expect, it } from 'vitest'
import { IPIP_NEO_120, IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { JOHNSON_NORMS_120, JOHNSON_NORMS_300, SD3_WEB_NORMS } from '../../../src/items/norms.ts'
import type { Answer, Questionnaire } from '../../../src/items/questionnaire.ts'
import { SD3 } from '../../../src/items/sd3.ts'
import { type ProfileScale, profile } from '../../../src/people/profile.ts'
import type { Respondent } from '../../../src/people/respondent.ts'

const neutral = (questionnaire: Questionnaire, person: Partial<Respondent> = {}): Respondent => ({
  row: 0,
  questionnaire,
  answers: { coding: 'worded', byItem: new Map(questionnaire.items.map((item) => [item.itemNumber, 3 as Answer])) },
  ...person,
})

const find = (scales: readonly ProfileScale[], code: string) => scales.find((scale) => scale.trait.code === code)!

describe('profile', () => {
  const man = profile(neutral(IPIP_NEO_120, { sex: 'male', age: 30 }), { norms: JOHNSON_NORMS_120 })

  it('places every domain and facet in the norm group and names it', () => {
    expect([man.domains.length, man.facets.length]).toEqual([5, 30])
    expect(find(man.domains, 'N')).toMatchObject({
      kind: 'normed',
      raw: 72,
      answered: 24,
      t: expect.closeTo(53.052, 3),
      percentile: { value: expect.closeTo(62, 0), basis: 'normal' },
      alpha: 0.899,
      normId: 'johnson-ipip-neo-120',
      normCell: 'men 21-40',
      normVersion: '2021-06',
      normSource: expect.stringContaining('Johnson'),
    })
  })

  it('has bands around T and percentile, wider for facets than for domains', () => {
    for (const scale of [...man.domains, ...man.facets]) {
      if (scale.kind !== 'normed') throw new Error('not normed')
      const { t, percentile } = scale.interval
      expect(t[0] + t[1]).toBeCloseTo(2 * scale.t, 10)
      expect(t[1] - scale.t).toBeCloseTo(19.6 * Math.sqrt(1 - scale.alpha), 10)
      expect(percentile[0]).toBeLessThan(scale.percentile.value)
      expect(percentile[1]).toBeGreaterThan(scale.percentile.value)
      expect(scale.alpha < 0.7).toBe(scale.trait.items.length === 4)
    }
  })

  it.each(['other', undefined] as const)('stays raw with a reason for sex %s', (sex) => {
    const { norm, domains, facets } = profile(neutral(IPIP_NEO_300, { sex, age: 30 }), { norms: JOHNSON_NORMS_300 })
    expect(norm.kind).toBe('no-norm')
    for (const scale of [...domains, ...facets]) {
      expect(scale).toMatchObject({ kind: 'raw', raw: 3 * scale.trait.items.length, reason: expect.stringContaining('no group') })
      expect(scale).not.toHaveProperty('t')
    }
  })

  it('uses counted ranks for SD3, for the score and for both ends of its band', () => {
    const { domains } = profile(neutral(SD3), { norms: SD3_WEB_NORMS })
    const narcissism = find(domains, 'N')
    expect(narcissism).toMatchObject({ mean: 3, percentile: { value: 48.044, basis: 'empirical' } })
    if (narcissism.kind !== 'normed') return
    // Raw band 27 +- 1.96 x 6.9264 x sqrt(1 - .805) = 21.0 to 33.0: the ranks of 21 and 33.
    expect(narcissism.interval.percentile[0]).toBeCloseTo(17.455, 0)
    expect(narcissism.interval.percentile[1]).toBeCloseTo(77.12, 0)
  })

  it('passes a refused scale on', () => {
    const person = neutral(IPIP_NEO_120, { sex: 'male', age: 30 })
    const byItem = new Map(
      [...person.answers.byItem].filter(([itemNumber]) => !IPIP_NEO_120.facets[0]!.items.includes(itemNumber)),
    )
    const { facets } = profile({ ...person, answers: { coding: 'worded', byItem } }, { norms: JOHNSON_NORMS_120 })
    expect(facets[0]).toMatchObject({ kind: 'refused', answered: 0 })
  })

  it('leaves a scale raw that the norm does not have', () => {
    const [cell] = JOHNSON_NORMS_120.cells
    const norms = { ...JOHNSON_NORMS_120, cells: [{ ...cell!, scales: { N: cell!.scales.N! } }] }
    const { domains } = profile(neutral(IPIP_NEO_120, { sex: 'male', age: 15 }), { norms })
    expect(find(domains, 'N').kind).toBe('normed')
    expect(find(domains, 'E')).toMatchObject({ kind: 'raw', reason: 'norm johnson-ipip-neo-120 has no scale E' })
  })

  it('refuses the norms of another questionnaire', () => {
    expect(() => profile(neutral(IPIP_NEO_300), { norms: JOHNSON_NORMS_120 })).toThrow(
      'norm table johnson-ipip-neo-120 is for ipip-neo-120, expected one for ipip-neo-300',
    )
  })
})
