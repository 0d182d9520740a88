/** @file The whole gradient of small Llamas on ONNX Runtime against the one written by hand, in both precisions. */
import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { likelihoodObjective, type ReferenceAdapter, referenceGradient } from '../../../src/engine/reference-gradient.ts'
import { bytesSource } from '../../../src/formats/byte-source.ts'
import { readFloats } from '../../../src/formats/float-tensor.ts'
import { modelShape } from '../../../src/graph/llama-config.ts'
import type { Precision } from '../../../src/graph/shaped-graph.ts'
import { linearModules, locateWeights } from '../../../src/graph/weights.ts'
import { gaussian, seededRandom } from '../../../src/math/random.ts'
import { type AdapterConfig, adaptedModules } from '../../../src/model/adapter.ts'
import { adapterShapes, pairNames } from '../../../src/train/low-rank.ts'
import { likelihoodBatch } from '../../../src/train/padded-batch.ts'
import { gradientName, LOSS, SCALE, type Trained, trainingGraph } from '../../../src/train/training-graph.ts'
import { configJson, QWEN2, QWEN3, type RandomModel, randomModel } from '../../fixtures/random-model.ts'
import { nodeRuntime, readHeaders } from '../open-model.ts'

const ROWS = [
  { tokens: [5, 17, 99, 3, 3, 42, 8, 60], weights: [0, 1, 0.5, 1, 0, 2, 1, 1] },
  { tokens: [70, 2, 11, 5, 23], weights: [1, 0, 0, 1, 1] },
]

const MODELS = {
  'grouped queries, tied embeddings': configJson({ hidden_size: 32, tie_word_embeddings: true }),
  'separate output layer, biases': configJson({ hidden_size: 32, attention_bias: true, mlp_bias: true }),
  'a sliding window': configJson({
    hidden_size: 32,
    model_type: 'mistral',
    architectures: ['MistralForCausalLM'],
    sliding_window: 3,
  }),
  'biases of q, k and v only': configJson({ hidden_size: 32, ...QWEN2 }),
  'normed heads': configJson({ hidden_size: 32, ...QWEN3 }),
  'head_dim unlike hidden / heads': configJson({ hidden_size: 32, head_dim: 16 }),
}

async function weightsOf(model: RandomModel) {
  const weights = new Map<string, Float32Array>()
  for (const { name: file, header } of await readHeaders(model)) {
    for (const entry of header.tensors) weights.set(entry.name, await readFloats(bytesSource(model.files.get(file)!), entry))
  }
  return weights
}

type Numbers = Float32Array | Float64Array

interface Computed {
  readonly loss: number
  readonly gradients: ReadonlyMap<string, Numbers>
}

async function computeGradients(
  { config }: RandomModel,
  parameters: ReadonlyMap<string, Float32Array>,
  { precision = 'float32', checkpointing = false }: { precision?: Precision; checkpointing?: boolean },
): Promise<Computed> {
  const batch = likelihoodBatch(ROWS)
  const trained = { kind: 'all' } as const
  const loss = { kind: 'likelihood' } as const
  const graph = trainingGraph({ config, shape: modelShape(config), trained, ...batch.shape, loss, precision, checkpointing })
  const level = precision === 'float64' ? 'basic' : 'all'
  const session = await ort.InferenceSession.create(graph.bytes, { graphOptimizationLevel: level, logSeverityLevel: 3 })
  const floats = (values: Numbers, shape: readonly number[]) =>
    new ort.Tensor(precision, precision === 'float64' ? Float64Array.from(values) : Float32Array.from(values), shape)
  const feeds: Record<string, ort.Tensor> = {}
  for (const [name, { values, shape }] of batch.feeds) {
    if (values instanceof BigInt64Array) feeds[name] = new ort.Tensor('int64', values, shape)
    else feeds[name] = floats(values as Float32Array, shape)
  }
  for (const [name, shape] of graph.parameters) feeds[name] = floats(parameters.get(name)!, shape)
  const outputs = await session.run(feeds)
  await session.release()
  const gradients = new Map([...graph.parameters.keys()].map((name) => [name, outputs[gradientName(name)]!.data as Numbers]))
  return { loss: (outputs[LOSS]!.data as Numbers)[0]!, gradients }
}

/** Largest difference, relative to the largest number of the tensor. */
function distance(found: Numbers, expected: Float64Array): number {
  expect(found.length).toBe(expected.length)
  const scale = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
  return Array.from<number>(found).reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i]!)), 0) / scale
}

