import { describe, expect, it } from 'vitest'
import { answerTable } from '../../../src/eval/answer-table.ts'
import { floors, populationOf, roundedWorded, unroundedWorded } from '../../../src/eval/floors.ts'
import { identification } from '../../../src/eval/identification.ts'
import { likeness, weightedKappa } from '../../../src/eval/likeness.ts'
import { responseStyles } from '../../../src/eval/response-style.ts'
import { IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import { mean, sampleDeviation } from '../../../src/math/statistics.ts'
import { simulateRespondents } from '../../../src/people/simulate.ts'
import { papi300 } from '../../fixtures/papi-300.ts'
import { hasSharedData } from '../../shared-data.ts'

const { known, heldOut } = splitItems()

/** The protocol prints three digits. */
const near = (value: number, expected: number) => expect(Math.abs(value - expected)).toBeLessThan(0.0015)

describe.skipIf(!hasSharedData)('likeness on the 300 test persons of ../shared', () => {
  const persons = hasSharedData ? papi300() : []
  const answers = answerTable(persons, heldOut.items)
  const population = populationOf(persons, known, heldOut)
  const keyed = (arm: string) =>
    floors()
      .find((floor) => floor.arm === arm)!
      .predict(population)

  // evaluation protocol, section 4.3: profile r, distinctive r, item r, domain r, kappa, spread; unrounded predictions
  it.each([
    ['own-facet', 0.616, 0.46, 0.542, 0.929, 0.612, 0.858],
    ['own-facet-trait', 0.63, 0.458, 0.556, 0.929, 0.605, 0.759],
    ['ridge', 0.774, 0.622, 0.639, 0.942, 0.728, 0.584],
  ] as const)('%s has the correlations of the protocol', (arm, profile, distinctive, item, domain, kappa, spread) => {
    const predictions = unroundedWorded(keyed(arm), heldOut.items)
    const found = likeness(predictions, answers)
    near(found.profile, profile)
    near(found.distinctive, distinctive)
    near(found.item, item)
    near(found.domain, domain)
    near(weightedKappa(predictions, answers), kappa)
    near(found.spread, spread)
  })

  it('finds item medians like the answers inside a person, and nothing of the person in them', () => {
    const predictions = unroundedWorded(keyed('item-median'), heldOut.items)
    const found = likeness(predictions, answers)
    near(found.profile, 0.544)
    near(weightedKappa(predictions, answers), 0.522)
    near(found.spread, 0.007)
    expect(Math.abs(found.distinctive)).toBeLessThan(0.005)
  })

  it.each([
    ['constant-3', 0.003, 0, 0],
    ['own-facet', 0.29, 0.487, 0.787],
    ['own-facet-trait', 0.237, 0.493, 0.79],
    ['ridge', 0.2, 0.593, 0.923],
  ] as const)('%s identifies as many as the protocol says', (arm, person, prediction, amongFive) => {
    const found = identification(unroundedWorded(keyed(arm), heldOut.items), answers)
    near(found.personOfPrediction, person)
    near(found.predictionOfPerson, prediction)
    near(found.predictionAmongFive, amongFive)
  })

  it('rounded ridge has the correlations of the protocol', () => {
    const found = likeness(roundedWorded(keyed('ridge'), heldOut.items), answers)
    near(found.profile, 0.72)
    near(found.distinctive, 0.523)
    near(found.spread, 0.699)
  })

  it('people answer in the styles of the protocol', () => {
    const styles = responseStyles(answers.worded, answers)
    const acquiescence = styles.map((style) => style.acquiescence)
    near(mean(acquiescence), 3.084)
    near(sampleDeviation(acquiescence), 0.104)
    near(mean(styles.map(({ negationConsistency }) => negationConsistency)), 0.575)
    near(mean(styles.map(({ extremity }) => extremity)), 0.089)
    const whole = answerTable(persons, IPIP_NEO_300.items)
    near(mean(responseStyles(whole.worded, whole).map((style) => style.acquiescence)), 3.072)
  })
})

describe('likeness', () => {
  const persons = simulateRespondents({ count: 30, seed: 4, questionnaire: IPIP_NEO_300 })
  const answers = answerTable(persons, heldOut.items)
  const reversed = answers.worded.map((answer) => 6 - answer)

  it('is whole for the answers themselves and turned round for their mirror', () => {
    expect(likeness(answers.worded, answers)).toEqual({
      profile: expect.closeTo(1, 10),
      distinctive: expect.closeTo(1, 10),
      item: expect.closeTo(1, 10),
      domain: expect.closeTo(1, 10),
      spread: 1,
    })
    expect(weightedKappa(answers.worded, answers)).toBe(1)
    const mirror = likeness(reversed, answers)
    for (const correlation of [mirror.profile, mirror.item, mirror.domain]) expect(correlation).toBeCloseTo(-1, 10)
    expect(weightedKappa(reversed, answers)).toBeLessThan(0)
    expect(
      weightedKappa(new Float32Array(answers.worded.length).fill(3), { ...answers, worded: answers.worded.map(() => 3) }),
    ).toBe(0)
  })

  it('identifies everybody by their own answers, and nobody where all predictions are the same', () => {
    expect(identification(answers.worded, answers)).toEqual({
      personOfPrediction: 1,
      predictionOfPerson: 1,
      predictionAmongFive: 1,
    })
    const same = identification(new Float32Array(answers.worded.length).fill(4), answers)
    expect(same.predictionOfPerson).toBe(0)
    expect(same.predictionAmongFive).toBe(0)
  })

  it('finds yes-sayers, extreme answers and contradictions', () => {
    const style = (values: ArrayLike<number>) => responseStyles(values, answers)[0]!
    expect(style(new Uint8Array(answers.worded.length).fill(5))).toEqual({
      acquiescence: 5,
      negationConsistency: 0,
      extremity: 1,
    })
    expect(style(new Uint8Array(answers.worded.length).fill(3))).toEqual({
      acquiescence: 3,
      negationConsistency: 0,
      extremity: 0,
    })
    // Facets high and low by turns, told by plus and minus items alike, or by both in the same direction.
    const facets = [...new Set(heldOut.items.map(({ facet }) => facet))]
    const high = (facet: string | undefined) => facets.indexOf(facet) % 2 === 0
    const consistent = answers.worded.map((_, at) => {
      const { facet, keying } = heldOut.items[at % heldOut.items.length]!
      return high(facet) === (keying === 1) ? 5 : 1
    })
    const contradictory = answers.worded.map((_, at) => (high(heldOut.items[at % heldOut.items.length]!.facet) ? 5 : 1))
    expect(style(consistent).negationConsistency).toBeCloseTo(1, 10)
    expect(style(contradictory).negationConsistency).toBeCloseTo(-1, 10)
  })

  it('leaves missing answers out', () => {
    const worded = answers.worded.map((answer, at) => (at % 7 === 0 ? 0 : answer))
    const missing = { ...answers, worded }
    const wild = Float32Array.from(answers.worded, (answer, at) => (at % 7 === 0 ? 1e6 : answer))
    expect(likeness(wild, missing).profile).toBeCloseTo(1, 10)
    expect(responseStyles(wild, missing)[0]!.acquiescence).toBeLessThan(5)
  })
})
