/** @file Graphs for devices other than the CPU, on the CPU: what they compute is what the model is. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEngine } from '../../src/engine/open-engine.ts'
import { tokenModel } from '../../src/engine/token-model.ts'
import { linearModules } from '../../src/graph/weights.ts'
import type { TokenModel } from '../../src/model/language-model.ts'
import { collected } from '../fixtures/collected.ts'
import { randomAdapter } from '../fixtures/random-adapter.ts'
import { configJson, QWEN3, randomModel } from '../fixtures/random-model.ts'
import { distance, LOGIT_TOLERANCE, randomDisplacement } from './conformance.ts'
import { nodeRuntime, openReference, readHeaders } from './open-model.ts'

const tokens = Array.from({ length: 40 }, (_, i) => (i * 37 + 5) % 101)

describe.each([
  ['floats', {}],
  ['tied embeddings in bf16', { json: configJson({ tie_word_embeddings: true }), dtype: 'BF16' }],
  ['f16 weights', { dtype: 'F16' }],
  ['normed heads', { json: configJson(QWEN3) }],
  ['blocks of 4 bits', { bits: 4 }],
  ['blocks of 8 bits, tied embeddings', { json: configJson({ tie_word_embeddings: true }), bits: 8 }],
] as const)('plain graphs of a model with %s', (_, options) => {
  const random = randomModel({ seed: 7, ...options })
  const runtime = nodeRuntime(random, { intraOpNumThreads: 1 })
  const variants: string[] = []
  let reference: TokenModel
  let plain: TokenModel
  beforeAll(async () => {
    reference = tokenModel(await openReference(random))
    plain = await openEngine({
      config: random.config,
      files: await readHeaders(random),
      graphs: 'plain',
      runtime: {
        ...runtime,
        createSession(graph, variant) {
          variants.push(variant)
          return runtime.createSession(graph, variant)
        },
      },
    })
  })
  afterAll(async () => {
    await plain.dispose()
    runtime.close()
  })
  const displacement = () => randomDisplacement(plain.shape)

  // In blocks too: inputs stay floats there, where fused graphs round them.
  it('give the logits and z of the reference, steered and adapted or not', async () => {
    const adapter = randomAdapter(linearModules(random.config))
    for (const steering of [{}, { displacement: displacement() }, { displacement: displacement(), adapter }]) {
      const found = await plain.logits({ tokens, ...steering })
      expect(distance(found, await reference.logits({ tokens, ...steering }))).toBeLessThan(LOGIT_TOLERANCE)
      const z = await plain.record([{ tokens }], steering)
      expect(distance(z, await reference.record([{ tokens }], steering))).toBeLessThan(LOGIT_TOLERANCE)
    }
  })

  it('score and generate text by text as the reference does', async () => {
    const requests = [
      { tokens: [1, 2, 3], continuations: [[4], [5]] },
      { tokens: [7, 8], continuations: [[4], [9]] },
    ]
    const steering = { displacement: displacement() }
    const expected = await reference.score(requests, steering)
    for (const [i, scores] of (await plain.score(requests, steering)).entries()) {
      expect(distance(scores, expected[i]!)).toBeLessThan(LOGIT_TOLERANCE)
    }
    const texts = [
      { tokens: [1, 2, 3], maxTokens: 6 },
      { tokens: [7, 8], maxTokens: 6, ...steering },
    ]
    const chosen = async (model: TokenModel) =>
      (await Promise.all(texts.map((text) => collected(model.generateTokens(text))))).map((text) =>
        text.map(({ token }) => token),
      )
    expect(await chosen(plain)).toEqual(await chosen(reference))
    expect(variants).not.toContain('rows')
    expect(variants).not.toContain('batch')
  })
})
