import { describe, expect, it } from 'vitest'
import { alignPpo, type PreparedPpo, preparePpo, type Sampler } from '../../../src/align/ppo.ts'
import { PPO, type PpoRecipe } from '../../../src/align/ppo-recipe.ts'
import { NO_OPTION_REWARD } from '../../../src/align/reward.ts'
import { ACCURACY_LABELS, IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import type { Answer } from '../../../src/items/questionnaire.ts'
import type { LanguageModel } from '../../../src/model/language-model.ts'
import type { Rollout, TrainingBatch } from '../../../src/model/trainer.ts'
import type { Respondent } from '../../../src/people/respondent.ts'
import { bandit } from '../../fixtures/bandit-trainer.ts'
import { type FakeTrainerOptions, fakeTrainer } from '../../fixtures/fake-trainer.ts'
import { TEXT_SHAPE, textModel } from '../../fixtures/text-model.ts'

const known = { ...splitItems().known, items: splitItems().known.items.slice(0, 8) }
const always = (answer: Answer, items = known.items): Respondent => ({
  row: 0,
  questionnaire: IPIP_NEO_300,
  answers: { coding: 'worded', byItem: new Map(items.map(({ itemNumber }) => [itemNumber, answer])) },
})

/** Token k says the text of option k + 1; any other says nothing of the kind. */
const model: LanguageModel = {
  ...textModel,
  decode: (tokens) =>
    Array.from(tokens)
      .map((token) => ACCURACY_LABELS[token] ?? 'well')
      .join(', '),
}

describe('proximal policy optimisation of a bandit with six actions', () => {
  const run = async (kl: Partial<PpoRecipe['kl']> = {}, answer: Answer = 2) => {
    const { trainer, sample, probabilities } = bandit(6)
    const recipe: PpoRecipe = { ...PPO, steps: 80, learningRate: 0.3, kl: { ...PPO.kl, ...kl } }
    const prepared = await preparePpo(model, trainer, IPIP_NEO_300, known, { recipe, sample })
    const persona = await alignPpo(prepared, always(answer), { seed: 2 })
    return { probabilities: probabilities(), curve: persona.training!.curve }
  }

  it.each([1, 2, 3, 4, 5] as const)('finds the answer that is the person’s own: %i', async (answer) => {
    const { probabilities, curve } = await run({}, answer)
    expect(probabilities.indexOf(Math.max(...probabilities))).toBe(answer - 1)
    expect(curve.at(-1)!.reward).toBeGreaterThan(curve[0]!.reward! + 0.8)
  })

  it('stays at the reference where leaving it costs more than any reward', async () => {
    const far = (probabilities: readonly number[]) => Math.max(...probabilities.map((p) => Math.abs(p - 1 / 6)))
    expect(far((await run({ initial: 100 })).probabilities)).toBeLessThan(0.1)
    expect(far((await run()).probabilities)).toBeGreaterThan(0.3)
  })
})

describe('proximal policy optimisation', () => {
  const recipe: PpoRecipe = { ...PPO, steps: 3, batch: 6, microBatch: 4, epochs: 2 }
  const first: Sampler = async (prompts) => prompts.map(() => [0, 9])
  const trained = async ({
    sample = first,
    person = always(4),
    used = recipe,
    ...options
  }: Partial<FakeTrainerOptions> & { sample?: Sampler; person?: Respondent; used?: PpoRecipe } = {}) => {
    const trainer = fakeTrainer({ shape: TEXT_SHAPE, ...options })
    const prepared: PreparedPpo = await preparePpo(model, trainer, IPIP_NEO_300, known, { recipe: used, sample })
    const persona = await alignPpo(prepared, person, { seed: 1 })
    return { trainer, training: persona.training! }
  }
  const rolloutsOf = (batches: readonly TrainingBatch[]): Rollout[] =>
    batches.flatMap((batch) => (batch.kind === 'policy' ? batch.rollouts : []))

  it('updates so many times on every batch of completions, from as many passes as it takes', async () => {
    const { trainer, training } = await trained()
    expect(trainer.steps.map((batches) => batches.map((batch) => rolloutsOf([batch]).length))).toEqual(Array(6).fill([4, 2]))
    expect(training.steps).toBe(3)
    expect(trainer.begun).toEqual([{ seed: 1, learningRate: 1.41e-5, dropout: 0, clipNorm: 1 }])
  })

  it('asks everything that was answered, the neutral as well, and nothing else', async () => {
    const [one, two] = known.items
    const prompts = new Set<string>()
    const sample: Sampler = async (asked) => {
      for (const tokens of asked) prompts.add(textModel.decode(tokens))
      return asked.map(() => [0])
    }
    await trained({ sample, person: always(3, [one!, two!]) })
    // Two items in two orders.
    expect(prompts.size).toBe(4)
    for (const prompt of prompts) expect(prompt).toMatch(/<assistant>$/)
  })

  it('gives the trainer old log-probabilities, whitened advantages and returns', async () => {
    // Completions of two tokens; says option 1 to somebody who ticks 4: reward -3. Log ratio 1 a token, coefficient .2, value 0.
    const { trainer } = await trained({ logProbability: (_, reference) => (reference ? -2 : -1) })
    const rollouts = rolloutsOf(trainer.steps[0]!)
    // Rewards of tokens -.2 and -3.2; gamma 1, lambda .95: advantages -.2 - .95 * 3.2 and -3.2, returns the same.
    for (const { logProbabilities, returns, advantages } of rollouts) {
      expect([...logProbabilities]).toEqual([-1, -1])
      expect(returns[0]).toBeCloseTo(-3.24, 5)
      expect(returns[1]).toBeCloseTo(-3.2, 5)
      expect(advantages[0]).toBeCloseTo(-1, 4)
      expect(advantages[1]).toBeCloseTo(1, 4)
    }
  })

  it('reports the reward without the penalty, and the divergence of whole completions', async () => {
    const { training } = await trained({ logProbability: (_, reference) => (reference ? -2 : -1) })
    expect(training.curve[0]).toMatchObject({ reward: -3, kl: 2 })
  })

  it('rewards an empty completion as one without an option, and learns nothing from it', async () => {
    const { trainer, training } = await trained({ sample: async (prompts) => prompts.map((_, i) => (i === 0 ? [3] : [])) })
    expect(rolloutsOf(trainer.steps[0]!)).toHaveLength(1)
    expect(training.curve[0]!.reward).toBeCloseTo((5 * NO_OPTION_REWARD) / 6, 10)
    const silent = await trained({ sample: async (prompts) => prompts.map(() => []) })
    expect(silent.trainer.steps).toEqual([])
    expect(silent.training).toMatchObject({ steps: 3, finalLoss: 0 })
  })

  it('stops when it has left the reference for good, and says so', async () => {
    const used = { ...recipe, steps: 20, divergence: { kl: 10, steps: 2 } }
    const { training } = await trained({ used, logProbability: (_, reference) => (reference ? -9 : -1) })
    expect(training).toMatchObject({
      steps: 2,
      diverged: { step: 2, reason: 'divergence from the reference above 10.0 for 2 steps, last 16.0' },
    })
  })

  it('stops at numbers that are not finite', async () => {
    const { training } = await trained({ loss: (step) => (step > 2 ? Number.NaN : 0.1) })
    expect(training).toMatchObject({ steps: 1, finalLoss: 0.1, diverged: { step: 2, reason: 'loss is NaN' } })
  })

  it('samples from the model itself by default: each prompt with the adapter of now and a seed of its own', async () => {
    const requests: { seed: number | undefined; adapter: unknown; maxTokens: number | undefined }[] = []
    const speaking: LanguageModel = {
      ...model,
      async *generate({ seed, adapter, maxTokens }) {
        requests.push({ seed, adapter, maxTokens })
        yield { kind: 'token', token: 4, text: ACCURACY_LABELS[4], logprob: -1 }
        yield { kind: 'finish', reason: 'end-token', text: ACCURACY_LABELS[4], promptTokens: 1, generatedTokens: 1 }
      },
    }
    const adapter = { rank: 1, alpha: 1, targets: ['o_proj'], pairs: new Map() } as const
    const trainer = fakeTrainer({ shape: TEXT_SHAPE, adapter })
    const prepared = await preparePpo(speaking, trainer, IPIP_NEO_300, known, { recipe: { ...recipe, steps: 1 } })
    const { training } = await alignPpo(prepared, always(5), { seed: 1 })
    expect(training!.curve[0]!.reward).toBe(0)
    expect(requests).toHaveLength(6)
    expect(new Set(requests.map(({ seed }) => seed)).size).toBe(6)
    for (const request of requests) expect(request).toMatchObject({ adapter, maxTokens: 15 })
  })
})
