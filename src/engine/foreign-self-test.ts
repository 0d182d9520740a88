/** @file Proof at load that surgery on a graph of others did what it should: nothing under a zero displacement, and something in every layer. */
import { PalignError } from '../errors.ts'
import { gaussian, seededRandom } from '../math/random.ts'
import { type Displacement, zeroDisplacement } from '../model/displacement.ts'
import type { TokenModel } from '../model/language-model.ts'
import { zWidth } from '../model/shape.ts'
import type { Decoder } from './decoder.ts'
import { largestChange, selfTest, testTokens } from './self-test.ts'

/** Of the largest logit; as `self-test.ts`, but one layer alone does less than all. */
const FLOOR = 1e-5

/** Next-token logits of the graph as it came, before anything was changed in it. */
export async function untouchedLogits(original: Decoder): Promise<Float32Array> {
  const tokens = testTokens(original.shape)
  const { logits } = await original.forward({ tokens, logitsAt: [tokens.length - 1] })
  return logits
}

/**
 * Throws `engine-failed` unless a zero displacement gives bit for bit the logits of the graph as it came, a displacement and its opposite change them,
 * and so does one in each layer alone: no layer was missed.
 */
export async function foreignSelfTest(model: TokenModel, untouched: Float32Array): Promise<void> {
  await selfTest(model)
  const { shape } = model
  const tokens = testTokens(shape)
  const logits = (displacement: Displacement) => model.logits({ tokens, displacement })
  const zero = await logits(zeroDisplacement(shape))
  if (zero.some((logit, i) => !Object.is(logit, untouched[i])))
    throw failed(`a zero displacement changes the logits of the file by ${largestChange(zero, untouched)}`)
  const floor = FLOOR * zero.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0)
  const random = seededRandom(1)
  const width = zWidth(shape)
  for (let layer = 0; layer < shape.layers; layer++) {
    const displacement = zeroDisplacement(shape)
    for (let i = 0; i < width; i++) displacement[layer * width + i] = gaussian(random)
    const change = largestChange(await logits(displacement), zero)
    if (!(change > floor))
      throw failed(`a displacement in layer ${layer} changes the logits by ${change}, expected more than ${floor}`)
  }
}

function failed(reason: string): PalignError {
  return new PalignError('engine-failed', `self-test of the onnx surgery failed: ${reason}`, {
    hint: 'the model cannot be used; use its safetensors, or report it with its config.json',
  })
}
