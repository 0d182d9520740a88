import { describe, expect, it } from 'vitest'
import { costMeter, storedBytes } from '../../../src/eval/cost.ts'
import { formatCosts } from '../../../src/eval/format-costs.ts'
import type { TableRow } from '../../../src/eval/table.ts'
import { forwardFlops, NO_USAGE, trainingFlops } from '../../../src/model/flops.ts'
import type { AdapterPersona, Persona } from '../../../src/persona/persona.ts'
import { TEXT_SHAPE, textModel } from '../../fixtures/text-model.ts'

const counted = { shape: TEXT_SHAPE, layerWeights: 20 }
const rows = { forwardTokens: 30, trainedTokens: 100, meanRowTokens: 10, meanCompletionTokens: 4, adapterWeights: 8 }

const trained = (diverged: boolean): AdapterPersona => ({
  kind: 'adapter',
  method: 'dpo',
  model: undefined,
  shape: undefined,
  adapter: {
    rank: 1,
    alpha: 1,
    targets: ['q_proj'],
    pairs: new Map([['x.q_proj', { a: new Float32Array(3), b: new Float32Array(5) }]]),
  },
  training: {
    hyperparameters: {},
    steps: 1,
    finalLoss: 1,
    curve: [{ step: 1, loss: 1 }],
    ...(diverged && { diverged: { step: 1, reason: 'x' } }),
    ...rows,
  },
  provenance: undefined,
})

/** A model whose forward passes are said to have happened. */
function countingModel(layerWeights: number | undefined = 20) {
  let forwardTokens = 0
  return {
    model: { ...textModel, layerWeights, usage: async () => ({ ...NO_USAGE, forwardTokens }) },
    forward: (tokens: number) => {
      forwardTokens += tokens
    },
  }
}

