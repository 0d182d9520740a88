/** @file Models whose matrices are in blocks of few bits, on ONNX Runtime. */
import { afterAll, describe, expect, it } from 'vitest'
import { openEngine } from '../../src/engine/open-engine.ts'
import { largestChange } from '../../src/engine/self-test.ts'
import { tokenModel } from '../../src/engine/token-model.ts'
import { gaussian, seededRandom } from '../../src/math/random.ts'
import { zeroDisplacement } from '../../src/model/displacement.ts'
import type { TokenModel } from '../../src/model/language-model.ts'
import { collected } from '../fixtures/collected.ts'
import { configJson, randomModel } from '../fixtures/random-model.ts'
import { nodeRuntime, openReference, readHeaders } from './open-model.ts'

const tokens = Array.from({ length: 24 }, (_, i) => (i * 37 + 5) % 101)

describe.each([
  ['4 bits', 4, {}],
  ['8 bits', 8, {}],
  ['4 bits, tied embeddings', 4, { tie_word_embeddings: true }],
  ['8 bits, tied embeddings', 8, { tie_word_embeddings: true }],
  ['4 bits, decomposed attention', 4, { head_dim: 24, num_attention_heads: 4, hidden_size: 96 }],
] as const)('a model in blocks of %s', (_, bits, json) => {
  const model = randomModel({ json: configJson(json), seed: 3, bits })
  const runtime = nodeRuntime(model, { intraOpNumThreads: 1 })
  const opened: TokenModel[] = []
  const open = async () => {
    const engine = await openEngine({ config: model.config, files: await readHeaders(model), runtime })
    opened.push(engine)
    return engine
  }
  afterAll(async () => {
    for (const engine of opened) await engine.dispose()
    runtime.close()
  })
  const random = seededRandom(1)

  it('computes what its weights say, but for inputs rounded to 8 bits', async () => {
    const engine = await open()
    const reference = tokenModel(await openReference(model))
    const displacement = zeroDisplacement(engine.shape).map(() => 0.5 * gaussian(random))
    for (const steering of [{}, { displacement }]) {
      const [found, expected] = [await engine.logits({ tokens, ...steering }), await reference.logits({ tokens, ...steering })]
      const most = expected.reduce((largest, logit) => Math.max(largest, Math.abs(logit)), 0)
      // One product is off by up to half a 127th of the block's largest input, .4 %; three layers of them were seen to add up to 3 %.
      expect(largestChange(found, expected) / most).toBeLessThan(0.06)
    }
    const steered = await engine.logits({ tokens, displacement })
    expect(largestChange(steered, await engine.logits({ tokens }))).toBeGreaterThan(0.2)
  })

  it('gives every text of many in one pass the bits it gets alone', async () => {
    const engine = await open()
    const requests = Array.from({ length: 5 }, (_, i) => ({
      tokens: tokens.slice(0, 3 + 4 * i),
      displacement: i === 0 ? undefined : zeroDisplacement(engine.shape).map(() => gaussian(random)),
      maxTokens: 8,
      topLogprobs: 2,
    }))
    const alone = []
    for (const request of requests) alone.push(await collected(engine.generateTokens(request)))
    const together = await Promise.all(requests.map((request) => collected(engine.generateTokens(request))))
    expect(together).toEqual(alone)
  })

  it('scores many questions as it scores each', async () => {
    const engine = await open()
    const requests = Array.from({ length: 4 }, (_, i) => ({ tokens: tokens.slice(0, 10 + i), continuations: [[3], [9], [i]] }))
    const together = await engine.score(requests)
    for (const [i, request] of requests.entries()) {
      const [alone] = await engine.score([request])
      for (const [k, value] of alone!.entries()) expect(together[i]![k]).toBeCloseTo(value, 4)
    }
  })
})
