import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Decoder, ForwardRequest } from '../../../src/engine/decoder.ts'
import { tokenModel } from '../../../src/engine/token-model.ts'
import { zeroDisplacement } from '../../../src/model/displacement.ts'
import type { TokenGenerateRequest, TokenModel } from '../../../src/model/language-model.ts'

const shape = { layers: 1, heads: 1, kvHeads: 1, headDim: 2, hiddenSize: 2, vocabSize: 10, contextLength: 12 }

/** After token t the most probable token is t + 1 (modulo 10), by one nat over all others. Counts what it computes. */
function countingDecoder() {
  const passes: number[] = []
  const dispose = vi.fn(async () => {})
  const decoder: Decoder = {
    shape,
    async forward({ tokens, past, logitsAt = [] }: ForwardRequest) {
      passes.push(tokens.length)
      const logits = new Float32Array(logitsAt.length * 10)
      logitsAt.forEach((position, row) => {
        logits[row * 10 + ((tokens[position]! + 1) % 10)] = 1
      })
      return {
        logits,
        state: { length: (past?.length ?? 0) + tokens.length, release() {} },
        z: Float32Array.of(tokens[tokens.length - 1]!, 0),
      }
    },
    dispose,
  }
  return { decoder, passes, dispose }
}
const expectedToken = 1 - Math.log(Math.E + 9)
const otherToken = -Math.log(Math.E + 9)

let counting: ReturnType<typeof countingDecoder>
let model: TokenModel
beforeEach(() => {
  counting = countingDecoder()
  model = tokenModel(counting.decoder, { endTokens: [0] })
})

async function generate(request: Partial<TokenGenerateRequest> = {}) {
  const generated = []
  for await (const { token } of model.generateTokens({ tokens: [1], ...request })) generated.push(token)
  return generated
}

describe('score', () => {
  it('sums the log-probabilities of a continuation', async () => {
    const [scores] = await model.score([{ tokens: [1], continuations: [[2], [5], [2, 3, 4], [2, 5, 6]] }])
    const expected = [expectedToken, otherToken, 3 * expectedToken, 2 * expectedToken + otherToken]
    expected.forEach((value, i) => {
      expect(scores![i]).toBeCloseTo(value, 6)
    })
  })

  it('computes a common prefix once and single-token continuations with their prompt', async () => {
    const requests = [4, 5, 6].map((last) => ({ tokens: [1, 2, 3, 8, last], continuations: [[1], [2], [3]] }))
    await model.score(requests)
    expect(counting.passes).toEqual([4, 1, 1, 1])
  })

  it('has nothing to do for no requests', async () => {
    expect(await model.score([])).toEqual([])
    expect(counting.passes).toEqual([])
  })

  it('reports progress after every request', async () => {
    const onProgress = vi.fn()
    await model.score(
      [
        { tokens: [1], continuations: [[2]] },
        { tokens: [2], continuations: [[2]] },
      ],
      { onProgress },
    )
    expect(onProgress.mock.calls.map(([progress]) => progress)).toEqual([
      { done: 1, total: 2 },
      { done: 2, total: 2 },
    ])
  })

  it('stops between passes when aborted', async () => {
    const controller = new AbortController()
    const requests = [1, 2, 3].map((token) => ({ tokens: [token], continuations: [[2]] }))
    const scoring = model.score(requests, { signal: controller.signal, onProgress: () => controller.abort() })
    await expect(scoring).rejects.toMatchObject({ code: 'aborted' })
    expect(counting.passes).toHaveLength(1)
  })

  it.each([
    ['no continuation', { tokens: [1], continuations: [] }, 'no continuations'],
    ['an empty continuation', { tokens: [1], continuations: [[]] }, 'continuation has 0 tokens'],
    ['an empty prompt', { tokens: [], continuations: [[1]] }, 'prompt has 0 tokens'],
    ['a token outside the vocabulary', { tokens: [1], continuations: [[10]] }, 'expected an integer from 0 to 9'],
    ['more tokens than the context', { tokens: Array(10).fill(1), continuations: [[1, 2, 3]] }, '13 tokens, expected 1 to 12'],
  ])('refuses %s', async (_, request, message) => {
    await expect(model.score([request])).rejects.toThrow(message)
    expect(counting.passes).toEqual([])
  })
})

describe('logits', () => {
  it.each([[-1], [1.5], [Number.NaN], [10]])('refuses token %d', async (token) => {
    await expect(model.logits({ tokens: [1, token] })).rejects.toThrow('token 1 of the prompt')
  })

  it('refuses a displacement that does not fit or is not finite', async () => {
    await expect(model.logits({ tokens: [1], displacement: new Float32Array(3) })).rejects.toMatchObject({
      code: 'incompatible-persona',
    })
    await expect(model.logits({ tokens: [1], displacement: zeroDisplacement(shape).fill(Number.NaN) })).rejects.toMatchObject({
      code: 'non-finite',
    })
  })
})

