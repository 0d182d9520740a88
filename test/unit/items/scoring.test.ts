import { describe, expect, it } from 'vitest'
import { IPIP_NEO_120, IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { type Answer, type Keyed, type Questionnaire, toKeyed } from '../../../src/items/questionnaire.ts'
import { type ScaleScore, score } from '../../../src/items/scoring.ts'
import { SD3 } from '../../../src/items/sd3.ts'

const everywhere = (questionnaire: Questionnaire, answer: Answer) =>
  new Map(questionnaire.items.map((item) => [item.itemNumber, answer]))

const wordedEverywhere = (questionnaire: Questionnaire, answer: Answer): Keyed =>
  toKeyed(questionnaire, { coding: 'worded', byItem: everywhere(questionnaire, answer) })

const raws = (scores: readonly ScaleScore[]) =>
  Object.fromEntries(scores.map((scale) => [scale.trait.code, scale.kind === 'scored' ? scale.raw : undefined]))

const find = (scores: readonly ScaleScore[], code: string) => scores.find((scale) => scale.trait.code === code)!

/** Keyed answers of 2, 4, 2, 4... without the items in `missing`. */
function answersWithout(questionnaire: Questionnaire, missing: readonly number[]): Keyed {
  const byItem = new Map(questionnaire.items.map((item, index) => [item.itemNumber, (index % 2 === 0 ? 2 : 4) as Answer]))
  for (const itemNumber of missing) byItem.delete(itemNumber)
  return { coding: 'keyed', byItem }
}

const facet = (questionnaire: Questionnaire, code: string) => questionnaire.facets.find((trait) => trait.code === code)!.items

describe('scores of full protocols', () => {
  it.each([
    [IPIP_NEO_120, 12, 72],
    [IPIP_NEO_300, 30, 180],
  ])('all answers 3 are the middle of every scale of %#', (questionnaire, facetScore, domainScore) => {
    const scores = score(questionnaire, wordedEverywhere(questionnaire, 3))
    expect(scores.facets.map((scale) => raws([scale])[scale.trait.code])).toEqual(new Array(30).fill(facetScore))
    expect(Object.values(raws(scores.domains))).toEqual(new Array(5).fill(domainScore))
  })

  it.each([
    [IPIP_NEO_120, 5, { N: 92, E: 96, O: 72, A: 52, C: 68 }],
    [IPIP_NEO_120, 1, { N: 52, E: 48, O: 72, A: 92, C: 76 }],
    [IPIP_NEO_300, 5, { N: 192, E: 204, O: 172, A: 156, C: 184 }],
    [IPIP_NEO_300, 1, { N: 168, E: 156, O: 188, A: 204, C: 176 }],
  ] as const)('the same worded answer everywhere shows the balance of keying (%#)', (questionnaire, answer, expected) => {
    expect(raws(score(questionnaire, wordedEverywhere(questionnaire, answer)).domains)).toEqual(expected)
  })

  it('facets add up to their domain where nothing is missing', () => {
    const scores = score(IPIP_NEO_300, answersWithout(IPIP_NEO_300, []))
    for (const domain of scores.domains) {
      const sum = Object.entries(raws(scores.facets)).reduce(
        (total, [code, raw]) => total + (code.startsWith(domain.trait.code) ? raw! : 0),
        0,
      )
      expect(raws([domain])[domain.trait.code]).toBe(sum)
    }
  })

  it('SD3 scales have no facets and report their mean', () => {
    const scores = score(SD3, wordedEverywhere(SD3, 5))
    expect(scores.facets).toEqual([])
    expect(raws(scores.domains)).toEqual({ M: 45, N: 6 * 5 + 3, P: 7 * 5 + 2 })
    expect(find(scores.domains, 'N')).toMatchObject({ mean: 33 / 9, answered: 9 })
  })
})

describe('missing answers', () => {
  it('are prorated: the answered mean times the number of items', () => {
    const items = facet(IPIP_NEO_300, 'N1')
    const all: Keyed = {
      coding: 'keyed',
      byItem: new Map(items.map((itemNumber, index) => [itemNumber, (index < 8 ? 4 : 1) as Answer])),
    }
    const without: Keyed = { coding: 'keyed', byItem: new Map([...all.byItem].slice(0, 8)) }
    expect(find(score(IPIP_NEO_300, all).facets, 'N1')).toMatchObject({ raw: 34, answered: 10 })
    expect(find(score(IPIP_NEO_300, without).facets, 'N1')).toMatchObject({ raw: 40, answered: 8, mean: 4 })
  })

  it.each([
    [IPIP_NEO_120, 'C3', 3],
    [IPIP_NEO_300, 'C3', 8],
    [SD3, 'P', 7],
  ])('refuse a scale below its fewest answers (%#)', (questionnaire, code, fewest) => {
    const scales = questionnaire.facets.length > 0 ? questionnaire.facets : questionnaire.domains
    const { items } = scales.find((trait) => trait.code === code)!
    const scaleAfter = (missing: number) => {
      const scores = score(questionnaire, answersWithout(questionnaire, items.slice(0, missing)))
      return find([...scores.facets, ...scores.domains], code)
    }
    expect(scaleAfter(items.length - fewest)).toMatchObject({ kind: 'scored', answered: fewest })
    expect(scaleAfter(items.length - fewest + 1)).toMatchObject({
      kind: 'refused',
      answered: fewest - 1,
      reason: `${fewest - 1} of ${items.length} items answered, at least ${fewest} needed`,
    })
  })

  it('leave a domain with four of its six facets and refuse it with three', () => {
    const withoutFacets = (codes: readonly string[]) =>
      find(
        score(
          IPIP_NEO_120,
          answersWithout(
            IPIP_NEO_120,
            codes.flatMap((code) => facet(IPIP_NEO_120, code)),
          ),
        ).domains,
        'E',
      )
    expect(withoutFacets(['E1', 'E2'])).toMatchObject({ kind: 'scored', answered: 16 })
    expect(withoutFacets(['E1', 'E2', 'E3'])).toMatchObject({ kind: 'refused', answered: 12 })
  })

  it('of a domain are prorated over its items, not over its facets', () => {
    const [first, ...others] = facet(IPIP_NEO_120, 'A1')
    const byItem = new Map(IPIP_NEO_120.items.map((item) => [item.itemNumber, 3 as Answer]))
    byItem.delete(first!)
    for (const itemNumber of others) byItem.set(itemNumber, 5)
    const scores = score(IPIP_NEO_120, { coding: 'keyed', byItem })
    expect(find(scores.facets, 'A1')).toMatchObject({ raw: 20, answered: 3 })
    expect(find(scores.domains, 'A')).toMatchObject({ raw: (24 * (3 * 5 + 20 * 3)) / 23, answered: 23 })
  })

  it('refuse everything in an empty protocol', () => {
    const scores = score(IPIP_NEO_300, { coding: 'keyed', byItem: new Map() })
    expect([...scores.facets, ...scores.domains].every((scale) => scale.kind === 'refused' && scale.answered === 0)).toBe(true)
  })
})
