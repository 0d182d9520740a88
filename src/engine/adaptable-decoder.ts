/**
 * @file A decoder that takes adapters: passes without one run on the plain graph at its full speed; for each set of adapted
 * layers a graph is opened when it is first needed, proves itself, and is kept. One graph serves adapters of any rank.
 */
import { type LinearLayer, type LinearModules, orderedTargets } from '../model/adapter.ts'
import { adapterSelfTest } from './adapter-self-test.ts'
import type { Decoder } from './decoder.ts'

export interface AdaptableDecoderOptions {
  readonly plain: Decoder
  readonly modules: LinearModules
  /** Opens the decoder whose graph adapts these layers; it needs an adapter in every pass. */
  readonly openAdapted: (targets: readonly LinearLayer[]) => Promise<Decoder>
}

/** Adapters are taken as checked (`assertAdapter`). Throws `engine-failed` where an adapted graph fails its self-test. */
export function adaptableDecoder({ plain, modules, openAdapted }: AdaptableDecoderOptions): Decoder {
  const opened = new Map<string, Promise<Decoder>>()

  async function open(targets: readonly LinearLayer[]): Promise<Decoder> {
    const adapted = await openAdapted(targets)
    try {
      await adapterSelfTest({ plain, adapted, modules, targets })
    } catch (error) {
      await adapted.dispose()
      throw error
    }
    return adapted
  }

  /** A failure is not remembered, so that the next call tries again. */
  function adaptedDecoder(targets: readonly LinearLayer[]): Promise<Decoder> {
    const ordered = orderedTargets(targets)
    const key = ordered.join()
    const known = opened.get(key)
    if (known !== undefined) return known
    const opening = open(ordered)
    opened.set(key, opening)
    opening.catch(() => opened.delete(key))
    return opening
  }

  return {
    shape: plain.shape,
    modules,
    async forward(request) {
      const { adapter } = request
      return (adapter === undefined ? plain : await adaptedDecoder(adapter.targets)).forward(request)
    },
    async dispose() {
      const adapted = await Promise.all([...opened.values()].map((decoder) => decoder.catch(() => undefined)))
      await Promise.all([plain, ...adapted].map((decoder) => decoder?.dispose()))
    },
  }
}
