/** @file The methods that train, with the real trainer and the real engine, on a model of random weights. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alignDpo, prepareDpo } from '../../../src/align/dpo.ts'
import { DPO } from '../../../src/align/dpo-recipe.ts'
import { alignPpo, preparePpo } from '../../../src/align/ppo.ts'
import { PPO } from '../../../src/align/ppo-recipe.ts'
import { preferencePairs } from '../../../src/align/preference-pairs.ts'
import { openEngine } from '../../../src/engine/open-engine.ts'
import { modelShape } from '../../../src/graph/llama-config.ts'
import { locateWeights } from '../../../src/graph/weights.ts'
import { ACCURACY_LABELS, IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import type { AdapterConfig } from '../../../src/model/adapter.ts'
import type { LanguageModel } from '../../../src/model/language-model.ts'
import type { AdapterTrainer, TrainingRow } from '../../../src/model/trainer.ts'
import { simulateRespondents } from '../../../src/people/simulate.ts'
import { type AdapterPersona, compilePersona } from '../../../src/persona/persona.ts'
import { adapterTrainer } from '../../../src/train/ort-trainer.ts'
import { plantedLanguageModel } from '../../fixtures/planted-model.ts'
import { configJson, randomModel } from '../../fixtures/random-model.ts'
import { nodeRuntime, readHeaders } from '../open-model.ts'

// Tokens of the planted model, none of its weights: a token an item, a token an answer.
const files = randomModel({ json: configJson({ vocab_size: 305, hidden_size: 32, num_hidden_layers: 2 }) })
const { config } = files
const adapter: AdapterConfig = { rank: 4, alpha: 8, targets: ['q_proj', 'v_proj', 'o_proj'] }
const runtime = nodeRuntime(files)
let model: LanguageModel
let trainer: AdapterTrainer
beforeAll(async () => {
  const headers = await readHeaders(files)
  const engine = await openEngine({ config, files: headers, runtime })
  model = {
    ...plantedLanguageModel(engine),
    // Every sixth token says nothing that is an option.
    decode: (tokens) => ACCURACY_LABELS[tokens[0]! % 6] ?? 'well',
    async *generate(request) {
      const { messages: _, tokens, ...options } = request
      for await (const generated of engine.generateTokens({ ...options, tokens: tokens! }))
        yield { ...generated, kind: 'token', text: '' }
    },
  }
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
  await model.dispose()
  runtime.close()
})

const known = { ...splitItems().known, items: splitItems().known.items.slice(0, 20) }
const person = simulateRespondents({ count: 1, seed: 3, questionnaire: IPIP_NEO_300 })[0]!

describe('an adapter trained by dpo', () => {
  const recipe = { ...DPO, adapter, dropout: 0, steps: 30, warmupSteps: 3, learningRate: 1e-2 }
  let persona: AdapterPersona
  let pairs: readonly { readonly chosen: TrainingRow; readonly rejected: TrainingRow }[]
  beforeAll(async () => {
    const prepared = await prepareDpo(model, trainer, IPIP_NEO_300, known, { recipe })
    persona = await alignDpo(prepared, person, { seed: 1 })
    pairs = preferencePairs(prepared.questions, person).map(({ question, chosen, rejected }) => {
      const { rows } = prepared.questions[question]!
      return { chosen: rows[chosen], rejected: rows[rejected] }
    })
  })

  it('makes the answers of the person more probable than their mirrors, in the engine', async () => {
    const requests = pairs.map(({ chosen, rejected }) => ({
      tokens: Array.from(chosen.tokens).slice(0, chosen.completionFrom),
      continuations: [chosen, rejected].map((row) => Array.from(row.tokens).slice(row.completionFrom)),
    }))
    const share = async (used: Pick<ReturnType<typeof compilePersona>, 'adapter'>) => {
      const margins = (await model.score(requests, used)).map(([chosen, rejected]) => chosen! - rejected!)
      return margins.filter((margin) => margin > 0).length / margins.length
    }
    expect(await share({ adapter: undefined })).toBeLessThan(0.7)
    expect(await share(compilePersona(persona, model))).toBeGreaterThan(0.9)
    expect(await share(compilePersona(persona, model, { alpha: 0 }))).toBe(await share({ adapter: undefined }))
  })

  it('says how its loss fell', () => {
    const { curve, diverged, finalLoss } = persona.training!
    expect(diverged).toBeUndefined()
    expect(curve[0]!.loss).toBeCloseTo(Math.LN2, 1)
    expect(finalLoss).toBeLessThan(0.6)
  })
})

describe('an adapter trained by ppo', () => {
  it('earns more reward than the model it began as', async () => {
    const recipe = { ...PPO, adapter, steps: 40, maxTokens: 1, learningRate: 3e-3, kl: { ...PPO.kl, initial: 0.02 } }
    const prepared = await preparePpo(model, trainer, IPIP_NEO_300, known, { recipe })
    const { training } = await alignPpo(prepared, person, { seed: 1 })
    const { curve, diverged } = training!
    const mean = (points: typeof curve) => points.reduce((sum, { reward }) => sum + reward!, 0) / points.length
    expect(diverged).toBeUndefined()
    expect(mean(curve.slice(-5))).toBeGreaterThan(mean(curve.slice(0, 3)) + 0.5)
    // It begins at the reference.
    expect(curve[0]!.kl).toBeLessThan(curve.at(-1)!.kl!)
  })
})
