/**
 * @file Where keys and values live between two runs of an ONNX Runtime session. Fused attention writes new tokens into
 * the buffer that holds the past; decomposed attention makes new tensors each time.
 */
import type { Tensor, TensorConstructor } from 'onnxruntime-common'
import { PalignError } from '../errors.ts'
import { CACHE_PARTS, pastName, presentName } from '../graph/names.ts'
import type { ModelShape } from '../model/shape.ts'
import type { DecoderState } from './decoder.ts'

/** How one run appends its tokens to a past. */
export interface CachePlan {
  readonly feeds: Readonly<Record<string, Tensor>>
  /** What to fetch: a tensor to write into, or null for a new one. */
  readonly fetches: Readonly<Record<string, Tensor | null>>
  /** The state after the run, given what it fetched. */
  finish(outputs: Readonly<Record<string, unknown>>): DecoderState
}

/** Plans a run over `count` tokens after `past`. */
export type KvCache = (past: DecoderState | undefined, count: number) => CachePlan

export interface KvCacheOptions {
  readonly shape: ModelShape
  readonly Tensor: TensorConstructor
}

/** Smallest buffer, in tokens: growing smaller ones would cost more than they save. */
const MIN_CAPACITY = 128

/** One array `[1, kvHeads, capacity, headDim]` for each layer's keys and values; the first `used` tokens belong to some state. */
interface KvBuffer {
  readonly tensors: readonly Tensor[]
  readonly capacity: number
  used: number
}

interface BufferState extends DecoderState {
  readonly buffer: KvBuffer
  readonly isReleased: () => boolean
}

/**
 * The cache of fused attention. States are views of the first tokens of a shared buffer. A run appends in place where
 * its past ends at the buffer's used end, which leaves every older view as it was; otherwise it copies the past first.
 * Releasing the newest state gives its tokens back.
 */
export function bufferCache({ shape, Tensor }: KvCacheOptions): KvCache {
  const names = cacheNames(shape)
  const rowLength = shape.headDim

  const allocate = (length: number): KvBuffer => {
    // Twice what is needed, so that a sequence growing token by token is copied a few times only.
    const capacity = Math.min(shape.contextLength, Math.max(MIN_CAPACITY, 2 * length))
    const dimensions = [1, shape.kvHeads, capacity, rowLength]
    const tensors = names.map(() => new Tensor('float32', new Float32Array(shape.kvHeads * capacity * rowLength), dimensions))
    return { tensors, capacity, used: 0 }
  }

  const copy = (source: KvBuffer, length: number, target: KvBuffer): void => {
    source.tensors.forEach((tensor, i) => {
      const [from, to] = [tensor.data as Float32Array, target.tensors[i]!.data as Float32Array]
      for (let head = 0; head < shape.kvHeads; head++) {
        const start = head * source.capacity * rowLength
        to.set(from.subarray(start, start + length * rowLength), head * target.capacity * rowLength)
      }
    })
  }

  const bufferFor = (past: BufferState | undefined, length: number): KvBuffer => {
    if (past === undefined) return allocate(length)
    // Other tokens may have taken its place: continuing it would be silently wrong.
    if (past.isReleased()) throw new PalignError('engine-failed', 'state was released before it was continued')
    if (past.buffer.used === past.length && length <= past.buffer.capacity) return past.buffer
    const buffer = allocate(length)
    copy(past.buffer, past.length, buffer)
    return buffer
  }

  return (past, count) => {
    const before = (past as BufferState | undefined)?.length ?? 0
    const length = before + count
    const buffer = bufferFor(past as BufferState | undefined, length)
    // Claimed now: another run planned before this one ends must not append at the same place.
    buffer.used = length
    const named = (prefix: 'past' | 'present') => Object.fromEntries(names.map((name, i) => [name[prefix], buffer.tensors[i]!]))
    let released = false
    const state: BufferState = {
      buffer,
      length,
      isReleased: () => released,
      release() {
        released = true
        if (buffer.used === length) buffer.used = before
      },
    }
    return { feeds: named('past'), fetches: named('present'), finish: () => state }
  }
}

interface TensorState extends DecoderState {
  readonly tensors: readonly Tensor[]
}

/** The cache of decomposed attention: exactly as long as the past, made anew by every run. */
export function concatCache({ shape, Tensor }: KvCacheOptions): KvCache {
  const names = cacheNames(shape)
  const empty = new Tensor('float32', new Float32Array(), [1, shape.kvHeads, 0, shape.headDim])
  return (past, count) => {
    const tensors = (past as TensorState | undefined)?.tensors ?? names.map(() => empty)
    return {
      feeds: Object.fromEntries(names.map((name, i) => [name.past, tensors[i]!])),
      fetches: Object.fromEntries(names.map((name) => [name.present, null])),
      finish(outputs): TensorState {
        const next = names.map((name) => outputs[name.present] as Tensor)
        return { tensors: next, length: (past?.length ?? 0) + count, release() {} }
      },
    }
  }
}

/** Names of the past and present keys and values of every layer. */
export function cacheNames(shape: ModelShape): readonly { readonly past: string; readonly present: string }[] {
  return Array.from({ length: shape.layers }, (_, layer) => layer).flatMap((layer) =>
    CACHE_PARTS.map((part) => ({ past: pastName(layer, part), present: presentName(layer, part) })),
  )
}
