/** @file Proof when the graph for rows is opened that it computes what the decoding graph does, steered: it must never score an unsteered model. */
import { gaussian, seededRandom } from '../math/random.ts'
import { zeroDisplacement } from '../model/displacement.ts'
import type { Decoder } from './decoder.ts'
import type { RowDecoder } from './row-decoder.ts'
import { assertSameLogits, testTokens } from './self-test.ts'

export interface RowSelfTestOptions {
  readonly decoder: Decoder
  readonly rows: RowDecoder
  /** Whether weights are in blocks of few bits. */
  readonly inBlocks?: boolean | undefined
}

/** Throws `engine-failed` unless steered rows of unequal length, padded and alone, get the logits that the decoder gives. */
export async function rowSelfTest({ decoder, rows, inBlocks }: RowSelfTestOptions): Promise<void> {
  const { shape } = decoder
  const tokens = testTokens(shape)
  const random = seededRandom(0)
  const displacement = zeroDisplacement(shape).map(() => gaussian(random))
  const half = Math.floor(tokens.length / 2)
  const rests = [tokens.slice(half), tokens.slice(half, half + 1)]
  const prefix = await rows.begin(tokens.slice(0, half), displacement)
  const found = await prefix.nextLogits(rests)
  for (const [row, rest] of rests.entries()) {
    const whole = [...tokens.slice(0, half), ...rest]
    const { logits, state } = await decoder.forward({ tokens: whole, displacement, logitsAt: [whole.length - 1] })
    state.release()
    assertSameLogits({
      name: 'scoring in rows',
      row,
      found: found.subarray(row * shape.vocabSize, (row + 1) * shape.vocabSize),
      expected: logits,
      inBlocks,
    })
  }
}