describe.each(Object.entries(MODELS))('the gradient of a Llama with %s', (_, json) => {
  const model = randomModel({ json })

  it.each([
    // The rotary tables and the shares of the loss are constants in single precision, whatever the graph's is.
    ['float64', 1e-6],
    // Single precision carries seven digits; sums over a hundred terms lose one.
    ['float32', 1e-5],
  ] as const)('in %s is the one written by hand', async (precision, tolerance) => {
    const weights = await weightsOf(model)
    const expected = referenceGradient(
      { config: model.config, weights },
      ROWS.map(({ tokens }) => tokens),
      likelihoodObjective(ROWS),
    )
    const found = await computeGradients(model, weights, { precision })
    expect(Math.abs(found.loss - expected.loss)).toBeLessThan(tolerance * expected.loss)
    expect(new Set(found.gradients.keys())).toEqual(new Set(expected.gradients.keys()))
    for (const [name, gradient] of expected.gradients)
      expect(distance(found.gradients.get(name)!, gradient), name).toBeLessThan(tolerance)
  })

  it('is the same when layers are computed again in the backward pass', async () => {
    const weights = await weightsOf(model)
    const kept = await computeGradients(model, weights, {})
    const again = await computeGradients(model, weights, { checkpointing: true })
    for (const [name, gradient] of kept.gradients)
      expect(distance(again.gradients.get(name)!, Float64Array.from(gradient)), name).toBeLessThan(1e-5)
  })
})

const ADAPTER: AdapterConfig = { rank: 3, alpha: 6, targets: ['q_proj', 'v_proj', 'o_proj', 'gate_proj', 'down_proj'] }

describe.each([false, true])(
  'the gradient of an adapter over weights in their files, layers computed again: %s',
  (checkpointing) => {
    it('is the one written by hand', async () => {
      const model = randomModel({ json: configJson({ hidden_size: 32, tie_word_embeddings: true }) })
      const { config } = model
      const random = seededRandom(3)
      const parameters = new Map(
        [...adapterShapes(config, ADAPTER)].map(([name, [out, input]]) => [
          name,
          Float32Array.from({ length: out! * input! }, () => 0.2 * gaussian(random)),
        ]),
      )
      const pairs: ReferenceAdapter['pairs'] = new Map(
        adaptedModules(linearModules(config), ADAPTER.targets).map((module) => {
          const { a, b } = pairNames(module)
          return [module, { a: parameters.get(a)!, b: parameters.get(b)! }]
        }),
      )
      const expected = referenceGradient(
        { config, weights: await weightsOf(model), adapter: { rank: ADAPTER.rank, alpha: ADAPTER.alpha, pairs } },
        ROWS.map(({ tokens }) => tokens),
        likelihoodObjective(ROWS),
      )

      const batch = likelihoodBatch(ROWS)
      const weights = locateWeights(config, await readHeaders(model))
      const trained: Trained = { kind: 'adapter', weights, adapter: ADAPTER, dropout: 0, valueHead: false }
      const graph = trainingGraph({
        config,
        shape: modelShape(config),
        trained,
        ...batch.shape,
        loss: { kind: 'likelihood' },
        checkpointing,
      })
      const runtime = nodeRuntime(model)
      const session = await runtime.createSession(graph.bytes, 'decode')
      const feeds: Record<string, ort.Tensor> = {
        [SCALE]: new ort.Tensor('float32', Float32Array.of(ADAPTER.alpha / ADAPTER.rank), []),
      }
      for (const [name, { values, shape }] of batch.feeds) {
        const type = values instanceof BigInt64Array ? 'int64' : 'float32'
        feeds[name] = new ort.Tensor(type, values as never, shape)
      }
      for (const [name, shape] of graph.parameters) feeds[name] = new ort.Tensor('float32', parameters.get(name)!, shape)
      const outputs = await session.run(feeds)
      await session.release()
      runtime.close()

      for (const [module, gradient] of expected.adapterGradients) {
        const { a, b } = pairNames(module)
        expect(distance(outputs[gradientName(a)]!.data as Float32Array, gradient.a), a).toBeLessThan(1e-5)
        expect(distance(outputs[gradientName(b)]!.data as Float32Array, gradient.b), b).toBeLessThan(1e-5)
      }
    })
  },
)
