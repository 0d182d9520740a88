/** @file The trainer of adapters on ONNX Runtime, beside the engine that will use what it makes. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openEngine } from '../../../src/engine/open-engine.ts'
import { modelShape } from '../../../src/graph/llama-config.ts'
import { locateWeights } from '../../../src/graph/weights.ts'
import { seededRandom } from '../../../src/math/random.ts'
import type { Adapter, AdapterConfig } from '../../../src/model/adapter.ts'
import type { TokenModel } from '../../../src/model/language-model.ts'
import type { AdapterTrainer, PreferencePair, Rollout, TrainingBatch, TrainingRow } from '../../../src/model/trainer.ts'
import { adapterTrainer } from '../../../src/train/ort-trainer.ts'
import { randomModel } from '../../fixtures/random-model.ts'
import { nodeRuntime, readHeaders } from '../open-model.ts'

const files = randomModel()
const { config } = files
const adapter: AdapterConfig = { rank: 4, alpha: 8, targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj'] }
const runtime = nodeRuntime(files)
let engine: TokenModel
let trainer: AdapterTrainer
beforeAll(async () => {
  const headers = await readHeaders(files)
  engine = await openEngine({ config, files: headers, runtime })
  trainer = adapterTrainer({
    config,
    shape: modelShape(config),
    weights: locateWeights(config, headers),
    adapter,
    runtime: { Tensor: runtime.Tensor, createSession: (graph) => runtime.createSession(graph, 'decode') },
  })
})
afterAll(async () => {
  await trainer.dispose()
  await engine.dispose()
  runtime.close()
})

const random = seededRandom(11)
const tokens = (count: number) => Array.from({ length: count }, () => Math.floor(random() * config.vocabSize))
/** Prompts and completions of different lengths; rows of one prompt come in pairs. */
const [rows, mirrors] = (() => {
  const shapes = [
    [5, 1],
    [17, 3],
    [9, 6],
    [2, 2],
  ] as const
  const prompts = shapes.map(([prompt]) => tokens(prompt))
  const completed = () =>
    shapes.map(
      ([prompt, completion], i): TrainingRow => ({
        tokens: [...prompts[i]!, ...tokens(completion)],
        completionFrom: prompt,
      }),
    )
  return [completed(), completed()]
})()

const sum = (values: ArrayLike<number>) => Array.from(values).reduce((total, value) => total + value, 0)
const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)
const sums = async (some: readonly TrainingRow[], reference = false) =>
  (await trainer.logProbabilities(some, { reference })).map(sum)

async function scored(some: readonly TrainingRow[], used?: Adapter): Promise<number[]> {
  const requests = some.map((row) => ({
    tokens: Array.from(row.tokens).slice(0, row.completionFrom),
    continuations: [Array.from(row.tokens).slice(row.completionFrom)],
  }))
  return (await engine.score(requests, { adapter: used })).map(([score]) => score!)
}

async function pairsOf(): Promise<PreferencePair[]> {
  const [chosen, rejected] = [await sums(rows, true), await sums(mirrors, true)]
  return rows.map((row, i) => ({ chosen: row, rejected: mirrors[i]!, referenceMargin: chosen[i]! - rejected[i]! }))
}

const OPTIMISER = { seed: 3, learningRate: 5e-3 }
beforeEach(() => trainer.begin(OPTIMISER))

async function prefer(steps: number, beta = 0.5): Promise<number[]> {
  const pairs = await pairsOf()
  const losses: number[] = []
  for (let step = 0; step < steps; step++) losses.push((await trainer.step([{ kind: 'preference', pairs, beta }])).loss)
  return losses
}

// Two graphs of one model in single precision, log-probabilities of up to 40 nats: seen is 1e-5.
const SAME = 1e-4
/** The update is computed in another order as well. */
const SAME_ADAPTED = 2e-4