describe('cost of an arm', () => {
  it('puts tokens and operations into the stage that was on, and divides all but the shared ones by persons', async () => {
    const { model, forward } = countingModel()
    forward(1000)
    const meter = await costMeter(model)
    forward(7)
    for (let person = 0; person < 2; person++) {
      meter.enter('optimisation')
      forward(20)
      meter.enter('search')
      forward(6)
      meter.enter('optimisation')
      forward(2)
      meter.enter('answer')
      meter.addPersona({ kind: 'prompt', method: 'few-shot', system: 'é' })
      forward(40)
    }
    const flops = (tokens: number) => forwardFlops(counted, { ...NO_USAGE, forwardTokens: tokens })
    const cost = await meter.finish(2)
    expect(cost).toMatchObject({
      sharedForwardTokens: 7,
      optimisationForwardTokensPerPerson: 22,
      searchForwardTokensPerPerson: 6,
      answerForwardTokensPerPerson: 40,
      trainedTokensPerPerson: 0,
      sharedFlops: flops(7),
      optimisationFlopsPerPerson: flops(22),
      searchFlopsPerPerson: flops(6),
      answerFlopsPerPerson: flops(40),
      totalFlops: flops(7 + 2 * (22 + 6 + 40)),
      storedBytesPerPerson: 2,
    })
    expect(cost.divergedPersons).toBeUndefined()
  })

  it('has seconds that add up: shared once, the others for every person', async () => {
    const { model } = countingModel()
    const meter = await costMeter(model)
    const stages = ['optimisation', 'search', 'optimisation', 'answer', 'optimisation', 'search', 'answer'] as const
    for (const stage of stages) {
      meter.enter(stage)
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
    const cost = await meter.finish(3)
    const { optimisationSecondsPerPerson, searchSecondsPerPerson, answerSecondsPerPerson } = cost
    const perPerson = optimisationSecondsPerPerson! + searchSecondsPerPerson! + answerSecondsPerPerson!
    expect(cost.alignSecondsPerPerson).toBeCloseTo(optimisationSecondsPerPerson! + searchSecondsPerPerson!, 12)
    expect(cost.totalSeconds).toBeCloseTo(cost.sharedSeconds! + 3 * perPerson, 12)
    for (const seconds of [optimisationSecondsPerPerson, searchSecondsPerPerson, answerSecondsPerPerson])
      expect(seconds).toBeGreaterThan(0)
  })

  it('adds what a trainer did to the optimisation, and its shared part to the shared one', async () => {
    const { model, forward } = countingModel()
    const meter = await costMeter(model)
    meter.addShared({ shared: { forwardTokens: 50, meanRowTokens: 10, meanCompletionTokens: 4 } })
    meter.enter('optimisation')
    forward(5)
    meter.enter('answer')
    meter.addPersona(trained(false))
    meter.addPersona(trained(true))
    expect(await meter.finish(2)).toMatchObject({
      sharedForwardTokens: 50,
      sharedFlops: trainingFlops(counted, { ...rows, forwardTokens: 50, trainedTokens: 0, adapterWeights: 0 }),
      optimisationForwardTokensPerPerson: 30 + 5 / 2,
      trainedTokensPerPerson: 100,
      optimisationFlopsPerPerson: trainingFlops(counted, rows) + forwardFlops(counted, { ...NO_USAGE, forwardTokens: 5 }) / 2,
      storedBytesPerPerson: 4 * (3 + 5),
      divergedPersons: 1,
    })
  })

  it('has no operations where the model does not say its sizes', async () => {
    const { layerWeights: _, ...model } = countingModel().model
    const cost = await (await costMeter(model)).finish(1)
    expect(Object.keys(cost).filter((name) => /flops/i.test(name))).toEqual([])
  })

  it('counts whom training never rewarded: the model named no option', async () => {
    const never = trained(false)
    const curve = [-6, -6].map((reward, step) => ({ step, loss: 0, reward }))
    const meter = await costMeter(countingModel().model)
    meter.addPersona({ ...never, training: { ...never.training!, curve } })
    meter.addPersona({ ...never, training: { ...never.training!, curve: [...curve, { step: 3, loss: 0, reward: -5.9 }] } })
    meter.addPersona(never)
    const cost = await meter.finish(3)
    expect(cost.unrewardedPersons).toBe(1)
    expect(formatCosts([{ arm: 'ppo', cost } as TableRow])).toContain('ppo never wrote the text of an option for 1 persons')
  })

  it('begins the peak of memory anew', async () => {
    let peak = 900
    const resetPeak = () => {
      peak = 100
    }
    const process = { resetPeak, peakBytes: () => peak, processorSeconds: () => 0 }
    const meter = await costMeter(countingModel().model, process)
    peak += 11
    expect((await meter.finish(1)).peakMemoryBytes).toBe(111)
  })

  it('counts the processor time of optimisation and search, of nothing else', async () => {
    let seconds = 5
    const process = { resetPeak() {}, peakBytes: () => 0, processorSeconds: () => seconds }
    const meter = await costMeter(countingModel().model, process)
    for (const [stage, spent] of [
      ['optimisation', 100],
      ['search', 3],
      ['answer', 7],
      ['optimisation', 1000],
      ['shared', 4],
    ] as const) {
      // What was spent before this belongs to the stage that ends here.
      seconds += spent
      meter.enter(stage)
    }
    expect((await meter.finish(2)).alignProcessorSecondsPerPerson).toBe((3 + 7 + 4) / 2)
  })
})

describe('bytes kept of a person', () => {
  it('are those of the numbers', () => {
    const steering = {
      kind: 'steering',
      interventions: [{ layer: 0, head: 0, direction: new Float32Array(16), sigma: 1 }],
    } as unknown as Persona
    expect(storedBytes({ kind: 'none' })).toBe(0)
    expect(storedBytes({ kind: 'prompt', method: 'x', system: 'aé' })).toBe(3)
    // Alpha; and of the head 16 numbers, sigma, layer and head.
    expect(storedBytes(steering)).toBe(8 + 16 * 4 + 8 + 4)
    expect(storedBytes(trained(false))).toBe(32)
  })
})

describe('table of costs', () => {
  const row = (arm: string, cost: TableRow['cost'], hyperparameters?: TableRow['hyperparameters']) =>
    ({ arm, cost, hyperparameters }) as TableRow
  const cost = { sharedSeconds: 1, optimisationSecondsPerPerson: 2, searchSecondsPerPerson: 3, totalSeconds: 30 }

  it('shows methods and not floors, and what the trained ones were run with', () => {
    const text = formatCosts([row('dpo', cost, { beta: 0.1, steps: 5 }), row('ridge', { sharedSeconds: 1 })])
    expect(text).toContain('dpo: beta 0.1, steps 5')
    expect(text).not.toContain('ridge')
    expect(formatCosts([row('ridge', { sharedSeconds: 1 })])).toBe('')
  })

  it('says whose training diverged', () => {
    expect(formatCosts([row('dpo', { ...cost, divergedPersons: 2 })])).toMatch(/^dpo !/m)
    expect(formatCosts([row('dpo', { ...cost, divergedPersons: 2 })])).toContain('diverged and was stopped for 2 persons')
  })
})
