/** @file Proof at the first use of an adapted graph that its adapter acts: never a model that answers unadapted under an adapter's label. */
import { PalignError } from '../errors.ts'
import { gaussian, seededRandom } from '../math/random.ts'
import { type Adapter, type LinearLayer, type LinearModules, linearLayerOf } from '../model/adapter.ts'
import type { Decoder } from './decoder.ts'
import { largestChange, testTokens } from './self-test.ts'

const RANK = 2
/** Of the largest logit. Another graph of the same model may round differently; seen is 0 to 1e-6. */
const SAME = 1e-5
/** Of the largest logit: above rounding, far below what an update as large as the weights does to a working model. */
const CHANGED = 1e-4

export interface AdapterSelfTestOptions {
  readonly plain: Decoder
  readonly adapted: Decoder
  readonly modules: LinearModules
  readonly targets: readonly LinearLayer[]
}

/**
 * Throws `engine-failed` unless an adapter with B = 0, and one with scale 0, give the logits of the plain graph, and an adapter
 * on each target alone changes them.
 */
export async function adapterSelfTest({ plain, adapted, modules, targets }: AdapterSelfTestOptions): Promise<void> {
  const tokens = testTokens(plain.shape)
  const logits = async (decoder: Decoder, adapter?: Adapter): Promise<Float32Array> => {
    const result = await decoder.forward({ tokens, adapter, logitsAt: [tokens.length - 1] })
    result.state.release()
    return result.logits
  }
  const base = await logits(plain)
  const most = base.reduce((largest, logit) => Math.max(largest, Math.abs(logit)), 0)
  const change = async (adapter: Adapter) => largestChange(await logits(adapted, adapter), base) / most

  const whole = testAdapter({ modules, targets, active: targets })
  if (!((await change(testAdapter({ modules, targets, active: [] }))) <= SAME))
    throw failed('an adapter with B = 0 changes the logits')
  if (!((await change({ ...whole, alpha: 0 })) <= SAME)) throw failed('an adapter with scale 0 changes the logits')
  for (const target of targets) {
    if (!((await change(testAdapter({ modules, targets, active: [target] }))) > CHANGED)) {
      throw failed(`an adapter on ${target} does not change the logits`)
    }
  }
}

/** Updates about as large as weights of unit gain, on the active targets; B = 0 on all others. */
function testAdapter({
  modules,
  targets,
  active,
}: {
  readonly modules: LinearModules
  readonly targets: readonly LinearLayer[]
  readonly active: readonly LinearLayer[]
}): Adapter {
  const random = seededRandom(0)
  const pairs = [...modules].flatMap(([module, size]) => {
    const layer = linearLayerOf(module)
    if (layer === undefined || !targets.includes(layer)) return []
    const a = Float32Array.from({ length: RANK * size.in }, () => gaussian(random) / Math.sqrt(size.in))
    const b = Float32Array.from({ length: size.out * RANK }, () => (active.includes(layer) ? gaussian(random) : 0))
    return [[module, { a, b }] as const]
  })
  return { rank: RANK, alpha: RANK, targets, pairs: new Map(pairs) }
}

function failed(reason: string): PalignError {
  return new PalignError('engine-failed', `self-test of adapters failed: ${reason}`, {
    hint: 'adapters cannot be used with this model; report it with its config.json',
  })
}
