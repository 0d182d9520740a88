import { describe, expect, it } from 'vitest'
import { correctedErrors, meanErrors, publishedErrors, sumsOfDomains } from '../../../src/eval/alignment-error.ts'
import { answerTable } from '../../../src/eval/answer-table.ts'
import { floors, populationOf, roundedWorded, unroundedWorded } from '../../../src/eval/floors.ts'
import { personalisationGains } from '../../../src/eval/personalisation.ts'
import { DOMAINS, IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import type { Answer } from '../../../src/items/questionnaire.ts'
import { simulateRespondents } from '../../../src/people/simulate.ts'
import { papi300 } from '../../fixtures/papi-300.ts'
import { hasSharedData } from '../../shared-data.ts'

const { known, heldOut } = splitItems()
const floor = (arm: string) => floors().find((candidate) => candidate.arm === arm)!

describe.skipIf(!hasSharedData)('floors on the 300 test persons of ../shared', () => {
  const persons = hasSharedData ? papi300() : []
  const answers = answerTable(persons, heldOut.items)
  const population = populationOf(persons, known, heldOut)

  // evaluation protocol, section 4.1: sum5 corrected, A C E N O, exact hits, sum5 published
  it.each([
    ['constant-1', 10.491, [2.048, 2.122, 2.137, 2.086, 2.098], 0.043, 11.678],
    ['constant-2', 5.922, [1.128, 1.183, 1.21, 1.157, 1.243], 0.244, 6.859],
    ['constant-3', 3.792, [0.708, 0.718, 0.752, 0.723, 0.891], 0.331, 3.799],
    ['constant-4', 4.97, [1.019, 0.951, 0.946, 0.979, 1.075], 0.336, 4.045],
    ['constant-5', 9.509, [1.952, 1.878, 1.863, 1.914, 1.902], 0.046, 8.329],
    ['item-median', 2.894, [0.577, 0.537, 0.596, 0.668, 0.517], 0.483, 4.408],
    ['own-facet', 2.739, [0.603, 0.49, 0.552, 0.552, 0.542], 0.522, 4.783],
    ['own-facet-trait', 2.624, [0.559, 0.461, 0.541, 0.521, 0.543], 0.531, 4.539],
    ['ridge', 1.943, [0.41, 0.359, 0.387, 0.401, 0.387], 0.628, 4.239],
  ] as const)('%s gives the errors of the protocol', (arm, sum, domains, exact, published) => {
    const predictions = roundedWorded(floor(arm).predict(population), heldOut.items)
    const corrected = meanErrors(correctedErrors(predictions, answers))
    // The protocol prints three digits.
    const near = (value: number, expected: number) => expect(Math.abs(value - expected)).toBeLessThan(0.0015)
    near(corrected.sum, sum)
    for (const [i, domain] of DOMAINS.entries()) near(corrected[domain], domains[i]!)
    near(meanErrors(publishedErrors(predictions, answers)).sum, published)
    const answered = answers.worded.filter((answer) => answer !== 0).length
    near(predictions.filter((prediction, at) => prediction === answers.worded[at]).length / answered, exact)
  })

  it('gives the published errors of letter A everywhere to the last digit', () => {
    const errors = meanErrors(publishedErrors(new Float32Array(300 * 180).fill(5), answers))
    const expected = { A: 1.6527778, C: 1.5555556, E: 1.6622222, N: 2.1134259, O: 1.3448148 }
    for (const domain of DOMAINS) expect(errors[domain]).toBeCloseTo(expected[domain], 6)
  })

  // evaluation protocol, section 4.3: unrounded predictions
  it.each([
    ['constant-3', 3.792, 0],
    ['own-facet', 2.894, 1.376],
    ['own-facet-trait', 2.864, 1.273],
    ['ridge', 2.294, 1.291],
  ] as const)('%s gains over the wrong person what the protocol says', (arm, own, gain) => {
    const predictions = unroundedWorded(floor(arm).predict(population), heldOut.items)
    const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length
    expect(Math.abs(mean(sumsOfDomains(correctedErrors(predictions, answers))) - own)).toBeLessThan(0.0015)
    expect(Math.abs(mean(personalisationGains(predictions, answers)) - gain)).toBeLessThan(0.0015)
  })
})

describe('errors and floors', () => {
  const persons = simulateRespondents({ count: 40, seed: 3, questionnaire: IPIP_NEO_300 })
  const answers = answerTable(persons, heldOut.items)
  const population = populationOf(persons, known, heldOut)

  it('gives a truthful answer no corrected error, and a published one on minus items', () => {
    expect(meanErrors(correctedErrors(answers.worded, answers)).sum).toBe(0)
    expect(meanErrors(publishedErrors(answers.worded, answers)).sum).toBeGreaterThan(1)
  })

  it('leaves missing answers out of the corrected error, and counts them as 0 in the published one', () => {
    const [person] = persons
    const byItem = new Map([...person!.answers.byItem].filter(([item]) => item !== heldOut.items[0]!.itemNumber))
    const missing = answerTable([{ ...person!, answers: { coding: 'worded', byItem } }], heldOut.items)
    const predictions = Float32Array.from(missing.worded, (answer) => answer || 5)
    expect(meanErrors(correctedErrors(predictions, missing)).sum).toBe(0)
    const truthful = meanErrors(
      publishedErrors(Float32Array.from(answers.worded.subarray(0, 180)), answerTable([person!], heldOut.items)),
    ).sum
    expect(meanErrors(publishedErrors(predictions, missing)).sum).not.toBeCloseTo(truthful, 3)
  })

  it('never lets a person predict their own item median', () => {
    // Everybody answers 1 but one person, who answers 5: their own answer must not be in their median.
    const odd = persons.map((person, i) => ({
      ...person,
      answers: {
        coding: 'worded' as const,
        byItem: new Map(IPIP_NEO_300.items.map((item) => [item.itemNumber, (i === 0 ? 5 : 1) as Answer])),
      },
    }))
    const predictions = roundedWorded(floor('item-median').predict(populationOf(odd.slice(0, 2), known, heldOut)), heldOut.items)
    expect(new Set(predictions.subarray(0, 180))).toEqual(new Set([1]))
    expect(new Set(predictions.subarray(180))).toEqual(new Set([5]))
  })

  it('predicts simulated people better from their facets than from a constant, and gains over the wrong person', () => {
    const own = roundedWorded(floor('own-facet').predict(population), heldOut.items)
    expect(meanErrors(correctedErrors(own, answers)).sum).toBeLessThan(
      meanErrors(correctedErrors(new Float32Array(own.length).fill(3), answers)).sum,
    )
    expect(Math.min(...personalisationGains(own, answers))).toBeGreaterThan(0)
  })

  it('gains nothing with the same prediction for everybody', () => {
    const gains = personalisationGains(new Float32Array(answers.worded.length).fill(4), answers)
    expect(Math.max(...gains.map(Math.abs))).toBeLessThan(1e-12)
  })
})
