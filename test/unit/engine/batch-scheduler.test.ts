import { describe, expect, it } from 'vitest'
import type { BatchDecoder, BatchText, KvBlock } from '../../../src/engine/batch-decoder.ts'
import { type BatchLimits, type BatchRequest, batchScheduler } from '../../../src/engine/batch-scheduler.ts'
import { capacityFor, kvBytes } from '../../../src/engine/kv-rows.ts'
import { PalignError } from '../../../src/errors.ts'
import type { GeneratedToken } from '../../../src/model/language-model.ts'
import { TEXT_SHAPE } from '../../fixtures/text-model.ts'

const shape = { ...TEXT_SHAPE, vocabSize: 1000, contextLength: 2048 }

interface FakeText extends BatchText {
  length: number
  last: number
}

/** Every token is followed by the next number. Writes down each pass, and fails on the token 666. */
function countingBatch() {
  const passes: string[] = []
  const begun = new Set<FakeText>()
  const follow = (text: FakeText, tokens: ArrayLike<number>) => {
    text.length += tokens.length
    text.last = tokens[tokens.length - 1]!
    return Float32Array.from({ length: shape.vocabSize }, (_, token) => (token === text.last + 1 ? 1 : 0))
  }
  const pass = async (name: string, tokens: ArrayLike<number>) => {
    await new Promise(setImmediate)
    passes.push(name)
    if (Array.from(tokens).includes(666)) throw new PalignError('engine-failed', 'pass failed')
  }
  const decoder: BatchDecoder = {
    shape,
    begin() {
      const text: FakeText = { length: 0, last: -1 }
      begun.add(text)
      return text
    },
    async extend(text, tokens) {
      await pass(`${tokens.length}`, tokens)
      const block: KvBlock = { arrays: [Float32Array.from(tokens as number[])], row: 0, count: tokens.length, stride: 0 }
      return { logits: follow(text as FakeText, tokens), block }
    },
    restore(text, { arrays }) {
      passes.push('kept')
      follow(text as FakeText, arrays[0]!)
    },
    async step(texts, tokens) {
      await pass(tokens.map(() => '.').join(''), tokens)
      return texts.map((text, i) => follow(text as FakeText, [tokens[i]!]))
    },
    end: (text) => void begun.delete(text as FakeText),
    dispose: async () => undefined,
  }
  return { decoder, passes, begun }
}

const sample: BatchRequest['sample'] = (logits) => ({ token: logits.indexOf(1), logprob: 0 })
const requestOf = (tokens: number[], options: Partial<BatchRequest> = {}): BatchRequest => ({
  tokens,
  displacement: undefined,
  sample,
  mostTokens: 4,
  signal: undefined,
  ...options,
})

function open(limits: BatchLimits = {}) {
  const { decoder, passes, begun } = countingBatch()
  const scheduler = batchScheduler({ decoder, endTokens: new Set([500]), ...limits })
  const generate = async (request: BatchRequest) => {
    const all: GeneratedToken[] = []
    for await (const token of scheduler.generate(request)) all.push(token)
    return all.map(({ token }) => token)
  }
  return { scheduler, passes, begun, generate }
}
/** Enough for all that were asked for to be let in, too few for any to end. */
async function someRounds(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise(setImmediate)
}

const counting = (start: number, length: number) => Array.from({ length }, (_, i) => (start + i) % 400)

