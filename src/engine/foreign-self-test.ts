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

/** Of the largest logit: rounding of another order of sums, and of inputs that a graph rounds to 8 bits; keys that are read though they are hidden do far more. */
const ALIKE = 0.05

/** Enough for a short window to show. */
const KEPT_TOKENS = 48

/** Whether two decoders of one graph go on alike behind a past, steered, in steps of several tokens and of one, and again from a past that was gone on from. */
export async function continuesAlike(decoder: Decoder, other: Decoder): Promise<boolean> {
  const { shape } = decoder
  const length = Math.min(KEPT_TOKENS, shape.contextLength)
  const tokens = Array.from({ length }, (_, i) => (i * 7919) % shape.vocabSize)
  const random = seededRandom(2)
  const displacement = zeroDisplacement(shape).map(() => 0.5 * gaussian(random))
  const half = Math.floor(tokens.length / 2)
  const steps = [tokens.slice(0, half), tokens.slice(half, -1), tokens.slice(-1)].filter(({ length }) => length > 0)
  const logitsOf = async ({ forward }: Decoder): Promise<Float32Array[]> => {
    const found: Float32Array[] = []
    let past: Awaited<ReturnType<typeof forward>>['state'] | undefined
    for (const step of steps) {
      const forked = past && (await forward({ tokens: step.map((token) => (token + 1) % shape.vocabSize), past, displacement }))
      const { logits, state } = await forward({ tokens: step, past, displacement, logitsAt: [step.length - 1] })
      forked?.state.release()
      found.push(logits)
      past = state
    }
    past?.release()
    return found
  }
  const [expected, found] = [await logitsOf(decoder), await logitsOf(other)]
  return expected.every((logits, i) => {
    const most = logits.reduce((largest, logit) => Math.max(largest, Math.abs(logit)), 0)
    return largestChange(found[i]!, logits) <= ALIKE * most
  })
}

function failed(reason: string): PalignError {
  return new PalignError('engine-failed', `self-test of the onnx surgery failed: ${reason}`, {
    hint: 'the model cannot be used; use its safetensors, or report it with its config.json',
  })
}