describe('record', () => {
  it('gives z of every prompt, one after the other', async () => {
    expect(Array.from(await model.record([{ tokens: [1, 2] }, { tokens: [1, 3] }]))).toEqual([2, 0, 3, 0])
  })

  it('opens the recorder when it is first needed, once, and disposes of it', async () => {
    const recorder = countingDecoder()
    const openRecorder = vi.fn(async () => recorder.decoder)
    const recording = tokenModel(counting.decoder, { openRecorder })
    expect(openRecorder).not.toHaveBeenCalled()
    await Promise.all([recording.record([{ tokens: [1] }]), recording.record([{ tokens: [2] }])])
    expect(openRecorder).toHaveBeenCalledTimes(1)
    await recording.dispose()
    expect([counting.dispose, recorder.dispose].map((dispose) => dispose.mock.calls.length)).toEqual([1, 1])
  })

  it('tries again to open a recorder that could not be opened', async () => {
    const openRecorder = vi.fn(async () => counting.decoder).mockRejectedValueOnce(new Error('no memory'))
    const recording = tokenModel(counting.decoder, { openRecorder })
    await expect(recording.record([{ tokens: [1] }])).rejects.toThrow('no memory')
    await expect(recording.record([{ tokens: [1] }])).resolves.toHaveLength(2)
  })
})

describe('generateTokens', () => {
  it('continues token by token from one pass over the prompt', async () => {
    expect(await generate({ tokens: [1, 2], maxTokens: 3 })).toEqual([3, 4, 5])
    expect(counting.passes).toEqual([2, 1, 1])
  })

  it('ends with an end token, marked', async () => {
    const generated = []
    for await (const token of model.generateTokens({ tokens: [7] })) generated.push(token)
    expect(generated.map(({ token, isEnd }) => [token, isEnd])).toEqual([
      [8, undefined],
      [9, undefined],
      [0, true],
    ])
  })

  it('names the most likely tokens beside each where they are wanted, with the same number for the same token', async () => {
    for await (const { token, logprob, top } of model.generateTokens({ tokens: [1], maxTokens: 3, topLogprobs: 2 })) {
      expect(top).toHaveLength(2)
      expect(top![0]).toEqual({ token, logprob })
      expect(top![1]).toMatchObject({ token: 0, logprob: expect.closeTo(otherToken, 6) })
    }
    for await (const { top, logprob } of model.generateTokens({ tokens: [1], maxTokens: 1, topLogprobs: 0 }))
      expect([top, logprob]).toEqual([undefined, expect.closeTo(expectedToken, 6)])
    for await (const token of model.generateTokens({ tokens: [1], maxTokens: 1 })) expect(token).toEqual({ token: 2 })
  })

  it.each([-1, 21, 0.5])('refuses topLogprobs %d', async (topLogprobs) => {
    await expect(generate({ topLogprobs })).rejects.toThrow('topLogprobs')
  })

  it('ends when the context is full', async () => {
    model = tokenModel(counting.decoder)
    expect(await generate({ tokens: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1] })).toEqual([2, 3])
    expect(await generate({ tokens: Array(12).fill(1) })).toEqual([])
  })

  it('gives nothing for no tokens', async () => {
    expect(await generate({ maxTokens: 0 })).toEqual([])
  })

  it('throws when aborted between tokens', async () => {
    const controller = new AbortController()
    const seen: number[] = []
    const run = async () => {
      for await (const { token } of model.generateTokens({ tokens: [1], signal: controller.signal })) {
        seen.push(token)
        controller.abort()
      }
    }
    await expect(run()).rejects.toMatchObject({ code: 'aborted' })
    expect(seen).toEqual([2])
  })

  it.each([-1, 1.5, Number.NaN])('refuses maxTokens %d', async (maxTokens) => {
    await expect(generate({ maxTokens })).rejects.toThrow('maxTokens')
  })
})

describe('promptLogprobs', () => {
  it('gives what score gives, token by token, from the second on', async () => {
    const tokens = [1, 2, 5, 6, 2]
    const given = await model.promptLogprobs({ tokens, topLogprobs: 1 })
    expect(given.map(({ token }) => token)).toEqual(tokens.slice(1))
    const [scores] = await model.score([{ tokens: [1], continuations: [tokens.slice(1)] }])
    expect(given.reduce((sum, { logprob }) => sum + logprob, 0)).toBeCloseTo(scores![0]!, 12)
    expect(given.map(({ top }) => top![0]!.token)).toEqual([2, 3, 6, 7])
  })

  it('has nothing to give for one token', async () => {
    expect(await model.promptLogprobs({ tokens: [4] })).toEqual([])
  })
})
