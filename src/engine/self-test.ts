/** @file Proof at load that steering works: never a model that answers unsteered under a steered label. */
import { PalignError } from '../errors.ts'
import { gaussian, seededRandom } from '../math/random.ts'
import { type Displacement, zeroDisplacement } from '../model/displacement.ts'
import type { TokenModel } from '../model/language-model.ts'
import type { ModelShape } from '../model/shape.ts'

const PROMPT_TOKENS = 8
/** Far above rounding (about 1e-6 of the largest logit), far below what a displacement of unit size does to a working model. */
const FLOOR = 1e-4

/**
 * Throws `engine-failed` unless a zero displacement gives bit for bit the logits of none, and a displacement and its
 * opposite change them, differently; throws `non-finite` where the model itself gives NaN or infinity.
 */
export async function selfTest(model: TokenModel): Promise<void> {
  const { shape } = model
  const tokens = testTokens(shape)
  const random = seededRandom(0)
  const plus = zeroDisplacement(shape).map(() => gaussian(random))
  const minus = plus.map((value) => -value)
  const steered = (displacement?: Displacement) => model.logits({ tokens, displacement })

  const base = await steered()
  if (!base.every(Number.isFinite)) {
    throw new PalignError('non-finite', 'model gives NaN or infinity for a plain prompt', { hint: 'check the weight files' })
  }
  const zero = await steered(zeroDisplacement(shape))
  if (zero.some((logit, i) => !Object.is(logit, base[i]))) throw failed('a zero displacement changes the logits')
  const floor = FLOOR * base.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0)
  const [up, down] = [await steered(plus), await steered(minus)]
  if (!(largestChange(up, base) > floor && largestChange(down, base) > floor)) {
    throw failed('a displacement does not change the logits')
  }
  if (!(largestChange(up, down) > floor)) throw failed('a displacement and its opposite give the same logits')
}

/** A short prompt that any model can take. */
export function testTokens({ contextLength, vocabSize }: ModelShape): number[] {
  return Array.from({ length: Math.min(PROMPT_TOKENS, contextLength) }, (_, i) => (i * 7919) % vocabSize)
}

/** NaN where either holds one. */
export function largestChange(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)
}

/** Of the largest logit. Other kernels round differently: seen is up to 3e-6. */
const SAME = 1e-4
/**
 * The same with weights in blocks: their inputs are rounded to 8 bits, a last bit of attention can decide to which, and thirty layers carry it on; seen is
 * up to .02. A displacement that is wrong or missing changes the logits by about as much as the largest.
 */
const SAME_IN_BLOCKS = 0.1

export interface SameLogitsOptions {
  /** What is tested, as the error names it. */
  readonly name: string
  readonly row: number
  readonly found: Float32Array
  readonly expected: Float32Array
  /** Whether weights are in blocks of few bits. */
  readonly inBlocks?: boolean | undefined
}

/** @throws PalignError `engine-failed` where a row of many differs from what its tokens get alone */
export function assertSameLogits({ name, row, found, expected, inBlocks = false }: SameLogitsOptions): void {
  const most = expected.reduce((largest, logit) => Math.max(largest, Math.abs(logit)), 0)
  const change = largestChange(found, expected)
  if (change <= (inBlocks ? SAME_IN_BLOCKS : SAME) * most) return
  throw new PalignError('engine-failed', `self-test of ${name} failed: row ${row} differs by ${change} from one pass`, {
    hint: 'the model cannot be used so; report it with its config.json',
  })
}

function failed(reason: string): PalignError {
  return new PalignError('engine-failed', `self-test of steering failed: ${reason}`, {
    hint: 'the model cannot be used; report it with its config.json',
  })
}
