import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Decoder } from '../../src/engine/decoder.ts'
import { openEngine } from '../../src/engine/open-engine.ts'
import type { RowDecoder } from '../../src/engine/row-decoder.ts'
import { rowSelfTest } from '../../src/engine/row-self-test.ts'
import { tokenModel } from '../../src/engine/token-model.ts'
import { configJson, randomModel } from '../fixtures/random-model.ts'
import { CASES, distance, LOGIT_TOLERANCE, randomDisplacement } from './conformance.ts'
import { nodeRuntime, openReference, openRowDecoder, readHeaders } from './open-model.ts'

/** Of unequal length, in no order, one of a single token. */
const ROWS = [[7, 8, 9], [4], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], [5, 6]]

describe.each(CASES.map(({ name, ...rest }) => ({ name, ...rest })))('row decoder, $name', ({ json, ...options }) => {
  const random = randomModel({ json: configJson(json), seed: 7, ...options })
  const runtime = nodeRuntime(random, { intraOpNumThreads: 1 })
  let reference: Decoder
  let rows: RowDecoder
  beforeAll(async () => {
    reference = await openReference(random)
    rows = await openRowDecoder(random, runtime)
  })
  afterAll(async () => {
    await rows.dispose()
    runtime.close()
  })

  it.each([
    ['unsteered after a prefix', [11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22], false],
    ['steered after a prefix', [11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22], true],
    ['steered, nothing shared', [], true],
  ])('gives the logits of the reference, %s', async (_, prefix, steered) => {
    const displacement = steered ? randomDisplacement(rows.shape) : undefined
    const found = await (await rows.begin(prefix, displacement)).nextLogits(ROWS)
    const { vocabSize } = rows.shape
    for (const [r, row] of ROWS.entries()) {
      const tokens = [...prefix, ...row]
      const { logits } = await reference.forward({ tokens, displacement, logitsAt: [tokens.length - 1] })
      expect(distance(found.subarray(r * vocabSize, (r + 1) * vocabSize), logits)).toBeLessThan(LOGIT_TOLERANCE)
    }
  })
})

describe('scoring in rows', () => {
  const random = randomModel()
  const requests = [
    { tokens: [1, 2, 3, 4], continuations: [[5], [6]] },
    { tokens: [1, 2, 8], continuations: [[5]] },
    { tokens: [1, 2, 3, 9, 10], continuations: [[6], [7], [8]] },
  ]
  const open = async () => {
    const runtime = nodeRuntime(random)
    const sessions: string[] = []
    const model = await openEngine({
      config: random.config,
      files: await readHeaders(random),
      runtime: {
        ...runtime,
        createSession: (graph, variant) => {
          sessions.push(variant)
          return runtime.createSession(graph, variant)
        },
      },
    })
    const close = async () => {
      await model.dispose()
      runtime.close()
    }
    return { model, sessions, close }
  }

  it('gives each request, in its own place, what the reference gives it alone', async () => {
    const { model, sessions, close } = await open()
    const reference = tokenModel(await openReference(random))
    const displacement = randomDisplacement(model.shape)
    const progress: number[] = []
    const found = await model.score(requests, { displacement, onProgress: ({ done }) => progress.push(done) })
    const expected = await reference.score(requests, { displacement })
    for (const [i, scores] of found.entries()) expect(distance(scores, expected[i]!)).toBeLessThan(LOGIT_TOLERANCE)
    expect(sessions).toEqual(['decode', 'rows'])
    expect(progress.at(-1)).toBe(requests.length)
    expect(await model.score([], {})).toEqual([])
    await close()
  })

  it('counts the tokens of a shared prefix once and padding never', async () => {
    const { model, close } = await open()
    await model.score(requests)
    const { forwardTokens } = await model.usage()
    await model.score(requests)
    // Self-tests at load and at the opening of the rows count too.
    expect((await model.usage()).forwardTokens - forwardTokens).toBe(2 + 2 + 1 + 3)
    await close()
  })

  it('stops between two passes on the signal', async () => {
    const { model, close } = await open()
    const many = Array.from({ length: 100 }, (_, i) => ({
      tokens: Array.from({ length: 60 }, (_, t) => (i + t) % 101),
      continuations: [[1]],
    }))
    const controller = new AbortController()
    const scoring = model.score(many, { signal: controller.signal, onProgress: () => controller.abort() })
    await expect(scoring).rejects.toMatchObject({ code: 'aborted' })
    await close()
  })

  it('is refused where rows are scored unsteered', async () => {
    const runtime = nodeRuntime(random)
    const decoder = await openReference(random)
    const rows = await openRowDecoder(random, runtime)
    await expect(rowSelfTest({ decoder, rows })).resolves.toBeUndefined()
    const unsteered: RowDecoder = { ...rows, begin: (prefix) => rows.begin(prefix) }
    await expect(rowSelfTest({ decoder, rows: unsteered })).rejects.toMatchObject({ code: 'engine-failed' })
    await rows.dispose()
    runtime.close()
  })
})
