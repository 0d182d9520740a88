import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEngine } from '../../src/engine/open-engine.ts'
import { tokenModel } from '../../src/engine/token-model.ts'
import { seededRandom } from '../../src/math/random.ts'
import { zeroDisplacement } from '../../src/model/displacement.ts'
import type { TokenModel } from '../../src/model/language-model.ts'
import { nodeRuntime, openDecoder, openReference, readHeaders, readModelFolder } from './open-model.ts'

const POSITIONS = 64

/** The real models: the engine against the plain TypeScript reference. */
describe.each(['stories260K', 'babyllama-tok361'])('%s of ../shared', (name) => {
  const folder = `../shared/models/${name}/hf`
  describe.skipIf(!existsSync(folder))('on both runtimes', () => {
    let reference: TokenModel
    let engine: TokenModel
    let close = () => {}
    beforeAll(async () => {
      const model = readModelFolder(folder)
      const runtime = nodeRuntime(model)
      close = runtime.close
      reference = tokenModel(await openReference(model))
      engine = await openEngine({ config: model.config, files: await readHeaders(model), runtime })
    })
    afterAll(async () => {
      await engine.dispose()
      close()
    })

    const displacement = () => zeroDisplacement(engine.shape).map((_, i) => 0.3 * Math.sin(i))
    const tokens = () => {
      const random = seededRandom(6)
      return [1, ...Array.from({ length: POSITIONS - 1 }, () => Math.floor(random() * engine.shape.vocabSize))]
    }

    it.each(['unsteered', 'steered'])(`gives the reference's logits at ${POSITIONS} positions, %s`, async (kind) => {
      const model = readModelFolder(folder)
      const runtime = nodeRuntime(model)
      const decoders = [await openReference(model), await openDecoder(model, runtime)]
      const request = {
        tokens: tokens(),
        displacement: kind === 'steered' ? displacement() : undefined,
        logitsAt: Array.from({ length: POSITIONS }, (_, position) => position),
      }
      const [expected, actual] = await Promise.all(decoders.map(async (decoder) => (await decoder.forward(request)).logits))
      const difference = actual!.reduce((most, x, i) => Math.max(most, Math.abs(x - expected![i]!)), 0)
      // float32 against doubles through five layers, logits up to 20.
      expect(difference).toBeLessThan(2e-4)
      await Promise.all(decoders.map((decoder) => decoder.dispose()))
      runtime.close()
    })

    it.each(['unsteered', 'steered'])('writes the same 100 greedy tokens, %s', async (kind) => {
      const request = { tokens: [1], maxTokens: 100, displacement: kind === 'steered' ? displacement() : undefined }
      const collect = async (model: TokenModel) => {
        const all: number[] = []
        for await (const { token } of model.generateTokens(request)) all.push(token)
        return all
      }
      const expected = await collect(reference)
      expect(expected).toHaveLength(100)
      expect(await collect(engine)).toEqual(expected)
    })
  })
})
