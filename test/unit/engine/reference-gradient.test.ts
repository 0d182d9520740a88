import { describe, expect, it } from 'vitest'
import {
  likelihoodObjective,
  type Objective,
  type ReferenceParameters,
  referenceGradient,
  referenceLogProbabilities,
} from '../../../src/engine/reference-gradient.ts'
import { referenceDecoder } from '../../../src/engine/reference-model.ts'
import { parseLlamaConfig } from '../../../src/graph/llama-config.ts'
import { requiredTensors } from '../../../src/graph/weights.ts'
import { gaussian, seededRandom } from '../../../src/math/random.ts'
import { LINEAR_LAYERS } from '../../../src/model/adapter.ts'
import { configJson } from '../../fixtures/random-model.ts'

const ROWS = [
  { tokens: [3, 1, 4, 1, 5], weights: [7, 1, 0, 1, 0.5] },
  { tokens: [6, 5, 3], weights: [0, 0, 2] },
]
const TOKENS = ROWS.map(({ tokens }) => tokens)

/** Weights representable in float32, so that the float32 reference can run the same model. */
function tinyModel(overrides: Readonly<Record<string, unknown>>): ReferenceParameters {
  const config = parseLlamaConfig(
    configJson({
      hidden_size: 6,
      intermediate_size: 7,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      head_dim: 4,
      vocab_size: 7,
      rope_theta: 100,
      ...overrides,
    }),
  )
  const random = seededRandom(1)
  const draw = (length: number, center: number, deviation: number) =>
    Float64Array.from({ length }, () => Math.fround(center + deviation * gaussian(random)))
  const weights = new Map(
    [...requiredTensors(config)].map(([name, shape]) => {
      const length = shape.reduce((a, b) => a * b)
      return [name, name.endsWith('norm.weight') ? draw(length, 1, 0.3) : draw(length, 0, 0.4)]
    }),
  )
  return { config, weights }
}

/** B is not zero here: at zero the gradient of A would vanish. */
function adapted({ config, weights }: ReferenceParameters) {
  const random = seededRandom(2)
  const rank = 2
  const draw = (length: number) => Float64Array.from({ length }, () => 0.3 * gaussian(random))
  const linears = [...requiredTensors(config)].filter(([name]) => LINEAR_LAYERS.some((layer) => name.endsWith(`${layer}.weight`)))
  const pairs = new Map(
    linears.map(([name, [out, width]]) => [name.replace(/\.weight$/, ''), { a: draw(rank * width!), b: draw(out! * rank) }]),
  )
  return { config, weights, adapter: { rank, alpha: 5, pairs } }
}

const MODELS = {
  'tied with grouped queries': tinyModel({ tie_word_embeddings: true }),
  'untied with biases': tinyModel({ tie_word_embeddings: false, attention_bias: true, mlp_bias: true, num_key_value_heads: 1 }),
  'with a window of attention': tinyModel({
    model_type: 'mistral',
    architectures: ['MistralForCausalLM'],
    sliding_window: 3,
  }),
  'with an adapter on every linear layer': adapted(tinyModel({ tie_word_embeddings: true, attention_bias: true })),
} as const

/** By every number of `values`, which are put back: (f(x + h) - f(x - h)) / 2h. */
function centralDifferences(values: Float64Array | Float32Array, loss: () => number, h = 1e-5): Float64Array {
  return Float64Array.from(values, (value, i) => {
    values[i] = value + h
    const above = loss()
    values[i] = value - h
    const below = loss()
    values[i] = value
    return (above - below) / (2 * h)
  })
}

/** Largest difference, in units of the largest number of the tensor. */
function relativeError(actual: ArrayLike<number>, expected: Float64Array): number {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return expected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i]!)), 0) / largest
}

/** Error of every tensor's gradient that is not below 1e-6: the differences are good to h^2 = 1e-10 and 1e-16 / h = 1e-11. */
function wrongGradients(parameters: ReferenceParameters, objective: Objective): Record<string, number> {
  const { gradients, adapterGradients } = referenceGradient(parameters, TOKENS, objective)
  const loss = () => objective(referenceLogProbabilities(parameters, TOKENS)).loss
  const checked = [...parameters.weights].map(([name, values]) => [name, values, gradients.get(name)!] as const)
  for (const [name, { a, b }] of parameters.adapter?.pairs ?? []) {
    const slopes = adapterGradients.get(name)!
    checked.push([`${name} A`, a, slopes.a], [`${name} B`, b, slopes.b])
  }
  const errors = checked.map(
    ([name, values, gradient]) => [name, relativeError(gradient, centralDifferences(values, loss))] as const,
  )
  return Object.fromEntries(errors.filter(([, error]) => !(error < 1e-6)))
}

