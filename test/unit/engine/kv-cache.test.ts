import type { Tensor, TensorConstructor } from 'onnxruntime-common'
import { describe, expect, it } from 'vitest'
import type { DecoderState } from '../../../src/engine/decoder.ts'
import { bufferCache, type CachePlan } from '../../../src/engine/kv-cache.ts'

const shape = { layers: 1, heads: 2, kvHeads: 2, headDim: 2, hiddenSize: 4, vocabSize: 10, contextLength: 1000 }

class PlainTensor {
  readonly data: Float32Array
  readonly dims: readonly number[]
  constructor(_type: string, data: Float32Array, dims: readonly number[]) {
    this.data = data
    this.dims = dims
  }
}
const plan = bufferCache({ shape, Tensor: PlainTensor as unknown as TensorConstructor })
const key = ({ feeds }: CachePlan): Tensor => feeds['past_key_values.0.key']!
const target = ({ fetches }: CachePlan): Tensor => fetches['present.0.key']!
const run = (past: DecoderState | undefined, count: number) => plan(past, count).finish({})

describe('bufferCache', () => {
  it('reads the past from the tensor it writes into', () => {
    const next = plan(run(undefined, 3), 1)
    expect(target(next)).toBe(key(next))
  })

  it('appends in place where nothing has been appended yet, and to a copy otherwise', () => {
    const start = plan(undefined, 3)
    const state = start.finish({})
    expect(target(plan(state, 1))).toBe(target(start))
    expect(target(plan(state, 1))).not.toBe(target(start))
  })

  it('appends in place again after the newest state was released', () => {
    const start = plan(undefined, 3)
    const state = start.finish({})
    run(state, 2).release()
    expect(target(plan(state, 4))).toBe(target(start))
  })

  it('does not give back the memory of a state that others continue', () => {
    const start = plan(undefined, 3)
    const state = start.finish({})
    const middle = run(state, 2)
    run(middle, 2)
    middle.release()
    expect(target(plan(state, 1))).not.toBe(target(start))
  })

  it('copies the past of every head when it outgrows the buffer', () => {
    const start = plan(undefined, 100)
    const [, heads, capacity, width] = target(start).dims as [number, number, number, number]
    const data = target(start).data as Float32Array
    for (let head = 0; head < heads; head++) data.fill(head + 1, head * capacity * width, (head * capacity + 100) * width)
    const grown = target(plan(start.finish({}), capacity))
    const newCapacity = grown.dims[2]!
    expect(newCapacity).toBeGreaterThanOrEqual(100 + capacity)
    for (let head = 0; head < heads; head++) {
      const begin = head * newCapacity * width
      expect((grown.data as Float32Array).subarray(begin, begin + 101 * width)).toEqual(
        Float32Array.from({ length: 101 * width }, (_, i) => (i < 100 * width ? head + 1 : 0)),
      )
    }
  })

  it('never takes more room than the context', () => {
    expect(target(plan(undefined, 900)).dims[2]).toBe(1000)
  })

  it('refuses to continue a released state', () => {
    const state = run(undefined, 3)
    state.release()
    expect(() => plan(state, 1)).toThrow('released')
  })
})
