/**
 * @file Keys and values of an ONNX graph of others, between its passes. `grown`: what it gives is what it takes next, made anew and copied with every token. `kept`: it gives those of the new
 * tokens alone, which are written behind the past in a buffer that is longer than its content; the graph's mask hides the rest.
 */
import type { Tensor, TensorConstructor } from 'onnxruntime-common'
import { PalignError } from '../errors.ts'
import type { GraphInterface } from '../graph/onnx-interface.ts'
import type { ModelShape } from '../model/shape.ts'
import type { DecoderState } from './decoder.ts'
import { copyRow, type KvBuffer, kvBuffer, writeTokens } from './kv-rows.ts'

export interface ForeignPass {
  /** In the order of the caches. */
  readonly pasts: readonly Tensor[]
  /** Places for tokens in them: those of the past, and hidden ones behind. */
  readonly columns: number
  /** Outputs to ask for. */
  readonly fetches: readonly string[]
  finish(outputs: Readonly<Record<string, Tensor>>): DecoderState
}

/** What a pass of `count` tokens takes; the past may be continued more than once. */
export type ForeignCache = (past: DecoderState | undefined, count: number) => ForeignPass

export interface ForeignCacheOptions {
  readonly Tensor: TensorConstructor
  readonly shape: ModelShape
  readonly graph: GraphInterface
}

interface GrownState extends DecoderState {
  readonly tensors: readonly Tensor[]
}

export function grownCache(options: ForeignCacheOptions): ForeignCache {
  const { graph } = options
  const empty = emptyPast(options)
  const fetches = graph.caches.map(({ present }) => present)
  return (past, count) => {
    const before = past?.length ?? 0
    const length = before + count
    return {
      pasts: (past as GrownState | undefined)?.tensors ?? graph.caches.map(() => empty),
      columns: before,
      fetches,
      finish: (outputs): GrownState => ({
        tensors: fetches.map((name) => checkedCache(outputs[name]!, name, graph.pastLength ?? length)),
        length,
        release() {},
      }),
    }
  }
}

/** A buffer and how much of it texts have filled. */
interface Room {
  readonly buffer: KvBuffer
  readonly tensors: readonly Tensor[]
  used: number
}

interface KeptState extends DecoderState {
  readonly room: Room
}

/** Room is made for a quarter more than there is, in steps: a buffer much longer than its content is read for nothing. */
const STEP = 64

export function keptCache({ Tensor, shape, graph }: ForeignCacheOptions): ForeignCache {
  const fetches = graph.caches.map(({ fresh }) => fresh!)
  const none = emptyPast({ Tensor, shape, graph })

  const allocate = (length: number): Room => {
    const capacity = STEP * Math.ceil((length * 1.25) / STEP)
    const buffer = kvBuffer(shape, 1, capacity)
    const dimensions = [1, shape.kvHeads, capacity, shape.headDim]
    return { buffer, tensors: buffer.arrays.map((array) => new Tensor('float32', array, dimensions)), used: 0 }
  }

  /** The past's own room where nothing was written behind it and there is enough, else a copy. */
  const roomFor = (past: KeptState | undefined, length: number): Room => {
    const before = past?.length ?? 0
    if (past !== undefined && past.room.used === before && length <= past.room.buffer.capacity) return past.room
    const room = allocate(length)
    if (past !== undefined) copyRow({ buffer: past.room.buffer, row: 0 }, { buffer: room.buffer, row: 0 }, before)
    return room
  }

  return (given, count) => {
    const past = given as KeptState | undefined
    const before = past?.length ?? 0
    const length = before + count
    return {
      pasts: past?.room.tensors ?? fetches.map(() => none),
      columns: past?.room.buffer.capacity ?? 0,
      fetches,
      finish(outputs): KeptState {
        const arrays = fetches.map((name) => checkedCache(outputs[name]!, name, count).data as Float32Array)
        // Found now: another pass may have written behind the same past in the meantime.
        const room = roomFor(past, length)
        writeTokens({ buffer: room.buffer, row: 0 }, before, { arrays, row: 0, count, stride: count })
        room.used = length
        return { room, length, release() {} }
      },
    }
  }
}

/** Pasts of no tokens; of the fixed length where the graph wants one, and then how many count comes from the mask. */
function emptyPast({ Tensor, shape: { kvHeads, headDim }, graph }: ForeignCacheOptions): Tensor {
  const dimensions = [1, kvHeads, graph.pastLength ?? 0, headDim]
  const count = dimensions.reduce((product, size) => product * size, 1)
  return graph.cacheType === 'float32'
    ? new Tensor('float32', new Float32Array(count), dimensions)
    : new Tensor('float16', new Uint16Array(count), dimensions)
}

function checkedCache(tensor: Tensor, name: string, length: number): Tensor {
  // A cache of another length would be continued at the wrong place.
  if (tensor.dims[2] !== length)
    throw new PalignError('engine-failed', `onnx output ${name} holds ${tensor.dims[2]} tokens, expected ${length}`)
  return tensor
}
