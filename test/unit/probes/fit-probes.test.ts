import { describe, expect, it } from 'vitest'
import { massMeanDirection } from '../../../src/probes/direction.ts'
import { fitProbes } from '../../../src/probes/fit-probes.ts'
import { labelContrasts } from '../../../src/probes/labels.ts'
import { byMeanAccuracy, selectHeads } from '../../../src/probes/select-heads.ts'
import { splitByItem, splitByRow } from '../../../src/probes/split.ts'
import { cosine, isHead, LETTER_HEAD, PLANTED_HEAD, plantRecording } from './planted.ts'

const { recorded, answers } = plantRecording(1)
const balanced = labelContrasts(recorded, answers)

describe('fitProbes', () => {
  it('gives the same probes for the same split', () => {
    const split = splitByItem({ seed: 3 })
    expect(fitProbes(balanced, { split })).toEqual(fitProbes(balanced, { split }))
  })

  it('shrinks the weights as c falls', () => {
    const split = splitByItem({ seed: 3 })
    const length = (c: number) => Math.hypot(...fitProbes(balanced, { split, c })[0]!.weights)
    expect(length(0.01)).toBeLessThan(length(1))
  })

  it('validates at chance, and trains above it, where there is nothing to know', () => {
    const ignorant = fitProbes(balanced, { split: splitByItem({ seed: 3 }) }).filter(
      (probe) => !isHead(probe, PLANTED_HEAD) && !isHead(probe, LETTER_HEAD),
    )
    const mean = (of: 'trainAccuracy' | 'validationAccuracy') =>
      ignorant.reduce((sum, probe) => sum + probe[of], 0) / ignorant.length
    // 10 heads x 192 validation rows: the standard error is .011.
    expect(Math.abs(mean('validationAccuracy') - 0.5)).toBeLessThan(0.05)
    expect(mean('trainAccuracy')).toBeGreaterThan(0.55)
  })

  it.each([
    ['an empty side', { train: [0, 1], validation: [] }],
    ['a row on both sides', { train: [0, 1], validation: [1] }],
    ['a row that does not exist', { train: [0, 1], validation: [480] }],
  ])('refuses a split with %s', (_, rows) => {
    expect(() => fitProbes(balanced, { split: () => rows })).toThrow(/^split has/)
  })
})

describe.each([1, 2, 3, 4, 5])('a head that carries what is said, under a letter 2.5 times as strong (seed %i)', (seed) => {
  const planted = plantRecording(seed)
  const ours = labelContrasts(planted.recorded, planted.answers)
  const published = labelContrasts(planted.recorded, planted.answers, { orders: ['descending'] })
  const oursProbes = fitProbes(ours, { split: splitByItem({ seed }) })
  const publishedProbes = fitProbes(published, { split: splitByRow({ seed }) })

  it('is ranked first by balanced contrasts', () => {
    expect(selectHeads(oursProbes, { count: 1 })).toMatchObject([PLANTED_HEAD])
  })

  it('has a balanced direction that is the planted one and not the letter', () => {
    const { direction } = massMeanDirection(ours, PLANTED_HEAD)
    expect(cosine(direction, planted.truth)).toBeGreaterThan(0.95)
    expect(Math.abs(cosine(direction, planted.letter))).toBeLessThan(0.1)
  })

  it('has a published direction that is mostly the letter: people agree more often than not, and there A always agrees', () => {
    const { direction } = massMeanDirection(published, PLANTED_HEAD)
    expect(cosine(direction, planted.letter)).toBeGreaterThan(0.7)
    expect(cosine(direction, planted.truth)).toBeLessThan(0.7)
  })

  it('is followed by a head that knows only the letter in the published ranking, while balanced contrasts leave that head at chance', () => {
    expect(selectHeads(publishedProbes, { count: 2, rank: byMeanAccuracy })[1]).toMatchObject(LETTER_HEAD)
    const letterProbe = oursProbes.find((probe) => isHead(probe, LETTER_HEAD))
    // 192 validation rows: the standard error of chance is .036.
    expect(Math.abs(letterProbe!.validationAccuracy - 0.5)).toBeLessThan(0.11)
  })
})
