/** @file Proof when the graph for many texts is opened that each gets what the decoding graph gives it, under its own displacement. */
import { gaussian, seededRandom } from '../math/random.ts'
import { zeroDisplacement } from '../model/displacement.ts'
import type { BatchDecoder } from './batch-decoder.ts'
import type { Decoder } from './decoder.ts'
import { assertSameLogits, testTokens } from './self-test.ts'

export interface BatchSelfTestOptions {
  readonly decoder: Decoder
  readonly batch: BatchDecoder
  /** Whether weights are in blocks of few bits. */
  readonly inBlocks?: boolean | undefined
}

/** Throws `engine-failed` unless texts of unequal length under unequal displacements, stepped in one pass, get the logits that the decoder gives each alone. */
export async function batchSelfTest({ decoder, batch, inBlocks }: BatchSelfTestOptions): Promise<void> {
  const { shape } = decoder
  const tokens = testTokens(shape)
  const random = seededRandom(0)
  const displacement = zeroDisplacement(shape).map(() => gaussian(random))
  const cases = [displacement, undefined, displacement.map((value) => -value)].map((steering, index) => ({
    steering,
    // Parts: alone, alone behind the first, and with the others.
    parts: [tokens.slice(0, 1 + index), tokens.slice(1 + index, -1), tokens.slice(-1)] as const,
    text: batch.begin(steering),
  }))
  for (const { text, parts } of cases) for (const part of parts.slice(0, 2)) if (part.length > 0) await batch.extend(text, part)
  const found = await batch.step(
    cases.map(({ text }) => text),
    cases.map(({ parts }) => parts[2][0]!),
  )
  for (const { text } of cases) batch.end(text)
  for (const [row, { steering }] of cases.entries()) {
    const { logits, state } = await decoder.forward({ tokens, displacement: steering, logitsAt: [tokens.length - 1] })
    state.release()
    assertSameLogits({ name: 'generating in rows', row, found: found[row]!, expected: logits, inBlocks })
  }
}
