import { describe, expect, it } from 'vitest'
import { wordsOf } from '../../../../src/eval/n-grams.ts'
import { FEATURES, textFeatures } from '../../../../src/eval/open-ended/features.ts'
import { areaUnderCurve, fitTraitClassifier } from '../../../../src/eval/open-ended/trait-classifier.ts'

const THINGS = [
  'cars',
  'trees',
  'boats',
  'songs',
  'books',
  'maps',
  'hats',
  'stones',
  'lamps',
  'shoes',
  'clocks',
  'kites',
  'bells',
]
const statements = THINGS.flatMap((thing) => [
  { text: `I love the noise of ${thing}`, high: true },
  { text: `I always talk about ${thing}`, high: true },
  { text: `I hide away from ${thing}`, high: false },
  { text: `I keep silent near ${thing}`, high: false },
])

describe('features of a text', () => {
  it('have unit length, however long the text, and are zeros for no words', () => {
    for (const text of ['a', 'one two three', 'word '.repeat(300)]) expect(Math.hypot(...textFeatures(text))).toBeCloseTo(1, 12)
    expect(textFeatures('... !')).toEqual(new Float64Array(FEATURES))
  })

  it('do not tell case, punctuation or the kind of apostrophe', () => {
    expect(textFeatures('I DON’T know!')).toEqual(textFeatures("i don't, know"))
    expect(wordsOf("Don't 'quote' me")).toEqual(["don't", 'quote', 'me'])
  })

  it('tell the order of words', () => {
    expect(textFeatures('not happy but sad')).not.toEqual(textFeatures('not sad but happy'))
  })
})

describe('trait classifier', () => {
  const classifier = fitTraitClassifier({ trait: 'E', statements, seed: 3 })

  it('scores texts of either pole on their side of 0', () => {
    expect(classifier.score('I love the noise of trains')).toBeGreaterThan(0)
    expect(classifier.score('I keep silent near trains')).toBeLessThan(0)
  })

  it('scores a text said ten times as it scores the text', () => {
    const text = 'I love the noise'
    // Repeating adds one pair of words at every seam, which is all that may differ.
    expect(Math.sign(classifier.score(`${text}. `.repeat(10)))).toBe(Math.sign(classifier.score(text)))
    expect(classifier.score('talk')).toBeCloseTo(classifier.score('Talk!'), 12)
  })

  it('tells accuracy on a fifth of the statements, drawn by the seed', () => {
    expect(classifier).toMatchObject({ trait: 'E', statements: 52, heldOut: 10, heldOutAccuracy: 1, auc: 1 })
    const scoreOf = (seed: number) => fitTraitClassifier({ trait: 'E', statements, seed }).score('I love silent bells')
    expect(scoreOf(3)).toBe(scoreOf(3))
    expect(scoreOf(4)).not.toBe(scoreOf(3))
  })

  it('is at chance on labels that the words do not tell', () => {
    // Every text has a word of its own only: what was held out shares nothing with what was fitted.
    const noise = Array.from({ length: 400 }, (_, i) => ({ text: `thing${i}`, high: i % 2 === 0 }))
    const { auc } = fitTraitClassifier({ trait: 'E', statements: noise, seed: 1 })
    expect(Math.abs(auc - 0.5)).toBeLessThan(0.2)
  })

  it('counts a statement that stands twice once, and drops one that stands at both poles', () => {
    const doubled = [
      ...statements,
      ...statements.map(({ text, high }) => ({ text: `${text}.`.toUpperCase(), high })),
      { text: 'I am me', high: true },
      { text: 'I am me.', high: false },
      { text: 'i am ME', high: false },
    ]
    expect(fitTraitClassifier({ trait: 'E', statements: doubled, seed: 3 }).statements).toBe(52)
  })

  it('refuses a trait with hardly any statements of a pole', () => {
    expect(() => fitTraitClassifier({ trait: 'O', statements: statements.filter(({ high }) => high), seed: 0 })).toThrow(
      'trait O has 0 different statements of its low pole',
    )
  })
})

describe('area under the curve', () => {
  it('is the share of pairs in the right order, ties counting half', () => {
    // Positive 3 and 1, negative 2 and 1: right in (3, 2), (3, 1), tied in (1, 1), wrong in (1, 2).
    expect(areaUnderCurve([3, 1, 2, 1], [true, true, false, false])).toBe(2.5 / 4)
  })

  it('turns to one minus itself when the scores are turned', () => {
    const [scores, labels] = [
      [0.3, -1, 2, 5, 0.1],
      [true, false, false, true, true],
    ]
    const turned = scores.map((score) => -score)
    expect(areaUnderCurve(turned, labels)).toBeCloseTo(1 - areaUnderCurve(scores, labels), 12)
  })
})
