import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { designRating, type RatingDesign } from '../../../../src/eval/rating/design.ts'
import { armsNamedIn, packageLines, parseRatingKey } from '../../../../src/eval/rating/package.ts'
import { ratingPage } from '../../../../src/eval/rating/page.ts'
import { DESIGN, promptsOf } from './studies.ts'

const ARMS = ['zebra-arm', 'otter-arm', 'heron-arm', 'bison-arm']

const study = fc
  .record({
    prompts: fc.integer({ min: 1, max: 9 }),
    arms: fc.integer({ min: 2, max: 4 }),
    raters: fc.integer({ min: 1, max: 7 }),
    overlap: fc.double({ min: 0, max: 1, noNaN: true }),
    repeat: fc.double({ min: 0, max: 0.5, noNaN: true }),
    attention: fc.double({ min: 0, max: 0.3, noNaN: true }),
    seed: fc.integer({ min: 100_000_000, max: 999_999_999 }),
  })
  .chain((given) =>
    fc.record({
      given: fc.constant(given),
      pairs: fc.integer({ min: 1, max: (given.prompts * given.arms * (given.arms - 1)) / 2 }),
    }),
  )

type Study = { given: { prompts: number; arms: number } & Omit<typeof DESIGN, 'pairs' | 'version'>; pairs: number }
const designOf = ({ given: { prompts, arms, ...options }, pairs }: Study) =>
  designRating(promptsOf(prompts, ARMS.slice(0, arms)), { ...DESIGN, ...options, pairs })

/** What each rater compares for the first time: comparison and side of its first arm; and what comes again. */
function seen({ key }: RatingDesign) {
  return Object.values(key.assignments).map((order) => {
    const first = new Map<number, 'left' | 'right'>()
    const again: { comparison: number; firstIs: string }[] = []
    let checks = 0
    for (const task of order) {
      const entry = key.tasks[task]!
      if (entry.kind === 'attention') checks++
      else if (first.has(entry.comparison)) again.push(entry)
      else first.set(entry.comparison, entry.firstIs)
    }
    return { first, again, checks }
  })
}

/** By pair of arms, how much oftener the first arm stands left than right. */
function excessOfLeft({ key }: RatingDesign, raters: readonly { first: ReadonlyMap<number, string> }[]) {
  const excess = new Map<string, number>()
  for (const [comparison, side] of raters.flatMap(({ first }) => [...first])) {
    const { first, second } = key.comparisons[comparison]!
    const pair = `${first} ${second}`
    excess.set(pair, (excess.get(pair) ?? 0) + (side === 'left' ? 1 : -1))
  }
  return [...excess.values()]
}

