import { describe, expect, it } from 'vitest'
import { alignDpo, prepareDpo } from '../../../src/align/dpo.ts'
import { DPO, type DpoRecipe, dpoWithSteps } from '../../../src/align/dpo-recipe.ts'
import { PalignError } from '../../../src/errors.ts'
import { IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import type { TrainingBatch, TrainingRow } from '../../../src/model/trainer.ts'
import { simulateRespondents } from '../../../src/people/simulate.ts'
import { type FakeTrainerOptions, fakeTrainer } from '../../fixtures/fake-trainer.ts'
import { completionOf, TEXT_SHAPE, textModel } from '../../fixtures/text-model.ts'

const known = { ...splitItems().known, items: splitItems().known.items.slice(0, 12) }
const person = simulateRespondents({ count: 1, seed: 3, questionnaire: IPIP_NEO_300 })[0]!
const recipe: DpoRecipe = { ...DPO, steps: 6, batch: 3, accumulation: 2, divergence: { loss: 2, steps: 3 } }

async function trained(options: Partial<FakeTrainerOptions> = {}, used: DpoRecipe = recipe, seed = 1) {
  const trainer = fakeTrainer({ shape: TEXT_SHAPE, ...options })
  const prepared = await prepareDpo(textModel, trainer, IPIP_NEO_300, known, { recipe: used })
  const persona = await alignDpo(prepared, person, { seed })
  return { trainer, prepared, persona, training: persona.training! }
}

const pairsOf = (batches: readonly TrainingBatch[]) =>
  batches.flatMap((batch) => (batch.kind === 'preference' ? batch.pairs : []))

describe('direct preference optimisation', () => {
  it('takes the steps of the recipe, each from as many batches as it accumulates', async () => {
    const { trainer, training } = await trained()
    expect(trainer.steps.map((batches) => batches.map((batch) => pairsOf([batch]).length))).toEqual(Array(6).fill([3, 3]))
    expect(new Set(trainer.steps.flat().map((batch) => batch.kind === 'preference' && batch.beta))).toEqual(new Set([DPO.beta]))
    expect(training).toMatchObject({ steps: 6, finalLoss: Math.LN2 })
    expect(training.diverged).toBeUndefined()
  })

  it('begins anew for the person, with the schedule of the recipe and the seed of the run', async () => {
    const { trainer } = await trained({}, dpoWithSteps(DPO, 50), 9)
    expect(trainer.begun.at(-1)).toEqual({
      seed: 9,
      dropout: 0.05,
      learningRate: 5e-4,
      warmupSteps: 20,
      totalSteps: 50,
      finalFraction: 0,
      weightDecay: 0.05,
      clipNorm: 1,
    })
  })

  it('gives every pair the margin that the model has without the adapter, summed over tokens', async () => {
    const logProbability = ({ tokens, completionFrom }: TrainingRow, reference: boolean) =>
      // Another number for every letter; the adapted model would give something else.
      reference ? -(tokens[completionFrom + 'Option ('.length]! - 64) / 8 : -7
    const { trainer } = await trained({ logProbability })
    const sum = (row: TrainingRow) => logProbability(row, true) * completionOf(row).length
    for (const { chosen, rejected, referenceMargin } of pairsOf(trainer.steps.flat())) {
      expect(referenceMargin).toBeCloseTo(sum(chosen) - sum(rejected), 4)
      expect(referenceMargin).not.toBe(0)
    }
  })

  it('sees every pair once before any twice', async () => {
    const { trainer } = await trained({}, { ...recipe, steps: 40 })
    const seen = pairsOf(trainer.steps.flat()).map(({ chosen }) => textModel.decode(chosen.tokens))
    const distinct = new Set(seen).size
    expect(distinct).toBeGreaterThan(10)
    for (let epoch = 0; (epoch + 1) * distinct <= seen.length; epoch++) {
      expect(new Set(seen.slice(epoch * distinct, (epoch + 1) * distinct)).size).toBe(distinct)
    }
  })

  it('draws the same for the same seed, and otherwise for another', async () => {
    const order = async (seed: number) => JSON.stringify((await trained({}, recipe, seed)).trainer.steps)
    expect(await order(4)).toBe(await order(4))
    expect(await order(5)).not.toBe(await order(4))
  })

  it('stops when the loss has been too high for too long, and says so', async () => {
    const { trainer, training } = await trained({ loss: (step) => (step >= 2 ? 5 : 0.5) })
    expect(trainer.steps).toHaveLength(4)
    expect(training.diverged).toEqual({ step: 4, reason: 'loss above 2.00 for 3 steps, last 5.00' })
  })

  it('does not stop for losses that are high now and then', async () => {
    const { training } = await trained({ loss: (step) => (step % 3 === 0 ? 0.5 : 5) })
    expect(training).toMatchObject({ steps: 6 })
    expect(training.diverged).toBeUndefined()
  })

  it('stops where a step is not finite, and reports the last finite loss', async () => {
    const loss = (step: number) => {
      if (step === 3) throw new PalignError('non-finite', 'step 3 gives loss NaN')
      return 0.6
    }
    const { training } = await trained({ loss })
    expect(training).toMatchObject({ steps: 2, finalLoss: 0.6, diverged: { step: 3, reason: 'step 3 gives loss NaN' } })
  })

  it('does not take any other failure for divergence', async () => {
    const loss = () => {
      throw new PalignError('engine-failed', 'out of memory')
    }
    await expect(trained({ loss })).rejects.toMatchObject({ code: 'engine-failed' })
  })

  it('refuses a reference that is not finite before it trains on it', async () => {
    await expect(trained({ logProbability: () => Number.NaN })).rejects.toMatchObject({ code: 'non-finite' })
  })

  it('counts the tokens of the reference as shared and those of the steps as the person’s own', async () => {
    const { trainer, prepared, training } = await trained()
    const rows = prepared.questions.flatMap((question) => Object.values(question.rows))
    const length = (some: readonly TrainingRow[]) => some.reduce((sum, { tokens }) => sum + tokens.length, 0)
    const completed = (some: readonly TrainingRow[]) => some.reduce((sum, row) => sum + completionOf(row).length, 0)
    expect(prepared.shared).toEqual({
      forwardTokens: length(rows),
      meanRowTokens: length(rows) / rows.length,
      meanCompletionTokens: completed(rows) / rows.length,
    })
    const own = pairsOf(trainer.steps.flat()).flatMap(({ chosen, rejected }) => [chosen, rejected])
    expect(training).toMatchObject({ forwardTokens: 0, trainedTokens: length(own), adapterWeights: 10 })
    expect(training.meanRowTokens).toBeCloseTo(length(own) / own.length, 10)
    expect(training.meanCompletionTokens).toBeCloseTo(completed(own) / own.length, 10)
  })

  it('ends early when it is aborted', async () => {
    const trainer = fakeTrainer({ shape: TEXT_SHAPE })
    const prepared = await prepareDpo(textModel, trainer, IPIP_NEO_300, known, { recipe })
    const controller = new AbortController()
    const onProgress = ({ done }: { done: number }) => done === 2 && controller.abort()
    await expect(alignDpo(prepared, person, { signal: controller.signal, onProgress })).rejects.toMatchObject({ code: 'aborted' })
    expect(trainer.steps).toHaveLength(2)
  })
})
