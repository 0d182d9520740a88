/**
 * @file Asks a demo model about simulated people it was not trained on and says whether it reaches the marks of the recipe. Nothing real is read.
 * Usage: tsx runs/respondent/check.ts FOLDER [PEOPLE], FOLDER from train.ts. Prints JSON.
 */

import { loadModel } from 'palign'
import { evaluate } from '../../src/eval/evaluate.ts'
import { IPIP_NEO_300 } from '../../src/items/ipip-neo.ts'
import { splitItems } from '../../src/items/item-split.ts'
import { seededRandom } from '../../src/math/random.ts'
import { simulateRespondents } from '../../src/people/simulate.ts'
import { characterOf } from './corpus.ts'
import { descriptionParts } from './documents.ts'
import { RECIPE } from './recipe.ts'
import { lastStage, type TrainedStage, trainedStages } from './trained.ts'

/** Rows that know other people learn from so many. */
const POPULATION = 500
/** Far from the seeds of the corpus. */
const SEED = RECIPE.seed + 500_000_000
const DESCRIBED = IPIP_NEO_300.facets.map(({ code }) => code)

export interface Check {
  readonly people: number
  /** Mean probability of an option letter where one is due. */
  readonly letterMass: number
  /** Mean absolute errors per item. */
  readonly errors: Readonly<Record<string, number>>
  /** Sum of five domains, with other persons' predictions minus with one's own. */
  readonly gains: Readonly<Record<string, number>>
  readonly marks: Readonly<Record<string, boolean>>
}

/** What runs/results/demo-model.json holds, besides the environment. */
export interface DemoModelResult extends Check {
  readonly seed: number
  readonly stages: readonly TrainedStage[]
}

async function check(folder: string, people: number): Promise<Check> {
  const population = simulateRespondents({ count: POPULATION, seed: SEED, questionnaire: IPIP_NEO_300 })
  const random = seededRandom(SEED)
  const descriptions = population.map((person) =>
    descriptionParts(characterOf(person), DESCRIBED, random)
      .map(({ text }) => text)
      .join(''),
  )
  const model = await loadModel(folder)
  try {
    const { rows } = await evaluate({
      model,
      methods: ['unchanged', 'personality-prompt', 'few-shot'],
      questionnaire: IPIP_NEO_300,
      ...splitItems(),
      population,
      rows: Array.from({ length: people }, (_, row) => row),
      descriptions,
      seed: RECIPE.seed,
    })
    const row = (arm: string) => rows.find((candidate) => candidate.arm === arm)!
    const errorOf = (arm: string) => row(arm).corrected.sum / 5
    const letterMass = 1 - Math.max(...rows.map(({ unanswered = 0 }) => unanswered))
    const gainLow = (arm: string) => row(arm).gain.interval[0]
    return {
      people,
      letterMass,
      errors: Object.fromEntries(rows.map(({ arm }) => [arm, errorOf(arm)])),
      gains: Object.fromEntries(rows.map(({ arm, gain }) => [arm, gain.value])),
      marks: {
        'letter mass above .98': letterMass > 0.98,
        'few-shot below item-median': errorOf('few-shot') < errorOf('item-median'),
        'few-shot gain above 0': gainLow('few-shot') > 0,
        'description gain above 0': gainLow('personality-prompt') > 0,
      },
    }
  } finally {
    await model.dispose()
  }
}

const [folder, people = '60'] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: tsx runs/respondent/check.ts FOLDER [PEOPLE]')
const stages = await trainedStages(folder)
const result: DemoModelResult = { seed: RECIPE.seed, stages, ...(await check(lastStage(folder), Number(people))) }
process.stdout.write(`${JSON.stringify(result, null, 1)}\n`)
