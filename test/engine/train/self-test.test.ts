import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { likelihoodObjective, referenceGradient } from '../../../src/engine/reference-gradient.ts'
import { selfTestModel, trainingSelfTest } from '../../../src/train/self-test.ts'
import type { TrainingRuntime } from '../../../src/train/training-sessions.ts'

const runtime: TrainingRuntime = {
  Tensor: ort.Tensor,
  createSession: (graph) => ort.InferenceSession.create(graph, { logSeverityLevel: 3 }),
}

describe('the self-test of training', () => {
  it('passes on this runtime', async () => {
    await trainingSelfTest(runtime)
  })

  it('compares with the gradient written by hand', async () => {
    const { config, parameters, rows } = selfTestModel()
    const { loss, gradients } = referenceGradient(
      { config, weights: parameters },
      rows.map(({ tokens }) => tokens),
      likelihoodObjective(rows),
    )
    const norms = Object.fromEntries(
      [...gradients].map(([name, gradient]) => [name, Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0))]),
    )
    // Far tighter than the tolerance of the test itself: the stored numbers are these.
    const almost = { loss: loss * (1 + 9e-5), norms }
    await trainingSelfTest(runtime, { loss, norms })
    await trainingSelfTest(runtime, almost)
  })

  it('refuses a runtime with one wrong kernel', async () => {
    const broken: TrainingRuntime = {
      ...runtime,
      async createSession(graph) {
        const session = await ort.InferenceSession.create(graph, { logSeverityLevel: 3 })
        return {
          inputNames: session.inputNames,
          release: () => session.release(),
          async run(feeds: ort.InferenceSession.OnnxValueMapType) {
            const outputs = await session.run(feeds)
            const gradient = outputs['gradient of model.layers.0.self_attn.k_proj.weight']!.data as Float32Array
            gradient[0]! += 0.1
            return outputs
          },
        } as unknown as ort.InferenceSession
      },
    }
    await expect(trainingSelfTest(broken)).rejects.toMatchObject({
      code: 'engine-failed',
      message: expect.stringContaining('gradient of model.layers.0.self_attn.k_proj.weight'),
    })
  })
})