describe('referenceGradient', () => {
  it.each(Object.entries(MODELS))('agrees with central differences in every tensor of a model %s', (_, parameters) => {
    expect(wrongGradients(parameters, likelihoodObjective(ROWS))).toEqual({})
  })

  it('agrees with central differences for a loss that is not linear in the log-probabilities', () => {
    // -log sigmoid of the difference of two rows, as preference optimisation has it: g(x) = sigmoid(x) - 1.
    const preference: Objective = ([chosen, rejected]) => {
      const total = (row: Float64Array) => row.reduce((a, b) => a + b)
      const margin = 0.3 * (total(chosen!) - total(rejected!))
      const slope = 0.3 * (1 / (1 + Math.exp(-margin)) - 1)
      return { loss: Math.log1p(Math.exp(-margin)), slopes: [chosen!.map(() => slope), rejected!.map(() => -slope)] }
    }
    expect(wrongGradients(adapted(tinyModel({ num_hidden_layers: 1 })), preference)).toEqual({})
  })

  it.each(Object.entries(MODELS).slice(0, 3))(
    'gives the loss that follows from the logits of the reference model, %s',
    async (_, model) => {
      const { config, weights } = model
      const decoder = referenceDecoder({ config, tensor: (name) => Float32Array.from(weights.get(name)!) })
      let expected = 0
      let total = 0
      for (const row of ROWS) {
        const logitsAt = row.tokens.map((__, position) => position)
        const { logits } = await decoder.forward({ tokens: row.tokens, logitsAt })
        row.tokens.forEach((token, i) => {
          if (i === 0) return
          const before = logits.subarray((i - 1) * config.vocabSize, i * config.vocabSize)
          const normaliser = Math.log(before.reduce((sum, logit) => sum + Math.exp(logit), 0))
          expected += row.weights[i]! * (normaliser - before[token]!)
          total += row.weights[i]!
        })
      }
      const { loss } = referenceGradient(model, TOKENS, likelihoodObjective(ROWS))
      // The decoder hands its logits out in float32.
      expect(loss).toBeCloseTo(expected / total, 6)
    },
  )

  it('gives with an adapter the loss of the model into whose weights the adapter is merged', () => {
    const parameters = MODELS['with an adapter on every linear layer']
    const { rank, alpha, pairs } = parameters.adapter!
    const merged = new Map([...parameters.weights].map(([name, values]) => [name, Float64Array.from(values)]))
    for (const [name, { a, b }] of pairs) {
      const width = a.length / rank
      merged.get(`${name}.weight`)!.forEach((value, at, weight) => {
        const [out, input] = [Math.floor(at / width), at % width]
        let added = 0
        for (let r = 0; r < rank; r++) added += b[out * rank + r]! * a[r * width + input]!
        weight[at] = value + (alpha / rank) * added
      })
    }
    const lossOf = (model: ReferenceParameters) => referenceGradient(model, TOKENS, likelihoodObjective(ROWS)).loss
    // Doubles, added in another order.
    expect(lossOf(parameters)).toBeCloseTo(lossOf({ config: parameters.config, weights: merged }), 12)
  })

  it('ignores the weight of a first token', () => {
    const lossWith = (first: number) => {
      const rows = ROWS.map(({ tokens, weights }) => ({ tokens, weights: [first, ...weights.slice(1)] }))
      return referenceGradient(MODELS['untied with biases'], TOKENS, likelihoodObjective(rows)).loss
    }
    expect(lossWith(3)).toBe(lossWith(0))
  })

  it('refuses an adapter of another model', () => {
    const { config, weights } = MODELS['untied with biases']
    const pairs = new Map([['model.layers.9.mlp.up_proj', { a: new Float64Array(6), b: new Float64Array(7) }]])
    const parameters = { config, weights, adapter: { rank: 1, alpha: 1, pairs } }
    expect(() => referenceLogProbabilities(parameters, TOKENS)).toThrow('model.layers.9.mlp.up_proj')
  })
})