describe('design of a study', () => {
  it('every pair of arms stands left equally often, for each rater and in all', async () => {
    await fc.assert(
      fc.asyncProperty(study, async (given) => {
        const design = await designOf(given)
        const raters = seen(design)
        for (const group of [raters, ...raters.map((rater) => [rater])]) {
          for (const excess of excessOfLeft(design, group)) expect(Math.abs(excess)).toBeLessThanOrEqual(1)
        }
      }),
    )
  })

  it('every rater has the pairs, repeats and checks asked for, repeats with sides exchanged', async () => {
    await fc.assert(
      fc.asyncProperty(study, async (given) => {
        const raters = seen(await designOf(given))
        expect(raters).toHaveLength(given.given.raters)
        for (const { first, again, checks } of raters) {
          expect(first.size).toBe(given.pairs)
          expect(again).toHaveLength(Math.ceil(given.given.repeat * given.pairs))
          expect(checks).toBe(Math.ceil(given.given.attention * given.pairs))
          for (const { comparison, firstIs } of again) expect(firstIs).not.toBe(first.get(comparison))
        }
      }),
    )
  })

  it('the share asked for is seen by three raters, or by all', async () => {
    await fc.assert(
      fc.asyncProperty(study, async (given) => {
        const design = await designOf(given)
        const raters = seen(design)
        const several = Math.min(3, given.given.raters)
        const times = design.key.comparisons.map((_, comparison) => raters.filter(({ first }) => first.has(comparison)).length)
        expect(Math.min(...times)).toBeGreaterThan(0)
        const shared = times.filter((count) => count >= several).length / times.length
        expect(shared).toBeGreaterThanOrEqual(given.given.overlap - 1e-9)
        expect(design.shared).toBe(shared)
      }),
    )
  })

  it('pairs of arms are compared equally often', async () => {
    await fc.assert(
      fc.asyncProperty(study, async (given) => {
        const { key } = await designOf(given)
        const counts = new Map<string, number>()
        for (const { first, second } of key.comparisons)
          counts.set(`${first} ${second}`, (counts.get(`${first} ${second}`) ?? 0) + 1)
        if (counts.size < (given.given.arms * (given.given.arms - 1)) / 2) expect(Math.max(...counts.values())).toBe(1)
        else expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('neither arms nor prompt ids nor the seed nor what is a check stand in the package or on the page', async () => {
    await fc.assert(
      fc.asyncProperty(study, async (given) => {
        const { package: made } = await designOf(given)
        for (const text of [packageLines(made), await ratingPage(made)]) {
          for (const secret of [...ARMS, 'prompt-id', `${given.given.seed}`, '"kind"', 'attention"', 'firstIs'])
            expect(text).not.toContain(secret)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('what stands on a side is what the key says', async () => {
    const { package: made, key } = await designRating(promptsOf(5, ARMS), DESIGN)
    for (const { task, prompt, left, right } of made.tasks) {
      const entry = key.tasks[task]!
      if (entry.kind === 'attention') {
        expect({ left, right }[entry.choose]).toMatch(/check of attention.*choose this one/)
        continue
      }
      const { id, first, second, lengths } = key.comparisons[entry.comparison]!
      const [onFirst, onSecond] = entry.firstIs === 'left' ? [left, right] : [right, left]
      const number = id.split('-').at(-1)
      expect(prompt).toBe(`Question ${number}?`)
      expect(onFirst).toBe(`saying ${'abcd'[ARMS.indexOf(first)]} to ${number}`)
      expect(onSecond).toBe(`saying ${'abcd'[ARMS.indexOf(second)]} to ${number}`)
      expect(lengths).toEqual([onFirst.length, onSecond.length])
    }
  })

  it('the same seed gives the same study, another seed another one, with another id', async () => {
    const prompts = promptsOf(8, ARMS.slice(0, 2))
    const [one, same, other] = await Promise.all([1, 1, 2].map((seed) => designRating(prompts, { ...DESIGN, seed })))
    expect(same).toEqual(one)
    expect(other!.package.id).not.toBe(one!.package.id)
  })

  it('its key reads back from JSON', async () => {
    const { key } = await designRating(promptsOf(4, ARMS), DESIGN)
    expect(parseRatingKey(JSON.parse(JSON.stringify(key)))).toEqual(key)
  })

  it('answers that are the same text are not compared, but counted', async () => {
    const { key } = await designRating(
      promptsOf(6, ARMS.slice(0, 2), (prompt, arm) => (prompt < 2 ? 'same' : `${arm}`)),
      DESIGN,
    )
    expect(key.identicalTexts).toBe(2)
    expect(key.comparisons.map(({ id }) => id)).not.toContain('prompt-id-0')
    expect(key.comparisons).toHaveLength(4)
  })

  it('refuses more pairs than there are, answers that differ nowhere, and shares above 1', async () => {
    const prompts = promptsOf(3, ARMS.slice(0, 2))
    await expect(designRating(prompts, { ...DESIGN, pairs: 4 })).rejects.toThrow(/3 comparisons, 4 for each rater/)
    await expect(
      designRating(
        promptsOf(3, ARMS.slice(0, 2), () => 'same'),
        DESIGN,
      ),
    ).rejects.toThrow(/differ nowhere/)
    await expect(designRating(prompts, { ...DESIGN, overlap: 1.5 })).rejects.toThrow(/overlap is 1.5/)
  })

  it('says which arms are named in a text', async () => {
    const { package: made, key } = await designRating(
      promptsOf(2, ARMS.slice(0, 2), (_, arm) => (arm === 0 ? 'I am zebra-arm' : 'no')),
      DESIGN,
    )
    expect(armsNamedIn(made, key.arms)).toEqual(['zebra-arm'])
  })
})
