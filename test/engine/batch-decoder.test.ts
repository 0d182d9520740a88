import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BatchDecoder, type BatchText, ortBatchDecoder } from '../../src/engine/batch-decoder.ts'
import { batchSelfTest } from '../../src/engine/batch-self-test.ts'
import type { Decoder } from '../../src/engine/decoder.ts'
import { openEngine } from '../../src/engine/open-engine.ts'
import { llamaGraph } from '../../src/graph/llama.ts'
import { modelShape } from '../../src/graph/llama-config.ts'
import { locateWeights } from '../../src/graph/weights.ts'
import type { Displacement } from '../../src/model/displacement.ts'
import type { TokenGenerateRequest, TokenModel } from '../../src/model/language-model.ts'
import { configJson, type RandomModel, randomModel } from '../fixtures/random-model.ts'
import { CASES, distance, LOGIT_TOLERANCE, randomDisplacement } from './conformance.ts'
import { nodeRuntime, type OrtRuntime, openReference, readHeaders } from './open-model.ts'

async function openBatchDecoder(model: RandomModel, { createSession, Tensor }: OrtRuntime): Promise<BatchDecoder> {
  const shape = modelShape(model.config)
  const weights = locateWeights(model.config, await readHeaders(model))
  const graph = llamaGraph({ config: model.config, shape, weights, attention: 'own-past' })
  return ortBatchDecoder({ session: await createSession(graph, 'batch'), Tensor, shape })
}

describe.each(CASES.map(({ name, ...rest }) => ({ name, ...rest })))('batch decoder, $name', ({ json, ...options }) => {
  const random = randomModel({ json: configJson(json), seed: 7, ...options })
  const runtime = nodeRuntime(random, { intraOpNumThreads: 1 })
  let reference: Decoder
  let batch: BatchDecoder
  beforeAll(async () => {
    reference = await openReference(random)
    batch = await openBatchDecoder(random, runtime)
  })
  afterAll(async () => {
    await batch.dispose()
    runtime.close()
  })

  it('gives texts of unequal length and steering, whole and in pieces, what the reference gives each', async () => {
    const plus = randomDisplacement(batch.shape)
    const cases = [
      { displacement: plus, parts: [range(3, 20), range(40, 25)] },
      { displacement: undefined, parts: [range(9, 14)] },
      { displacement: plus.map((value) => -value), parts: [range(1, 7), [5], range(30, 9)] },
    ]
    const texts = cases.map(({ displacement }) => batch.begin(displacement))
    for (const [i, { parts }] of cases.entries()) for (const part of parts) await batch.extend(texts[i]!, part)
    const sequences = cases.map(({ parts }) => parts.flat())
    for (const round of [0, 1, 2]) {
      const next = cases.map((_, i) => (7 * round + 3 * i) % batch.shape.vocabSize)
      const found = await batch.step(texts, next)
      for (const [i, { displacement }] of cases.entries()) {
        sequences[i]!.push(next[i]!)
        const { length } = sequences[i]!
        const { logits } = await reference.forward({ tokens: sequences[i]!, displacement, logitsAt: [length - 1] })
        expect(distance(found[i]!, logits)).toBeLessThan(LOGIT_TOLERANCE)
        expect(texts[i]!.length).toBe(length)
      }
    }
    for (const text of texts) batch.end(text)
  })
})

