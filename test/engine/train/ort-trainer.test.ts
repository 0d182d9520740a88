/** @file Trainers on the runtime: losses fall, states return, nothing depends on padding. */
import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { modelShape } from '../../../src/graph/llama-config.ts'
import { locateWeights } from '../../../src/graph/weights.ts'
import type { TrainingBatch } from '../../../src/model/trainer.ts'
import { initialWeights } from '../../../src/train/initial-weights.ts'
import { adapterShapes, initialAdapter } from '../../../src/train/low-rank.ts'
import { modelTrainer } from '../../../src/train/ort-trainer.ts'
import type { TrainingRuntime } from '../../../src/train/training-sessions.ts'
import { configJson, randomModel } from '../../fixtures/random-model.ts'
import { nodeRuntime, readHeaders } from '../open-model.ts'

const runtime: TrainingRuntime = {
  Tensor: ort.Tensor,
  createSession: (graph) => ort.InferenceSession.create(graph, { logSeverityLevel: 3, intraOpNumThreads: 1 }),
}
const { config } = randomModel({ json: configJson({ hidden_size: 32, num_hidden_layers: 2, tie_word_embeddings: true }) })

function open(seed = 1) {
  const parameters = new Map(
    initialWeights(config, { seed, deviation: 0.1 }).map(({ name, data }) => [name, new Float32Array(data.slice().buffer)]),
  )
  const optimiser = { learningRate: 0.01, warmupSteps: 2, totalSteps: 40 }
  return modelTrainer({ config, shape: modelShape(config), runtime, trained: { kind: 'all' }, parameters, optimiser, seed })
}

const sentence = [1, 5, 9, 2, 77, 5, 9, 3]
const row = (tokens: readonly number[]) => ({ tokens, weights: tokens.map(() => 1) })
const batch: TrainingBatch = { kind: 'likelihood', rows: [row(sentence), row([4, 4, 8, 16, 32])] }

describe('a trainer of a whole model', () => {
  it('learns two sentences by heart', async () => {
    const trainer = open()
    const losses: number[] = []
    for (let step = 0; step < 40; step++) losses.push((await trainer.step([batch])).loss)
    expect(losses[0]).toBeGreaterThan(4)
    expect(losses.at(-1)).toBeLessThan(0.3)
    await trainer.dispose()
  })

  it('goes on from a stored state to the last bit', async () => {
    const whole = open()
    for (let step = 0; step < 6; step++) await whole.step([batch])
    const first = open()
    for (let step = 0; step < 3; step++) await first.step([batch])
    const second = open(7)
    await second.restore(await first.state())
    for (let step = 0; step < 3; step++) await second.step([batch])
    expect(await second.state()).toEqual(await whole.state())
    for (const trainer of [whole, first, second]) await trainer.dispose()
  })

  it('gives the same loss for a row alone and for one that is padded beside a longer one', async () => {
    const trainer = open()
    const long = Array.from({ length: 40 }, (_, i) => (i * 7) % 90)
    const silent = { tokens: long, weights: long.map(() => 0) }
    const alone = await trainer.step([{ kind: 'likelihood', rows: [row(sentence)] }])
    const other = open()
    const beside = await other.step([{ kind: 'likelihood', rows: [row(sentence), silent] }])
    // Sums of another length are added in another order.
    expect(beside.loss).toBeCloseTo(alone.loss, 5)
    expect(beside.gradientNorm).toBeCloseTo(alone.gradientNorm, 4)
    await trainer.dispose()
    await other.dispose()
  })

  it('takes the mean over the batches of a step', async () => {
    const trainer = open()
    const once = await trainer.step([batch])
    const other = open()
    const twice = await other.step([batch, batch])
    expect(twice.loss).toBeCloseTo(once.loss, 6)
    expect(twice.gradientNorm).toBeCloseTo(once.gradientNorm, 5)
    await trainer.dispose()
    await other.dispose()
  })

  it('scales an adapter by alpha over rank', async () => {
    const model = randomModel({ json: configJson({ hidden_size: 32, num_hidden_layers: 2 }) })
    const files = nodeRuntime(model)
    const onFiles: TrainingRuntime = { Tensor: ort.Tensor, createSession: (graph) => files.createSession(graph, 'decode') }
    const weights = locateWeights(model.config, await readHeaders(model))
    const normAt = async (alpha: number) => {
      const adapter = { rank: 2, alpha, targets: ['q_proj', 'down_proj'] } as const
      const parameters = initialAdapter(adapterShapes(model.config, adapter), 1)
      const trained = { kind: 'adapter', weights, adapter, dropout: 0, valueHead: false } as const
      const options = { config: model.config, shape: modelShape(model.config), runtime: onFiles, optimiser: { learningRate: 0 } }
      const trainer = modelTrainer({ ...options, trained, parameters, seed: 1 })
      const { gradientNorm } = await trainer.step([batch])
      await trainer.dispose()
      return gradientNorm
    }
    // While B is 0 only its gradient is not, and it is proportional to the scale.
    expect(await normAt(6)).toBeCloseTo(3 * (await normAt(2)), 3)
    files.close()
  })

  it('takes rows up to the context, whatever they are padded to, and refuses longer ones', async () => {
    const parameters = new Map([...(await open().state()).parameters])
    const shape = { ...modelShape(config), contextLength: 40 }
    const optimiser = { learningRate: 0.01 }
    const trainer = modelTrainer({ config, shape, runtime, trained: { kind: 'all' }, parameters, optimiser, seed: 1 })
    const of = (length: number): TrainingBatch => ({ kind: 'likelihood', rows: [row(Array.from({ length }, (_, i) => i % 7))] })
    await trainer.step([of(40)])
    await expect(trainer.step([of(41)])).rejects.toMatchObject({ code: 'invalid-input' })
    await trainer.dispose()
  })

  it('refuses a batch in which nothing counts', async () => {
    const trainer = open()
    const rows = [{ tokens: sentence, weights: sentence.map(() => 0) }]
    await expect(trainer.step([{ kind: 'likelihood', rows }])).rejects.toMatchObject({ code: 'invalid-input' })
    await trainer.dispose()
  })
})
