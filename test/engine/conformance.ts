/** @file What every decoder must do, over models that differ in each way a config can. Run by conformance.test.ts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Decoder } from '../../src/engine/decoder.ts'
import { tokenModel } from '../../src/engine/token-model.ts'
import type { FloatDtype } from '../../src/formats/float-tensor.ts'
import { gaussian, seededRandom } from '../../src/math/random.ts'
import { zeroDisplacement } from '../../src/model/displacement.ts'
import type { TokenModel } from '../../src/model/language-model.ts'
import type { ModelShape } from '../../src/model/shape.ts'
import { mergedModel, randomAdapter, withoutUpdate } from '../fixtures/random-adapter.ts'
import { configJson, QWEN2, QWEN3, type RandomModel, randomModel } from '../fixtures/random-model.ts'
import { openReference } from './open-model.ts'

/** Float32 against doubles over a few layers: errors seen are below 5e-6; 2e-4 is the bound we promise. */
export const LOGIT_TOLERANCE = 2e-4
const TOKENS = 64

interface Case {
  readonly name: string
  readonly json?: Record<string, unknown>
  readonly dtype?: FloatDtype
  readonly shards?: number
  /** Default true. */
  readonly fusable?: boolean
}

/** Models that differ in each way a config can. */
export const CASES: readonly Case[] = [
  { name: 'grouped queries' },
  { name: 'as many key heads as heads', json: { num_key_value_heads: 4 } },
  { name: 'one key head, width of z other than hidden', json: { num_attention_heads: 6, num_key_value_heads: 1, head_dim: 32 } },
  { name: 'head dimension 24', json: { head_dim: 24 }, fusable: false },
  { name: 'tied embeddings in bf16', json: { tie_word_embeddings: true }, dtype: 'BF16' },
  { name: 'f16 weights in three shards', dtype: 'F16', shards: 3 },
  { name: 'biases in attention and feed-forward', json: { attention_bias: true, mlp_bias: true } },
  { name: 'linear rope scaling', json: { rope_scaling: { type: 'linear', factor: 4 } } },
  {
    name: 'llama3 rope scaling',
    json: {
      rope_parameters: {
        rope_type: 'llama3',
        rope_theta: 500,
        factor: 8,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 32,
      },
    },
  },
  { name: 'biases of q, k and v only', json: QWEN2 },
  { name: 'normed heads', json: QWEN3 },
  {
    name: 'sliding window',
    json: { model_type: 'mistral', architectures: ['MistralForCausalLM'], sliding_window: 10 },
    fusable: false,
  },
]

export interface ConformanceOptions {
  readonly name: string
  readonly fusedOnly?: boolean
  /** Default true. */
  readonly takesAdapters?: boolean
  /** Opens a decoder that can record. */
  readonly open: (model: RandomModel) => Promise<{ readonly decoder: Decoder; readonly close: () => void }>
}

