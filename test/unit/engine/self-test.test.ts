import { describe, expect, it } from 'vitest'
import { selfTest } from '../../../src/engine/self-test.ts'
import type { Displacement } from '../../../src/model/displacement.ts'
import type { TokenModel } from '../../../src/model/language-model.ts'

/** A model of which only the logits matter: three numbers, moved as `respond` says. */
function modelWith(respond: (displacement: Displacement | undefined) => number[]): TokenModel {
  const shape = { layers: 2, heads: 1, kvHeads: 1, headDim: 2, hiddenSize: 2, vocabSize: 3, contextLength: 12 }
  const logits: TokenModel['logits'] = async ({ displacement }) => Float32Array.from(respond(displacement))
  return { shape, logits } as TokenModel
}
const sum = (displacement: Displacement | undefined) => displacement?.reduce((total, value) => total + value, 0) ?? 0

describe('selfTest', () => {
  it('accepts a model that a displacement moves', async () => {
    await expect(selfTest(modelWith((displacement) => [sum(displacement), 1, 2]))).resolves.toBeUndefined()
  })

  it.each<[string, (displacement: Displacement | undefined) => number[], string]>([
    ['that ignores displacements', () => [0, 1, 2], 'does not change the logits'],
    [
      'that a zero displacement moves',
      (displacement) => [displacement === undefined ? 0 : 1e-6, 1, 2],
      'a zero displacement changes',
    ],
    ['that cannot tell a displacement from its opposite', (displacement) => [Math.abs(sum(displacement)), 1, 2], 'its opposite'],
    ['whose steered logits are NaN', (displacement) => [sum(displacement) === 0 ? 0 : Number.NaN, 1, 2], 'does not change'],
  ])('refuses a model %s', async (_, respond, message) => {
    await expect(selfTest(modelWith(respond))).rejects.toMatchObject({
      code: 'engine-failed',
      message: expect.stringContaining(message),
    })
  })

  it('refuses a model whose plain logits are not finite', async () => {
    await expect(selfTest(modelWith(() => [Number.NaN, 1, 2]))).rejects.toMatchObject({ code: 'non-finite' })
  })
})
