/** @file Counts what decoders really compute: a token of a shared prefix once, however many prompts continue it. */
import type { ModelUsage } from '../model/flops.ts'
import type { BatchDecoder } from './batch-decoder.ts'
import type { Decoder } from './decoder.ts'
import type { RowDecoder } from './row-decoder.ts'

export interface UsageCounter {
  /** The same decoder, counted. */
  counted(decoder: Decoder): Decoder
  countedRows(decoder: RowDecoder): RowDecoder
  countedBatch(decoder: BatchDecoder): BatchDecoder
  usage(): ModelUsage
}

export function usageCounter(): UsageCounter {
  let usage: ModelUsage = { forwardTokens: 0, attendedPositions: 0, logitRows: 0 }
  const add = (length: number, before: number, logitRows: number) => {
    usage = {
      forwardTokens: usage.forwardTokens + length,
      attendedPositions: usage.attendedPositions + length * before + (length * (length + 1)) / 2,
      logitRows: usage.logitRows + logitRows,
    }
  }
  return {
    usage: () => usage,
    counted: (decoder) => ({
      ...decoder,
      async forward(request) {
        const result = await decoder.forward(request)
        add(request.tokens.length, request.past?.length ?? 0, request.logitsAt?.length ?? 0)
        return result
      },
    }),
    countedBatch: (decoder) => ({
      ...decoder,
      async extend(text, tokens) {
        const before = text.length
        const result = await decoder.extend(text, tokens)
        add(tokens.length, before, 1)
        return result
      },
      async step(texts, tokens) {
        const logits = await decoder.step(texts, tokens)
        for (const { length } of texts) add(1, length - 1, 1)
        return logits
      },
    }),
    // Padding is not counted: it is no work that anybody asked for.
    countedRows: (decoder) => ({
      ...decoder,
      async begin(prefix, displacement) {
        const begun = await decoder.begin(prefix, displacement)
        add(prefix.length, 0, 0)
        return {
          async nextLogits(rows) {
            const logits = await begun.nextLogits(rows)
            for (const row of rows) add(row.length, prefix.length, 1)
            return logits
          },
        }
      },
    }),
  }
}
