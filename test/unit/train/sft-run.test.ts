import { describe, expect, it } from 'vitest'
import type { TrainingBatch } from '../../../src/model/trainer.ts'
import { documentStore } from '../../../src/train/document-store.ts'
import type { StepOptions } from '../../../src/train/model-trainer.ts'
import { RUN_START, type RunOptions, stepsOfEpochs, type TrainingStage, trainingSteps } from '../../../src/train/sft-run.ts'

/** Documents of one token repeated, so that a batch shows what it holds. */
function store(first: number, count: number) {
  const documents = documentStore(1000)
  for (let i = 0; i < count; i++)
    documents.add({ tokens: new Array(20 + i).fill(first + i), weights: new Array(20 + i).fill(1), packs: false })
  return documents
}

const shapes = { batchTokens: 128, contextLength: 64, packTokens: 0 }
const stage = (fields: Partial<TrainingStage>): TrainingStage => ({
  store: store(1, 10),
  steps: 7,
  tokensPerStep: 256,
  learningRate: 0.1,
  warmupSteps: 2,
  finalFraction: 0.5,
  ...fields,
})
const stages = [stage({}), stage({ store: store(101, 10), steps: 5, learningRate: 1 })]

/** A trainer whose loss tells what it was given. */
async function taken(options: Omit<RunOptions, 'shapes' | 'seed'>) {
  const given: { batches: readonly TrainingBatch[]; learningRate: number | undefined }[] = []
  const trainer = {
    async step(batches: readonly TrainingBatch[], { learningRate }: StepOptions = {}) {
      given.push({ batches, learningRate })
      return { loss: given.length, gradientNorm: 1, learningRate: learningRate as number }
    },
  }
  const steps = []
  for await (const step of trainingSteps(trainer, { shapes, seed: 3, ...options })) steps.push(step)
  return { given, steps }
}

describe('a training run', () => {
  it('takes the steps of every stage with its own data and learning rates', async () => {
    const { given, steps } = await taken({ stages })
    expect(steps.map(({ record }) => record.stage)).toEqual([1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2])
    expect(steps.map(({ record }) => record.step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
    const tokensOf = (batch: TrainingBatch) => (batch.kind === 'likelihood' ? batch.rows.map(({ tokens }) => tokens[0]!) : [])
    expect(given.map(({ batches }) => batches.flatMap(tokensOf).some((token) => token > 100))).toEqual(
      steps.map(({ record }) => record.stage === 2),
    )
    const rates = given.map(({ learningRate }) => learningRate!)
    expect(rates[0]).toBeCloseTo(0.05, 12)
    expect(rates[1]).toBeCloseTo(0.1, 12)
    expect(rates[6]).toBeLessThan(rates[2]!)
    expect(rates[7]).toBeCloseTo(0.5, 12)
  })

  it('adds up as many batches as a step has tokens for', async () => {
    const { given } = await taken({ stages: [stage({ steps: 2 })] })
    for (const { batches } of given) expect(batches).toHaveLength(2)
  })

  it('goes on from any place as if it had never stopped', async () => {
    const whole = await taken({ stages })
    for (const done of [1, 6, 7, 8, 11]) {
      const rest = await taken({ stages, from: whole.steps[done - 1]!.place })
      expect(rest.given).toEqual(whole.given.slice(done))
      expect(rest.steps.map(({ place }) => place)).toEqual(whole.steps.slice(done).map(({ place }) => place))
    }
    expect((await taken({ stages, from: whole.steps.at(-1)!.place })).steps).toEqual([])
  })

  it('counts the steps that take every document so often', async () => {
    const documents = store(1, 10)
    const steps = stepsOfEpochs(documents, { epochs: 3, shapes, seed: 3, stage: 0, tokensPerStep: 128 })
    const { given } = await taken({ stages: [stage({ store: documents, steps, tokensPerStep: 128 })], from: RUN_START })
    const counts = new Map<number, number>()
    for (const { batches } of given)
      for (const batch of batches)
        if (batch.kind === 'likelihood')
          for (const { tokens } of batch.rows) if (tokens[0]! > 0) counts.set(tokens[0]!, (counts.get(tokens[0]!) ?? 0) + 1)
    expect([...counts.values()]).toEqual(new Array(10).fill(3))
  })
})