describe('batch scheduler', () => {
  it('computes requests together and each to its own end', async () => {
    const { generate, passes, begun } = open()
    const found = await Promise.all([
      generate(requestOf([10])),
      generate(requestOf([20, 21], { mostTokens: 2 })),
      generate(requestOf([498], { mostTokens: 9 })),
    ])
    expect(found).toEqual([
      [11, 12, 13, 14],
      [22, 23],
      [499, 500],
    ])
    expect(passes).toContain('..')
    expect(begun.size).toBe(0)
  })

  it('marks the token that ended a text', async () => {
    const { scheduler } = open()
    const all = []
    for await (const token of scheduler.generate(requestOf([499]))) all.push(token)
    expect(all).toEqual([{ token: 500, logprob: 0, isEnd: true }])
  })

  it('goes on with others between the chunks of a long prompt', async () => {
    const { generate, passes } = open()
    await Promise.all([generate(requestOf([10], { mostTokens: 5 })), generate(requestOf(counting(0, 200)))])
    expect(passes.slice(0, 7)).toEqual(['1', '.', '64', '.', '64', '.', '64'])
  })

  it('lets a short prompt pass a long one, and the long one go on', async () => {
    const { scheduler, generate, passes } = open()
    const order: string[] = []
    const long = generate(requestOf(counting(0, 1000), { mostTokens: 1 })).then(() => order.push('long'))
    const short = Array.from({ length: 30 }, (_, i) =>
      generate(requestOf([i], { mostTokens: 1 })).then(() => order.push('short')),
    )
    await Promise.all([long, ...short])
    expect(order.indexOf('long')).toBeGreaterThan(10)
    expect(order.indexOf('long')).toBeLessThan(30)
    expect(passes.slice(0, 6).filter((pass) => pass === '1').length).toBeGreaterThan(1)
    expect(scheduler.load()).toMatchObject({ running: 0, waiting: 0, rowBytes: 0 })
  })

  it('computes a beginning that it knows no more', async () => {
    const { generate, passes } = open()
    const tokens = counting(0, 150)
    await generate(requestOf(tokens, { mostTokens: 1 }))
    await generate(requestOf([...tokens, 7], { mostTokens: 1 }))
    expect(passes).toEqual(['64', '64', '22', 'kept', 'kept', '23'])
    await generate(requestOf(tokens, { mostTokens: 1, displacement: Float32Array.of(1) }))
    expect(passes.slice(6)).toEqual(['64', '64', '22'])
  })

  it('frees the place of a request that is aborted before the next token', async () => {
    const { scheduler, begun } = open()
    const controller = new AbortController()
    const seen: number[] = []
    const run = async () => {
      for await (const { token } of scheduler.generate(requestOf([1], { mostTokens: 300, signal: controller.signal }))) {
        seen.push(token)
        if (seen.length === 3) controller.abort()
      }
    }
    await expect(run()).rejects.toMatchObject({ code: 'aborted' })
    expect(seen.length).toBeLessThanOrEqual(4)
    expect(begun.size).toBe(0)
  })

  it('frees the place of a request that nobody reads any more', async () => {
    const { scheduler, begun, generate } = open()
    for await (const _ of scheduler.generate(requestOf([1], { mostTokens: 300 }))) break
    await generate(requestOf([5], { mostTokens: 1 }))
    expect([begun.size, scheduler.load().running]).toEqual([0, 0])
  })

  it('lets in as many as there are rows and bytes for, in the order they came', async () => {
    const rows = open({ mostRows: 2 })
    const pending = [1, 2, 3].map((token) => rows.generate(requestOf([token])))
    await someRounds()
    expect(rows.scheduler.load()).toMatchObject({ running: 2, waiting: 1 })
    await Promise.all(pending)
    const bytes = kvBytes(capacityFor(5, shape), shape)
    const memory = open({ mostRowBytes: 1.5 * bytes })
    const more = [1, 2].map((token) => memory.generate(requestOf([token])))
    await someRounds()
    expect(memory.scheduler.load()).toMatchObject({ running: 1, waiting: 1, rowBytes: bytes })
    expect(await Promise.all(more)).toEqual([
      [2, 3, 4, 5],
      [3, 4, 5, 6],
    ])
    // One that needs more than there is still gets its turn.
    const tiny = open({ mostRowBytes: 1 })
    expect(await tiny.generate(requestOf([1]))).toEqual([2, 3, 4, 5])
  })

  it('ends only the request whose prompt cannot be computed', async () => {
    const { generate, begun } = open()
    const [broken, whole] = await Promise.allSettled([generate(requestOf([666])), generate(requestOf([1]))])
    expect(broken).toMatchObject({ status: 'rejected', reason: { code: 'engine-failed' } })
    expect(whole).toMatchObject({ status: 'fulfilled', value: [2, 3, 4, 5] })
    expect(begun.size).toBe(0)
  })

  it('ends only the request whose logits are no numbers', async () => {
    const { generate, begun } = open()
    const failing: BatchRequest['sample'] = (logits) => {
      if (logits.indexOf(1) === 3) throw new PalignError('non-finite', 'logits contain NaN')
      return sample(logits)
    }
    const [broken, whole] = await Promise.allSettled([generate(requestOf([1], { sample: failing })), generate(requestOf([11]))])
    expect(broken).toMatchObject({ status: 'rejected', reason: { code: 'non-finite' } })
    expect(whole).toMatchObject({ status: 'fulfilled', value: [12, 13, 14, 15] })
    expect(begun.size).toBe(0)
  })

  it('computes nothing any more once it is stopped, and says so to who waits', async () => {
    const { scheduler, generate, passes, begun } = open({ mostRows: 1 })
    const pending = [1, 2].map((token) => generate(requestOf([token], { mostTokens: 300 })))
    const settled = Promise.allSettled(pending)
    await someRounds()
    await scheduler.stop()
    const { length } = passes
    for (const { status } of await settled) expect(status).toBe('rejected')
    await expect(generate(requestOf([1]))).rejects.toThrow('disposed')
    expect([begun.size, passes.length]).toEqual([0, length])
  })

  it('fails all of a pass that fails, and takes the next request', async () => {
    const { generate, begun } = open()
    const [a, b] = await Promise.allSettled([generate(requestOf([664])), generate(requestOf([1], { mostTokens: 300 }))])
    expect([a?.status, b?.status]).toEqual(['rejected', 'rejected'])
    expect(await generate(requestOf([1]))).toEqual([2, 3, 4, 5])
    expect(begun.size).toBe(0)
  })
})