export function conformance({ name, fusedOnly = false, takesAdapters = true, open }: ConformanceOptions): void {
  const adapterFor = (decoder: Decoder) => (takesAdapters ? randomAdapter(decoder.modules!) : undefined)
  for (const { name: caseName, json, fusable = true, ...options } of CASES) {
    if (fusedOnly && !fusable) continue
    describe(`${name} decoder, ${caseName}`, () => {
      const random = randomModel({ json: configJson(json), seed: 7, ...options })
      const tokens = Array.from({ length: TOKENS }, (_, i) => (i * 37 + 5) % random.config.vocabSize)
      const everywhere = tokens.map((_, i) => i)
      let reference: Decoder
      let decoder: Decoder
      let close = () => {}
      beforeAll(async () => {
        reference = await openReference(random)
        const opened = await open(random)
        decoder = opened.decoder
        close = opened.close
      })
      afterAll(async () => {
        await decoder.dispose()
        close()
      })

      it.each(['unsteered', 'steered'])('gives the logits and z of the reference, %s', async (kind) => {
        const displacement = kind === 'steered' ? randomDisplacement(decoder.shape) : undefined
        const request = { tokens, displacement, logitsAt: everywhere, record: true }
        const [expected, found] = [await reference.forward(request), await decoder.forward(request)]
        expect(distance(found.logits, expected.logits)).toBeLessThan(LOGIT_TOLERANCE)
        expect(distance(found.z!, expected.z!)).toBeLessThan(LOGIT_TOLERANCE)
      })

      it.runIf(takesAdapters).each(['alone', 'with a displacement'])(
        'gives the logits and z of the reference under an adapter, %s',
        async (kind) => {
          const displacement = kind === 'alone' ? undefined : randomDisplacement(decoder.shape)
          const request = { tokens, displacement, adapter: randomAdapter(decoder.modules!), logitsAt: everywhere, record: true }
          const [expected, found] = [await reference.forward(request), await decoder.forward(request)]
          expect(distance(found.logits, expected.logits)).toBeLessThan(LOGIT_TOLERANCE)
          expect(distance(found.z!, expected.z!)).toBeLessThan(LOGIT_TOLERANCE)
          const base = await decoder.forward({ ...request, adapter: undefined })
          expect(distance(found.logits, base.logits)).toBeGreaterThan(0.1)
        },
      )

      it.runIf(takesAdapters)('gives the logits of the merged weights under an adapter', async () => {
        const displacement = randomDisplacement(decoder.shape)
        const adapter = randomAdapter(decoder.modules!, { rank: 5, seed: 6 })
        const opened = await open(await mergedModel(random, adapter))
        const expected = await opened.decoder.forward({ tokens, displacement, logitsAt: everywhere })
        const found = await decoder.forward({ tokens, displacement, adapter, logitsAt: everywhere })
        expect(distance(found.logits, expected.logits)).toBeLessThan(LOGIT_TOLERANCE)
        await opened.decoder.dispose()
        opened.close()
      })

      it('gives the same logits token by token, in pieces and at once', async () => {
        const displacement = randomDisplacement(decoder.shape)
        const whole = await decoder.forward({ tokens, displacement, logitsAt: everywhere })
        const start = await decoder.forward({ tokens: tokens.slice(0, 40), displacement })
        const piece = await decoder.forward({ tokens: tokens.slice(40, 60), displacement, past: start.state, logitsAt: [19] })
        expect(distance(piece.logits, rows(whole.logits, 59))).toBeLessThan(LOGIT_TOLERANCE)
        let { state } = piece
        for (const position of [60, 61, 62, 63]) {
          const step = await decoder.forward({ tokens: [tokens[position]!], displacement, past: state, logitsAt: [0] })
          expect(distance(step.logits, rows(whole.logits, position))).toBeLessThan(LOGIT_TOLERANCE)
          state = step.state
        }
      })

      const rows = (logits: Float32Array, position: number) =>
        logits.subarray(position * decoder.shape.vocabSize, (position + 1) * decoder.shape.vocabSize)
    })
  }

  describe(`${name} decoder`, () => {
    const random = randomModel({ json: configJson({ max_position_embeddings: 512 }), seed: 3 })
    let decoder: Decoder
    let model: TokenModel
    let close = () => {}
    beforeAll(async () => {
      const opened = await open(random)
      decoder = opened.decoder
      model = tokenModel(decoder)
      close = opened.close
    })
    afterAll(async () => {
      await model.dispose()
      close()
    })

    it('gives bit for bit the base model for a zero displacement', async () => {
      const tokens = [5, 6, 7, 8]
      const base = await model.logits({ tokens })
      expect(await model.logits({ tokens, displacement: zeroDisplacement(model.shape) })).toEqual(base)
    })

    it.runIf(takesAdapters).each(['B = 0', 'alpha = 0'])('gives the base model for an adapter with %s', async (kind) => {
      const tokens = [5, 6, 7, 8]
      const adapter = randomAdapter(decoder.modules!)
      const none = kind === 'B = 0' ? withoutUpdate(adapter) : { ...adapter, alpha: 0 }
      // Zeros are added to float32 numbers: equal, not only near.
      expect(Array.from(await model.logits({ tokens, adapter: none }))).toEqual(Array.from(await model.logits({ tokens })))
    })

    it.runIf(takesAdapters)('serves adapters of several ranks and targets one after the other', async () => {
      const tokens = [5, 6, 7, 8]
      const adapters = [
        randomAdapter(decoder.modules!, { rank: 1, targets: ['q_proj', 'v_proj'] }),
        randomAdapter(decoder.modules!, { rank: 8, targets: ['v_proj', 'q_proj'], seed: 2 }),
        randomAdapter(decoder.modules!, { rank: 4, targets: ['down_proj'] }),
      ]
      for (const adapter of [...adapters, ...adapters]) {
        const opened = await open(await mergedModel(random, adapter))
        const merged = await opened.decoder.forward({ tokens, logitsAt: [3] })
        expect(distance(await model.logits({ tokens, adapter }), merged.logits)).toBeLessThan(LOGIT_TOLERANCE)
        await opened.decoder.dispose()
        opened.close()
      }
    })

    it('leaves a state as it was when several passes continue it', async () => {
      const { state } = await decoder.forward({ tokens: [1, 2, 3] })
      const continued = (tokens: number[]) => decoder.forward({ tokens, past: state, logitsAt: [tokens.length - 1] })
      const first = await continued([4, 5])
      await continued([9, 9, 9, 9])
      const again = await continued([4, 5])
      expect(again.logits).toEqual(first.logits)
      // And what the first pass appended is still there to be continued.
      const long = await model.logits({ tokens: [1, 2, 3, 4, 5, 6] })
      const step = await decoder.forward({ tokens: [6], past: first.state, logitsAt: [0] })
      expect(distance(step.logits, long)).toBeLessThan(LOGIT_TOLERANCE)
    })

    it('keeps the past when a state outgrows its memory', async () => {
      // Buffers begin with 128 tokens, so this one grows while it is continued.
      const tokens = Array.from({ length: 140 }, (_, i) => (i * 11) % 101)
      let { state } = await decoder.forward({ tokens: tokens.slice(0, 120) })
      for (const token of tokens.slice(120, -1)) state = (await decoder.forward({ tokens: [token], past: state })).state
      const last = await decoder.forward({ tokens: tokens.slice(-1), past: state, logitsAt: [0] })
      expect(distance(last.logits, await model.logits({ tokens }))).toBeLessThan(LOGIT_TOLERANCE)
    })

    it('scores continuations as the log-softmax of its logits does', async () => {
      const displacement = randomDisplacement(model.shape)
      const [prompt, continuations] = [
        [1, 2, 3],
        [[4], [5, 6, 7]],
      ]
      const [scores] = await model.score([{ tokens: prompt, continuations }], { displacement })
      for (const [i, continuation] of continuations.entries()) {
        let expected = 0
        for (const [k, token] of continuation.entries()) {
          expected += logSoftmax(await model.logits({ tokens: [...prompt, ...continuation.slice(0, k)], displacement }))[token]!
        }
        expect(Math.abs(scores![i]! - expected)).toBeLessThan(LOGIT_TOLERANCE)
      }
    })

    it('scores and records requests that share a prefix as it does each alone', async () => {
      const steering = { displacement: randomDisplacement(model.shape), adapter: adapterFor(decoder) }
      const requests = [
        { tokens: [1, 2, 3, 4], continuations: [[5], [6, 7]] },
        { tokens: [1, 2, 8], continuations: [[5, 5, 5]] },
        { tokens: [1, 2, 3, 9, 10], continuations: [[6], [7]] },
      ]
      const together = await model.score(requests, steering)
      const recorded = await model.record(requests, steering)
      for (const [i, request] of requests.entries()) {
        const [alone] = await model.score([request], steering)
        expect(distance(together[i]!, alone!)).toBeLessThan(LOGIT_TOLERANCE)
        const z = await model.record([request], steering)
        expect(distance(recorded.subarray(i * z.length, (i + 1) * z.length), z)).toBeLessThan(LOGIT_TOLERANCE)
      }
    })

    it('generates greedily the tokens with the largest logits', async () => {
      const steering = { displacement: randomDisplacement(model.shape), adapter: adapterFor(decoder) }
      const tokens = [1, 2, 3]
      const generated: number[] = []
      for await (const { token } of model.generateTokens({ tokens, ...steering, maxTokens: 12 })) generated.push(token)
      const expected: number[] = []
      while (expected.length < 12) {
        const logits = await model.logits({ tokens: [...tokens, ...expected], ...steering })
        expected.push(logits.indexOf(Math.max(...logits)))
      }
      expect(generated).toEqual(expected)
    })
  })
}

export function randomDisplacement(shape: ModelShape, seed = 11): Float32Array {
  const random = seededRandom(seed)
  return zeroDisplacement(shape).map(() => 0.5 * gaussian(random))
}

/** Largest absolute difference; NaN anywhere is infinitely far. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let most = 0
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!)
    if (!(difference <= most)) most = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference
  }
  return most
}

function logSoftmax(logits: Float32Array): number[] {
  const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0)
  return Array.from(logits, (logit) => logit - Math.log(sum))
}
