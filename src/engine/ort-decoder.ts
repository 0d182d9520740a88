/** @file A decoder on ONNX Runtime, over the graphs of `graph/llama.ts`. The runtime comes in as a parameter: Node's or the browser's. */
import type { InferenceSession, Tensor, TensorConstructor } from 'onnxruntime-common'
import { PalignError } from '../errors.ts'
import {
  ADAPTER_SCALE,
  adapterInput,
  DISPLACEMENT,
  INPUT_IDS,
  LAST_POSITION,
  LOGITS,
  POSITIONS,
  TOTAL_LENGTH,
  Z,
} from '../graph/names.ts'
import { type Adapter, adapterScale, type LinearModules } from '../model/adapter.ts'
import { zeroDisplacement } from '../model/displacement.ts'
import { type ModelShape, zWidth } from '../model/shape.ts'
import type { Decoder, ForwardRequest, ForwardResult } from './decoder.ts'
import { bufferCache, concatCache } from './kv-cache.ts'

/** What the engine uses of an inference session. */
export type OrtSession = Pick<InferenceSession, 'run' | 'release' | 'inputNames'>

export interface OrtDecoderOptions {
  readonly session: OrtSession
  readonly Tensor: TensorConstructor
  readonly shape: ModelShape
  /** Sizes of the adapted modules, for a graph that takes an adapter. */
  readonly modules?: LinearModules | undefined
}

/** The variant of the graph (fused or not, steered or not, adapted or not) is read off the session's inputs. */
export function ortDecoder({ session, Tensor, shape, modules }: OrtDecoderOptions): Decoder {
  const isFused = session.inputNames.includes(LAST_POSITION)
  const isSteered = session.inputNames.includes(DISPLACEMENT)
  const isAdapted = session.inputNames.includes(ADAPTER_SCALE)
  const planCache = (isFused ? bufferCache : concatCache)({ shape, Tensor })
  const displacementShape = [1, shape.layers, zWidth(shape)]
  const zero = new Tensor('float32', zeroDisplacement(shape), displacementShape)

  const integers = (values: ArrayLike<number>, dimensions: readonly number[]) =>
    new Tensor('int64', BigInt64Array.from(values, BigInt), dimensions)

  const adapterFeeds = cachedFeeds((adapter) => {
    if (modules === undefined)
      throw new PalignError('engine-failed', 'graph takes an adapter, the sizes of its modules are unknown')
    return {
      [ADAPTER_SCALE]: new Tensor('float32', Float32Array.of(adapterScale(adapter)), []),
      ...Object.fromEntries(
        [...adapter.pairs].flatMap(([module, { a, b }]) => {
          const size = modules.get(module)!
          return [
            [adapterInput(module, 'a'), new Tensor('float32', a, [adapter.rank, size.in])],
            [adapterInput(module, 'b'), new Tensor('float32', b, [size.out, adapter.rank])],
          ]
        }),
      ),
    }
  })

  return {
    shape,
    modules: isAdapted ? modules : undefined,
    async forward(request: ForwardRequest): Promise<ForwardResult> {
      const { tokens, past, displacement, adapter, logitsAt = [], record = false } = request
      if (isAdapted !== (adapter !== undefined)) {
        throw new PalignError(
          'engine-failed',
          `graph ${isAdapted ? 'needs an adapter, none' : 'has no adapter inputs, an adapter'} was given`,
        )
      }
      const cache = planCache(past, tokens.length)
      const total = (past?.length ?? 0) + tokens.length
      const feeds: Record<string, Tensor> = {
        ...cache.feeds,
        [INPUT_IDS]: integers(tokens, [1, tokens.length]),
        [POSITIONS]: integers(logitsAt, [logitsAt.length]),
        ...(adapter === undefined ? {} : adapterFeeds(adapter)),
      }
      if (isSteered) {
        feeds[DISPLACEMENT] = displacement === undefined ? zero : new Tensor('float32', displacement, displacementShape)
      } else if (displacement !== undefined) {
        throw new PalignError('engine-failed', 'graph has no displacement input, a displacement was given')
      }
      if (isFused) {
        feeds[LAST_POSITION] = new Tensor('int32', Int32Array.of(total - 1), [1])
        feeds[TOTAL_LENGTH] = new Tensor('int32', Int32Array.of(total), [])
      }
      const fetches: Record<string, Tensor | null> = { ...cache.fetches }
      if (logitsAt.length > 0) fetches[LOGITS] = null
      if (record) fetches[Z] = null
      const outputs = await runSession(session, feeds, fetches)
      const floats = (name: string) => outputs[name]!.data as Float32Array
      const logits = logitsAt.length > 0 ? floats(LOGITS) : new Float32Array()
      const state = cache.finish(outputs)
      return record ? { logits, state, z: floats(Z) } : { logits, state }
    },
    dispose: () => session.release(),
  }
}

/** Tensors are made once for each adapter object, not for each token. */
function cachedFeeds(make: (adapter: Adapter) => Record<string, Tensor>): (adapter: Adapter) => Record<string, Tensor> {
  const made = new WeakMap<Adapter, Record<string, Tensor>>()
  return (adapter) => {
    const feeds = made.get(adapter) ?? make(adapter)
    made.set(adapter, feeds)
    return feeds
  }
}

/** Throws `engine-failed` with what the runtime says. */
export async function runSession(
  session: OrtSession,
  feeds: InferenceSession.FeedsType,
  fetches: InferenceSession.FetchesType,
): Promise<Record<string, Tensor>> {
  try {
    return (await session.run(feeds, fetches)) as Record<string, Tensor>
  } catch (cause) {
    throw new PalignError('engine-failed', 'forward pass failed in ONNX Runtime', {
      hint: 'see the cause; free memory may be short',
      cause,
    })
  }
}