describe('texts in one pass', () => {
  const random = randomModel({ json: configJson({ max_position_embeddings: 600 }), seed: 3 })
  const runtime = nodeRuntime(random, { intraOpNumThreads: 2 })
  let batch: BatchDecoder
  beforeAll(async () => {
    batch = await openBatchDecoder(random, runtime)
  })
  afterAll(async () => {
    await batch.dispose()
    runtime.close()
  })

  const prompts = Array.from({ length: 70 }, (_, i) => range(i, 3 + ((i * 29) % 200)))
  const steering = (i: number): Displacement | undefined =>
    i % 5 === 0 ? undefined : randomDisplacement(batch.shape).map((value) => value * ((i % 7) - 3))
  const start = async (i: number) => {
    const text = batch.begin(steering(i))
    await batch.extend(text, prompts[i]!)
    return text
  }
  const nextOf = (logits: Float32Array) => logits.indexOf(Math.max(...logits))

  it('get bit for bit what each gets alone, while others join, outgrow their buffer and leave', async () => {
    const alone: Float32Array[][] = []
    for (const i of prompts.keys()) {
      const text = await start(i)
      const given: Float32Array[] = []
      let token = i % 50
      for (let round = 0; round < 6; round++) {
        const [logits] = await batch.step([text], [token])
        given.push(logits!.slice())
        token = nextOf(logits!)
      }
      batch.end(text)
      alone.push(given)
    }
    // Text i comes in round i % 4 and goes after its sixth.
    interface Running {
      readonly index: number
      readonly text: BatchText
      readonly logits: Float32Array[]
      token: number
    }
    let running: Running[] = []
    let compared = 0
    for (let round = 0; round < 10; round++) {
      for (const index of prompts.keys()) {
        if (index % 4 === round) running.push({ index, text: await start(index), logits: [], token: index % 50 })
      }
      const found = await batch.step(
        running.map(({ text }) => text),
        running.map(({ token }) => token),
      )
      running.forEach((one, row) => {
        one.logits.push(found[row]!.slice())
        one.token = nextOf(found[row]!)
      })
      for (const { index, text, logits } of running.filter((one) => one.logits.length === 6)) {
        batch.end(text)
        for (const [i, own] of logits.entries())
          expect(own.every((value, j) => Object.is(value, alone[index]![i]![j]))).toBe(true)
        compared++
      }
      running = running.filter(({ logits }) => logits.length < 6)
    }
    expect(compared).toBe(prompts.length)
    // Buffers did change on the way.
    expect(prompts.some(({ length }) => length < 128 && length + 6 > 128)).toBe(true)
  })

  it('get it too where they are more than one pass holds', async () => {
    const short = prompts.map((tokens) => tokens.slice(0, 40))
    const begin = async (i: number) => {
      const text = batch.begin(steering(i))
      await batch.extend(text, short[i]!)
      return text
    }
    const alone: Float32Array[] = []
    for (const i of short.keys()) {
      const text = await begin(i)
      alone.push((await batch.step([text], [i % 50]))[0]!.slice())
      batch.end(text)
    }
    const texts: BatchText[] = []
    for (const i of short.keys()) texts.push(await begin(i))
    const found = await batch.step(
      texts,
      texts.map((_, i) => i % 50),
    )
    expect(texts.length).toBeGreaterThan(64)
    for (const [i, logits] of found.entries()) expect(logits).toEqual(alone[i])
    for (const text of texts) batch.end(text)
  })

  it('get bit for bit what they get from kept blocks', async () => {
    const tokens = range(11, 150)
    const cold = batch.begin(steering(1))
    const blocks = []
    for (const from of [0, 64]) blocks.push((await batch.extend(cold, tokens.slice(from, from + 64))).block)
    const { logits } = await batch.extend(cold, tokens.slice(128))
    const warm = batch.begin(steering(1))
    for (const block of blocks) batch.restore(warm, block)
    expect((await batch.extend(warm, tokens.slice(128))).logits).toEqual(logits)
    batch.end(cold)
    batch.end(warm)
  })

  it('are not harmed by one whose numbers broke before in the same place', async () => {
    const [whole, partner] = [await start(1), await start(2)]
    const [expected] = await batch.step([whole, partner], [4, 5])
    const kept = expected!.slice()
    batch.end(whole)
    batch.end(partner)
    const broken = batch.begin(randomDisplacement(batch.shape).fill(Number.NaN))
    await batch.extend(broken, range(0, 120))
    const other = await start(2)
    const [nothing, fine] = await batch.step([broken, other], [4, 5])
    expect(nothing!.some(Number.isNaN)).toBe(true)
    expect(fine!.every(Number.isFinite)).toBe(true)
    batch.end(broken, true)
    const next = await start(1)
    const [found] = await batch.step([next, other], [4, 6])
    expect(found).toEqual(kept)
    batch.end(next)
    batch.end(other)
  })
})

describe('the self-test of the batch', () => {
  const random = randomModel({ seed: 2 })
  const runtime = nodeRuntime(random, { intraOpNumThreads: 1 })
  afterAll(() => runtime.close())

  it('refuses a batch that steers nothing, or one row as another', async () => {
    const decoder = await openReference(random)
    const batch = await openBatchDecoder(random, runtime)
    await expect(batchSelfTest({ decoder, batch })).resolves.toBeUndefined()
    await expect(batchSelfTest({ decoder, batch: { ...batch, begin: () => batch.begin() } })).rejects.toThrow('self-test')
    const swapped: BatchDecoder = { ...batch, step: async (...given) => [...(await batch.step(...given))].reverse() }
    await expect(batchSelfTest({ decoder, batch: swapped })).rejects.toThrow('self-test')
    await batch.dispose()
  })
})

describe('generation by an opened engine', () => {
  const random = randomModel({ json: configJson({ max_position_embeddings: 400 }), seed: 5 })
  const runtime = nodeRuntime(random, { intraOpNumThreads: 2 })
  let model: TokenModel
  beforeAll(async () => {
    model = await openEngine({ config: random.config, files: await readHeaders(random), runtime })
  })
  afterAll(async () => {
    await model.dispose()
    runtime.close()
  })
  const tokensOf = async (request: TokenGenerateRequest) => {
    const tokens = []
    for await (const { token } of model.generateTokens(request)) tokens.push(token)
    return tokens
  }

  it('gives each of 64 requests at once, half of them cancelled, exactly what it gives alone', async () => {
    const requests = Array.from(
      { length: 64 },
      (_, i): TokenGenerateRequest => ({
        tokens: i % 3 === 0 ? range(2, 70 + i) : range(i, 5 + (i % 40)),
        displacement: i % 4 === 0 ? undefined : randomDisplacement(model.shape).map((value) => value * (1 + (i % 8))),
        maxTokens: 12 + (i % 9),
        temperature: i % 2,
        seed: i,
      }),
    )
    const alone: number[][] = []
    for (const request of requests) alone.push(await tokensOf(request))
    const together = await Promise.all(
      requests.map(async (request, i) => {
        if (i % 2 === 0) return tokensOf(request)
        for await (const { token } of model.generateTokens(request)) return [token]
        return []
      }),
    )
    for (const [i, tokens] of together.entries()) expect(tokens).toEqual(i % 2 === 0 ? alone[i] : alone[i]!.slice(0, 1))
    expect(new Set(alone.map(String)).size).toBeGreaterThan(32)
    const { running, waiting, rowBytes, prefixBytes } = await model.generationLoad!()
    expect({ running, waiting, rowBytes }).toEqual({ running: 0, waiting: 0, rowBytes: 0 })
    expect(prefixBytes).toBeGreaterThan(0)
  })

  it('counts a prompt that it has seen by its last block only', async () => {
    const tokens = range(17, 200)
    const spent = async () => {
      const before = (await model.usage()).forwardTokens
      await tokensOf({ tokens, maxTokens: 1 })
      return (await model.usage()).forwardTokens - before
    }
    expect([await spent(), await spent()]).toEqual([200, 200 - 192])
  })
})

function range(start: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (start * 31 + i * 37 + 5) % 64)
}