describe('log-probabilities', () => {
  it('of an adapter that has not been trained, and of the reference, are what the engine gives', async () => {
    const expected = await scored(rows)
    expect(distance(await sums(rows), expected)).toBeLessThan(SAME)
    expect(distance(await sums(rows, true), expected)).toBeLessThan(SAME)
  })

  it('of the reference stay when the adapter moves; those of the policy do not', async () => {
    const before = await sums(rows, true)
    await prefer(10)
    expect(await sums(rows, true)).toEqual(before)
    expect(distance(await sums(rows), before)).toBeGreaterThan(0.1)
  })

  it('of a trained adapter are what the engine gives with it', async () => {
    await prefer(20)
    const trained = await trainer.adapter()
    expect(distance(await sums(rows), await scored(rows, trained))).toBeLessThan(SAME_ADAPTED)
    expect(distance(await scored(rows, trained), await scored(rows))).toBeGreaterThan(0.1)
  })

  it('do not depend on the rows beside them, nor on dropout', async () => {
    await trainer.begin({ ...OPTIMISER, dropout: 0.5 })
    await prefer(5)
    const together = await trainer.logProbabilities(rows)
    for (const [i, row] of rows.entries()) {
      const [alone] = await trainer.logProbabilities([row])
      expect(alone!.length).toBe(row.tokens.length - row.completionFrom)
      expect(distance(alone!, together[i]!)).toBeLessThan(SAME)
    }
  })
})

describe('preference step', () => {
  it('begins at ln 2 and lowers the loss', async () => {
    const losses = await prefer(30)
    // Reference margins are rounded to single precision: about 40 nats times 6e-8, times beta.
    expect(losses[0]).toBeCloseTo(Math.LN2, 5)
    expect(losses.at(-1)).toBeLessThan(0.2)
  })

  it('has the loss of the formula', async () => {
    const beta = 0.5
    await prefer(5)
    const [chosen, rejected] = [await sums(rows), await sums(mirrors)]
    const pairs = await pairsOf()
    const losses = pairs.map(({ referenceMargin }, i) =>
      Math.log1p(Math.exp(-beta * (chosen[i]! - rejected[i]! - referenceMargin))),
    )
    const { loss } = await trainer.step([{ kind: 'preference', pairs, beta }])
    expect(loss).toBeCloseTo(sum(losses) / losses.length, 4)
  })

  it('takes the mean of accumulated batches: two of two are one of four', async () => {
    const pairs = await pairsOf()
    const batch = (some: readonly PreferencePair[]) => ({ kind: 'preference' as const, pairs: some, beta: 0.5 })
    const whole = await trainer.step([batch(pairs)])
    await trainer.begin(OPTIMISER)
    const halves = await trainer.step([batch(pairs.slice(0, 2)), batch(pairs.slice(2))])
    expect(halves.loss).toBeCloseTo(whole.loss, 5)
    expect(halves.gradientNorm / whole.gradientNorm).toBeCloseTo(1, 4)
  })

  it('follows the schedule it was begun with', async () => {
    await trainer.begin({ ...OPTIMISER, warmupSteps: 2, totalSteps: 4, finalFraction: 0 })
    const pairs = await pairsOf()
    const rates: number[] = []
    for (let step = 0; step < 4; step++) rates.push((await trainer.step([{ kind: 'preference', pairs, beta: 0.5 }])).learningRate)
    expect(rates.map((rate) => rate / OPTIMISER.learningRate)).toEqual([0.5, 1, 1, expect.closeTo(0.5, 10)])
  })

  it('drops inputs of the adapter in training, others in every step', async () => {
    const preference: TrainingBatch = { kind: 'preference', pairs: await pairsOf(), beta: 0.5 }
    const lossesAt = async (dropout: number) => {
      // Nothing moves but B in one large step; then the loss shows which inputs of the pair are there.
      await trainer.begin({ ...OPTIMISER, learningRate: 0.05, dropout })
      const losses: number[] = []
      for (let step = 0; step < 3; step++) losses.push((await trainer.step([preference])).loss)
      return losses
    }
    const [kept, dropped] = [await lossesAt(0), await lossesAt(0.5)]
    expect(dropped[0]).toBeCloseTo(kept[0]!, 6)
    expect(Math.abs(dropped[1]! - kept[1]!)).toBeGreaterThan(1e-4)
    await trainer.begin({ ...OPTIMISER, learningRate: 1e-30, dropout: 0.5 })
    expect((await trainer.step([preference])).gradientNorm).not.toBe((await trainer.step([preference])).gradientNorm)
  })

  it('gives the same adapter for the same seed, with dropout as well', async () => {
    const run = async () => {
      await trainer.begin({ ...OPTIMISER, dropout: 0.3 })
      await prefer(3)
      return trainer.adapter()
    }
    expect(await run()).toEqual(await run())
  })

  it('counts what it was given, from the beginning of a person on', async () => {
    const length = sum([...rows, ...mirrors].map((row) => row.tokens.length))
    await prefer(2)
    expect(trainer.usage()).toEqual({ forwardTokens: length, trainedTokens: 2 * length, steps: 2 })
  })
})

