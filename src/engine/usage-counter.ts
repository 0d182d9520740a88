/** @file Counts what decoders really compute: a token of a shared prefix once, however many prompts continue it. */
import type { ModelUsage } from '../model/flops.ts'
import type { Decoder } from './decoder.ts'

export interface UsageCounter {
  /** The same decoder, counted. */
  counted(decoder: Decoder): Decoder
  usage(): ModelUsage
}

export function usageCounter(): UsageCounter {
  let usage: ModelUsage = { forwardTokens: 0, attendedPositions: 0, logitRows: 0 }
  return {
    usage: () => usage,
    counted: (decoder) => ({
      ...decoder,
      async forward(request) {
        const result = await decoder.forward(request)
        const { length } = request.tokens
        const before = request.past?.length ?? 0
        usage = {
          forwardTokens: usage.forwardTokens + length,
          attendedPositions: usage.attendedPositions + length * before + (length * (length + 1)) / 2,
          logitRows: usage.logitRows + (request.logitsAt?.length ?? 0),
        }
        return result
      },
    }),
  }
}