describe('policy step', () => {
  const CLIP = 0.2
  /** @param ratio of the policy now to the one that is said to have sampled */
  const rollouts = async (advantage: number, ratio = 1): Promise<Rollout[]> => {
    const now = await trainer.logProbabilities(rows)
    return rows.map((row, i) => ({
      row,
      logProbabilities: now[i]!.map((log) => log - Math.log(ratio)),
      advantages: new Float32Array(now[i]!.length).fill(advantage),
      returns: new Float32Array(now[i]!.length).fill(2),
    }))
  }
  const step = async (advantage: number, ratio?: number, valueCoefficient = 0) =>
    trainer.step([{ kind: 'policy', rollouts: await rollouts(advantage, ratio), clip: CLIP, valueCoefficient }])

  it.each([
    [1, 'raises', 1],
    [-1, 'lowers', -1],
  ])('with advantage %i %s the log-probability', async (advantage, _, sign) => {
    const before = await sums(rows)
    for (let i = 0; i < 5; i++) await step(advantage)
    const after = await sums(rows)
    expect(sign * (sum(after) - sum(before))).toBeGreaterThan(0.1)
  })

  it.each([
    [1, 1.5],
    [-1, 0.5],
  ])('has no gradient where the ratio has gone too far already: advantage %i, ratio %f', async (advantage, ratio) => {
    const before = await trainer.adapter()
    expect((await step(advantage, ratio)).gradientNorm).toBe(0)
    expect(await trainer.adapter()).toEqual(before)
  })

  it.each([
    [1, 0.5],
    [-1, 1.5],
    [1, 1.1],
  ])('has one on the way back and inside the range: advantage %i, ratio %f', async (advantage, ratio) => {
    expect((await step(advantage, ratio)).gradientNorm).toBeGreaterThan(1e-3)
  })

  it('has the loss of the formula: minus the clipped ratio times the advantage, and the squared error of values', async () => {
    // Values begin at 0, returns are 2: 4 times the coefficient.
    expect((await step(1, 1.1, 0.25)).loss).toBeCloseTo(-1.1 + 1, 4)
    await trainer.begin(OPTIMISER)
    expect((await step(1, 1.5)).loss).toBeCloseTo(-1.2, 4)
    await trainer.begin(OPTIMISER)
    expect((await step(-1, 1.5)).loss).toBeCloseTo(1.5, 4)
  })

  it('moves values towards returns, and values begin at 0', async () => {
    expect((await trainer.values(rows)).every((values) => values.every((value) => value === 0))).toBe(true)
    await trainer.begin({ ...OPTIMISER, learningRate: 0.05 })
    for (let i = 0; i < 30; i++) await step(0, 1, 1)
    const values = (await trainer.values(rows)).flatMap((value) => [...value])
    expect(
      distance(
        values,
        values.map(() => 2),
      ),
    ).toBeLessThan(1)
  })

  it('refuses numbers that are not finite and leaves the adapter as it was', async () => {
    await step(1)
    const before = await trainer.adapter()
    await expect(step(Number.NaN)).rejects.toMatchObject({ code: 'non-finite' })
    expect(await trainer.adapter()).toEqual(before)
    expect((await step(1)).gradientNorm).toBeGreaterThan(0)
  })
})
